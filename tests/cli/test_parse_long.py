"""`parse --out`: any number of images, as a user meets it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gmbench.parsing import engines
from tests.commands import data, gmbench
from tests.data.image_host import ImageHost
from tests.parsing.mini_images import save_images
from tests.processes import one_after_the_other


@pytest.fixture(autouse=True)
def in_this_process() -> Iterator[None]:
    with one_after_the_other(engines):
        yield


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Three images in a folder, one of them broken, and a list of two."""
    save_images("MINI_DCGAN", tmp_path / "images", 2)
    (tmp_path / "images" / "broken.png").write_text("no image")
    (tmp_path / "list.txt").write_text("images/0.png\nimages/1.png\n")
    return tmp_path


def test_a_folder_then_the_same_again(here: Path) -> None:
    done = gmbench("parse", "images", "--out", "out", cwd=here)
    assert done.stdout.strip() == (
        "out/parts: 3 images in 1 file, 1 of them could not be parsed (column reason)"
    )
    assert done.stderr.startswith("3 images in ")
    again = gmbench("parse", "images", "--out", "out", cwd=here)
    assert again.stdout == done.stdout
    assert again.stderr.strip() == "1 file was there before."


def test_json_of_a_list_in_shards(here: Path) -> None:
    for number in (0, 1):
        found = data(
            "parse", "--list", "list.txt", "--out", "out", "--part-images", "1",
            "--shard", f"{number}/2", cwd=here,
        )  # fmt: skip
        assert (found["images"], found["parts"], found["failures"]) == (1, 1, 0)
        assert found["manifest"] == f"out/manifest-{number}-of-2.json"


def test_what_is_not_reached_ends_with_1(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmbench.parsing.looking._PAUSE", 0.0)
    with ImageHost() as host:
        host.fail("GET /a.tar", 503, "Busy")
        done = gmbench("parse", f"{host.url}/a.tar", "images", "-o", "out", cwd=here, check=False)
    assert done.returncode == 1
    assert f"not reached: {host.url}/a.tar: the host answers 503" in done.stderr
    assert "1 file of images could not be reached" in done.stderr
    assert "out/parts: 3 images in 1 file" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "There is no image to parse. Give at least one"),
        ("--list list.txt", "For long runs alone: --list. Give --out DIR"),
        ("images/0.png --shard 0/2", "For long runs alone: --shard. Give --out DIR"),
        ("images/0.png --jobs 2 --device cpu", "For long runs alone: --jobs, --device. Give --out"),
        ("--out out", "There is no image to parse"),
        ("none.png --out out", "none.png is not there. Give image files, folders, TAR"),
        ("images --out out --html a.html", "--group, --together, --csv, --html and --overwrite"),
        ("images --out out --shard 3/3", "--shard 3/3 is no part of the work: give I/N"),
        ("images --out out --engine rey", "Engine 'rey' is not known. Did you mean ray?"),
        ("images --out list.txt", "list.txt cannot be written to"),
        ("images --out out --model nowhere", "nowhere is not there"),
        ("--list none.txt --out out", "none.txt cannot be read as a list"),
    ],
)
def test_what_goes_wrong(arguments: str, message: str, here: Path) -> None:
    done = gmbench("parse", *arguments.split(), cwd=here, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (here / "out").exists()
