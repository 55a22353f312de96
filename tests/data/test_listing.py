from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.listing import Listing, list_images
from gmbench.data.sources import Source, SourceFile, in_order
from gmbench.errors import SourceError
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
