from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gmbench.data.rgb import rgb_pixels
from gmbench.training.views import Crops, Resized, View, ViewError, view_from_dict
from tests.training.image_files import FILES, SIZES
from tests.training.plain import plain_mirrored, plain_pixels, plain_resized

SIDE = 16


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FILES)
def test_pixels_follow_the_literal_rule(name: str, size: tuple[int, int]) -> None:
    data = FILES[name][1](*size)
    pixels = rgb_pixels(opened(data))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, plain_pixels(data))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FILES)
def test_resized_follows_the_literal_rule(name: str, size: tuple[int, int]) -> None:
    data = FILES[name][1](*size)
    np.testing.assert_array_equal(Resized(SIDE).apply(opened(data)), plain_resized(data, SIDE))


def test_the_files_are_what_their_names_say() -> None:
    modes = {name: opened(make(9, 5)).mode for name, (_, make) in FILES.items()}
    assert {name: mode for name, mode in modes.items() if name.split(" ")[0] != mode} == {
        "turned by EXIF": "RGB",
        "two frames": "P",
    }
    clear = {name for name, (_, make) in FILES.items() if opened(make(9, 5)).has_transparency_data}
    with_key = {"P with alpha", "P with one clear colour", "RGB with a clear colour"}
    assert clear == {"LA", "PA", "RGBA", "L with a clear colour"} | with_key


def test_an_image_of_the_size_is_not_resampled() -> None:
    data = FILES["RGB"][1](SIDE, SIDE)
    np.testing.assert_array_equal(Resized(SIDE).apply(opened(data))[0], np.asarray(opened(data)))


@given(
    size=st.integers(1, 20),
    count=st.integers(1, 4),
    seed=st.integers(0, 2**70),
    width=st.integers(1, 30),
    height=st.integers(1, 30),
    image_id=st.text(max_size=8),
)
def test_crops_are_cut_from_the_mirrored_image(
    size: int, count: int, seed: int, width: int, height: int, image_id: str
) -> None:
    # No two pixels are equal, so the place of a crop can be read from its first.
    numbers = np.arange(width * height).reshape(height, width)
    pixels = np.stack([numbers % 256, numbers // 256, numbers * 0], axis=-1).astype(np.uint8)
    view = Crops(size, count, seed)
    crops = view.apply(Image.fromarray(pixels), image_id)
    assert crops.shape == (count, size, size, 3)
    whole = plain_mirrored(pixels, size, size)
    places = [
        (top, left)
        for top in range(max(1, height - size + 1))
        for left in range(max(1, width - size + 1))
    ]
    for crop in crops:
        assert any(
            np.array_equal(crop, whole[top : top + size, left : left + size])
            for top, left in places
        )
    more = Crops(size, count + 1, seed).apply(Image.fromarray(pixels), image_id)
    np.testing.assert_array_equal(more[:count], crops)


def test_crops_lie_everywhere_and_differ_by_image_and_seed() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.mgrid[:8, :8]
    image = Image.fromarray(pixels)

    def corners(seed: int, image_id: str) -> list[tuple[int, int]]:
        crops = Crops(5, 400, seed).apply(image, image_id)
        return [(int(crop[0, 0, 0]), int(crop[0, 0, 1])) for crop in crops]

    found = corners(0, "a")
    assert set(found) == {(row, column) for row in range(4) for column in range(4)}
    assert min(found.count(corner) for corner in set(found)) > 10
    assert len({tuple(corners(0, "a")), tuple(corners(1, "a")), tuple(corners(0, "b"))}) == 3


def test_crops_lie_where_they_always_lay() -> None:
    """Fixed numbers: checkpoints and caches of other machines depend on them."""
    image = Image.fromarray(np.arange(100, dtype=np.uint8).reshape(10, 10))
    assert Crops(3, 4, 7).apply(image, "DCGAN/000003")[:, 0, 0, 0].tolist() == [21, 16, 70, 16]


@pytest.mark.parametrize("view", [Resized(), Resized(128), Crops(), Crops(32, 9, 5)])
def test_descriptions_survive_json(view: View) -> None:
    assert view_from_dict(json.loads(json.dumps(view.to_dict()))) == view


def test_a_short_description_and_one_of_the_first_rule() -> None:
    assert view_from_dict({"kind": "resized", "size": 32}) == Resized(32)
    assert view_from_dict({"kind": "resized", "size": 32, "rule": 1}) == Resized(32)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"kind": "rezised"}, "'rezised' is not known. Give as `kind` one of resized, crops"),
        ({}, "None is not known"),
        ({"kind": ["crops"]}, r"\['crops'\] is not known"),
        ({"kind": "resized", "rule": 0}, "under rule 0 .* has rule 2"),
        ({"kind": "resized", "count": 2}, "cannot be made of {'count': 2}"),
        ({"kind": "resized", "size": 0}, "size of Resized is 0"),
        ({"kind": "resized", "size": "64"}, "size of Resized is '64'"),
        ({"kind": "crops", "count": 0}, "count of Crops is 0. Give a whole number from 1 on"),
        ({"kind": "crops", "seed": -1}, "seed of Crops is -1"),
    ],
)
def test_descriptions_that_are_none(description: dict[str, object], message: str) -> None:
    with pytest.raises(ViewError, match=message):
        view_from_dict(description)
