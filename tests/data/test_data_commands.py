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
    assert gmbench(*BUILD) == snapshot
    assert gmbench(*BUILD) == snapshot
    assert gmbench("data", "verify") == snapshot


def test_report_of_what_is_missing(gmbench: Gmbench, folder: Path, snapshot: object) -> None:
    shutil.rmtree(folder / "images" / "DCGAN")
    for number in range(13):
        (folder / "images" / "STYLEGAN" / f"{number + 50}.png").write_bytes(image_bytes(number)[1])
    (folder / "images" / "STYLEGAN" / "[red]x.png").write_text("no image")
    assert gmbench(*BUILD) == snapshot
    allowed = gmbench(*BUILD, "--allow-missing")
    assert allowed == snapshot
    assert allowed.returncode == 0


def test_report_as_json(gmbench: Gmbench, folder: Path) -> None:
    (folder / "images" / "STYLEGAN" / "5.png").write_text("")
    stopped = gmbench(*BUILD, "--json")
    assert stopped.returncode == 1
    assert not json.loads(stopped.stdout)["ok"]
    allowed = gmbench(*BUILD, "--json", "--allow-missing")
    assert allowed.returncode == 0
    written = (folder / "gm-parsing" / "inspection.json").read_text()
    assert json.loads(allowed.stdout) == json.loads(written)


def test_damage(gmbench: Gmbench, folder: Path, snapshot: object) -> None:
    (folder / "small" / "data" / "train" / "STYLEGAN.parquet").unlink()
    assert gmbench("data", "verify", "small", "--jobs", "1") == snapshot
    as_json = gmbench("data", "verify", "small", "--json", "--jobs", "1")
    assert as_json.returncode == 1
    assert not json.loads(as_json.stdout)["ok"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("data", "build", "--benchmark", "red116"),
        ("data", "build", "--images", "no-such"),
        ("data", "build", "--images", "file.zip"),
        ("data", "build", "--benchmark", "red-116", "--images", "images"),
        ("data", "build", "--benchmark", "small", "--images", "images", "--out", "images/out"),
        ("data", "build", "--benchmark", "small", "--images", "images", "--out", "images2"),
        ("data", "verify", "no-such"),
    ],
)
def test_mistakes_end_in_one_line(
    gmbench: Gmbench, folder: Path, arguments: tuple[str, ...], snapshot: object
) -> None:
    (folder / "file.zip").write_bytes(b"PK\x03\x04 cut short")
    shutil.copytree(folder / "images", folder / "images2")
    done = gmbench(*arguments)
    assert done == snapshot
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
