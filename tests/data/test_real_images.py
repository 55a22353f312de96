from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from gmbench.benchmark.benchmark import MINI116
from gmbench.data.real_images import read_real_images
from gmbench.data.rgb import rgb_pixels
from gmbench.errors import DatasetError
from gmbench.zoo.content import load_content


def test_the_real_images_of_mini116_and_whom_they_show() -> None:
    shards = {shard.name: shard for shard in read_real_images(MINI116)}
    assert len(shards) == 9
    assert all(len(shard.images) == 48 and shard.tells_sources for shard in shards.values())
    assert len(set(shards["real-faces-64"].sources)) == 8
    assert len(set(shards["real-photos-32"].sources)) == 9
    # A digit stands for itself.
    assert Counter(shards["real-digits-32"].sources).most_common(1)[0][1] == 1


SLOW = [
    pytest.param(content, 64, marks=pytest.mark.slow)
    for content in ("icons", "letters", "textures")
]


@pytest.mark.parametrize(
    ("content", "size"), [("digits", 32), ("faces", 64), ("photos", 32), *SLOW]
)
def test_the_table_says_what_the_zoo_would(content: str, size: int) -> None:
    """The zoo makes the same images, and knows the source of each."""
    name = f"real-{content}-{size}"
    shard = next(one for one in read_real_images(MINI116) if one.name == name)
    made = load_content(content, size)
    for row in range(48):
        pixels = rgb_pixels(shard.opened(row))
        assert np.array_equal(pixels, made.held_out[row].transpose(1, 2, 0))
    assert shard.sources == made.held_out_sources[:48]


def test_the_zoo_shows_each_person_on_one_side() -> None:
    """A source names the person: the same face, mirrored, has the same one."""
    made = load_content("faces", 64)
    pairs = list(zip(made.held_out, made.held_out_sources, strict=True))
    by_pixels = {image.tobytes(): source for image, source in pairs}
    for image, source in pairs:
        assert by_pixels[np.ascontiguousarray(image[..., ::-1]).tobytes()] == source
    assert len(set(made.held_out_sources)) == 8


def test_real_images_that_lack_or_are_damaged(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"has no real images \(real/\*.parquet\)"):
        read_real_images(tmp_path)
    folder = tmp_path / "copy"
    folder.mkdir()
    shutil.copytree(MINI116 / "real", folder / "real")
    shutil.copy(MINI116 / "checksums.sha256", folder)
    assert read_real_images(folder)[1].tells_sources
    shard = folder / "real" / "faces-64.parquet"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(DatasetError, match="it is not what the checksums say"):
        read_real_images(folder)
