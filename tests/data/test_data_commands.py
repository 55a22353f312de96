"""`gmbench data build` and `gmbench data verify`, as a user meets them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.commands import Done
from tests.commands import gmbench as run
from tests.data.fake_images import image_bytes

Gmbench = Callable[..., Done]


@pytest.fixture
def gmbench(folder: Path) -> Gmbench:
    """Runs the command line as a shell does, in `folder`."""
    return partial(run, cwd=folder, check=False)


@pytest.fixture
def folder(images: Path, pristine_dataset: Path) -> Path:
    """Where the commands run: `images`, and in `small` the benchmark."""
    shutil.copytree(pristine_dataset, images.parent / "small")
    return images.parent


BUILD = ("data", "build", "--benchmark", "small", "--images", "images", "--jobs", "1")


def test_build_then_again_then_verify(gmbench: Gmbench, folder: Path, snapshot: object) -> None:
    first = gmbench(*BUILD)
    assert first == snapshot
    already = "gm-parsing was already built; `gmbench data verify gm-parsing` checks it.\n"
    assert gmbench(*BUILD) == Done(0, first.stdout, already)
    assert gmbench("data", "verify") == snapshot


def test_report_of_what_is_missing(gmbench: Gmbench, folder: Path, snapshot: object) -> None:
    shutil.rmtree(folder / "images" / "DCGAN")
    for number in range(13):
        (folder / "images" / "STYLEGAN" / f"{number + 50}.png").write_bytes(image_bytes(number)[1])
    (folder / "images" / "STYLEGAN" / "[red]x.png").write_text("no image")
    assert gmbench(*BUILD) == snapshot
    allowed = gmbench(*BUILD, "--allow-missing")
    assert allowed.returncode == 0
    assert allowed.stderr == "Wrote small-partial to gm-parsing, as --allow-missing says.\n"
    assert allowed.stdout.startswith("small 1: 5 GMs, 30 images\nfailed  missing_gms ")
    assert "warning surplus_images     14 images beyond" in allowed.stdout
    assert allowed.stdout.count("more than 6 of STYLEGAN\n") == 10
    assert "- and 4 more\n" in allowed.stdout


def test_report_as_json(gmbench: Gmbench, folder: Path) -> None:
    (folder / "images" / "STYLEGAN" / "5.png").write_text("")
    stopped = gmbench(*BUILD, "--json")
    assert stopped.returncode == 1
    assert not json.loads(stopped.stdout)["ok"]
    allowed = gmbench(*BUILD, "--json", "--allow-missing")
    assert allowed.returncode == 0
    written = (folder / "gm-parsing" / "inspection.json").read_text()
    assert json.loads(allowed.stdout) == json.loads(written)


def test_damage(gmbench: Gmbench, folder: Path) -> None:
    (folder / "small" / "data" / "train" / "STYLEGAN.parquet").unlink()
    done = gmbench("data", "verify", "small", "--jobs", "1")
    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("failed")]
    assert (done.returncode, done.stderr, failed) == (1, "", ["shards", "checksums"])
    assert done.stdout.count("- data/train/STYLEGAN.parquet: missing\n") == 2
    assert done.stdout.count("remedy: Build it again with `gmbench data build --overwrite`") == 2
    as_json = gmbench("data", "verify", "small", "--json", "--jobs", "1")
    assert as_json.returncode == 1
    assert not json.loads(as_json.stdout)["ok"]


MISTAKES = {
    "build --benchmark red116": "Fetch them with `gmbench data fetch red116`, or by hand, and give",
    "build --images no-such": "no-such does not exist. Give the folder, ZIP or TAR",
    "build --images file.zip": "file.zip is cut short or damaged, or is neither a ZIP nor a TAR",
    "build --benchmark red-116 --images images": "Did you mean red116 or red116-dm or red140? Take",
    "build --benchmark small --images images --out images/out": "lie inside one another. Give an",
    "build --benchmark small --images images --out images2": "is not a dataset of gmbench. Give",
    "verify no-such": "no-such is not a folder. Give one that `gmbench data build` made.",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_mistakes_end_in_one_line(gmbench: Gmbench, folder: Path, arguments: str) -> None:
    (folder / "file.zip").write_bytes(b"PK\x03\x04 cut short")
    shutil.copytree(folder / "images", folder / "images2")
    done = gmbench("data", *arguments.split())
    assert done.stderr.startswith("error: ")
    assert MISTAKES[arguments] in done.stderr
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
