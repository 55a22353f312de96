from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.class_folders import read_class_folders
from gmbench.data.deepfakes import read_collection
from gmbench.data.listing import Listing, list_images
from gmbench.data.sources import Source, SourceFile, in_order
from gmbench.errors import SourceError
from gmbench.parsing.files import image_files
from gmbench.zoo.image_folder import read_folder
from tests.data.fake_images import small_benchmark


def listing(benchmark: Benchmark, *paths: str) -> Listing:
    files = in_order(SourceFile(path, 1, 0, path) for path in paths)
    return list_images(Source(Path("images"), "folder", Path("images"), files), benchmark)


@pytest.mark.parametrize(
    "folder",
    [
        "STYLEGAN_2",
        "stylegan2",
        "Style-GAN 2",
        "a/b/StyleGAN2",
        "StyleGAN2/png/0-99",
        "DM/style.gan.2",
    ],
)
def test_folder_is_matched_by_name(benchmark: Benchmark, folder: str) -> None:
    found = listing(benchmark, f"{folder}/1.png")
    assert list(found.gms) == ["STYLEGAN_2"]
    assert found.unknown_folders == {}


def test_deepest_folder_that_fits_wins(benchmark: Benchmark) -> None:
    found = listing(benchmark, "STYLEGAN/STYLEGAN_2/1.png")
    assert found.gms["STYLEGAN_2"].folder == "STYLEGAN/STYLEGAN_2"


def test_two_folders_of_one_gm_are_refused(benchmark: Benchmark) -> None:
    with pytest.raises(SourceError, match=r"2 folders fit the GM DCGAN: DCGAN, old/dc-gan"):
        listing(benchmark, "DCGAN/1.png", "old/dc-gan/1.png")


def test_names_that_begin_alike(benchmark: Benchmark) -> None:
    found = listing(benchmark, "DCGAN/a.png1.png", "DCGAN/a.png").gms["DCGAN"]
    assert [found.name_of(file) for file in found.files] == ["a.png", "a.png1.png"]


def test_what_a_mac_puts_beside_images_is_none(benchmark: Benchmark, tmp_path: Path) -> None:
    paths = [f"{name}/{image}" for name in ("real", "fake") for image in ("1.png", "._1.png")]
    paths += ["__MACOSX/real/1.png"]
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    images = [tmp_path / "fake" / "1.png", tmp_path / "real" / "1.png"]
    assert image_files([tmp_path]) == images
    assert read_class_folders(tmp_path) == {path.parent.name: [path] for path in images}
    assert [clip.path for clip in read_collection(tmp_path).clips] == images[::-1]
    assert listing(benchmark, *(f"DCGAN/{path}" for path in paths)).not_images == (
        "DCGAN/__MACOSX/real/1.png",
        "DCGAN/fake/._1.png",
        "DCGAN/real/._1.png",
    )
    with pytest.raises(SourceError, match="holds 2 images"):
        read_folder(tmp_path, 8)


def test_order_is_natural(benchmark: Benchmark) -> None:
    names = ["img2.png", "img10.png", "IMG1.png", "img01.png", "a/3.png", "7.png"]
    found = listing(benchmark, *(f"DCGAN/{name}" for name in names)).gms["DCGAN"]
    assert [found.name_of(file) for file in found.files] == [
        "7.png",
        "a/3.png",
        "IMG1.png",
        "img01.png",
        "img2.png",
        "img10.png",
    ]


@given(
    st.lists(st.text("aB/.-019²\n", min_size=1, max_size=8), unique=True, max_size=8), st.randoms()
)
def test_order_does_not_depend_on_the_order_of_the_list(names: list[str], random: Random) -> None:
    paths = [f"DCGAN/{name}.png" for name in names]
    shuffled = list(paths)
    random.shuffle(shuffled)
    assert listing(small_benchmark(), *paths) == listing(small_benchmark(), *shuffled)


def test_digits_have_no_limit(benchmark: Benchmark) -> None:
    found = listing(benchmark, f"DCGAN/{'9' * 10_000}.png", "DCGAN/8.png").gms["DCGAN"]
    assert found.name_of(found.files[0]) == "8.png"


def test_everything_else_is_listed(benchmark: Benchmark) -> None:
    found = listing(
        benchmark,
        "top.png",
        "StyleGAN3/1.png",
        "labels.CSV",
        "DCGAN/Thumbs.db",
        "__MACOSX/DCGAN/1.png",
        "DCGAN/._1.png",
    )
    assert found.gms == {}
    assert found.unknown_folders == {"": (1, ()), "StyleGAN3": (1, ("STYLEGAN", "STYLEGAN_2"))}
    assert found.csv_files == ("labels.CSV",)
    assert found.not_images == ("DCGAN/._1.png", "DCGAN/Thumbs.db", "__MACOSX/DCGAN/1.png")
