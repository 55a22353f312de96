"""`predict --out DIR`: a long run of a network over a test set, or over images of one's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from gmbench.parsing import engines
from gmbench.predictions.predictions import read_predictions
from tests.cli.test_training import CHANGES, DATA, model
from tests.commands import data, gmbench
from tests.processes import one_after_the_other
from tests.training.families import build_families, family_benchmark, family_image


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset and a network, and what that says of `set_1` as one file."""
    place = tmp_path_factory.mktemp("here")
    build_families(place, family_benchmark(n_gms=12, n_images=4))
    gmbench("train", "full", *DATA, *CHANGES, cwd=place)
    gmbench("predict", model(place), *DATA, "-o", "set_1.parquet", cwd=place)
    (place / "own_images").mkdir()
    for number in range(3):
        family_image(0, number).save(place / "own_images" / f"{number}.png")
    return place


def sums(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.glob("parts/*")}


def test_a_set_in_parts_says_what_a_file_says(here: Path) -> None:
    with one_after_the_other(engines):
        done = gmbench("predict", model(here), *DATA, "-o", "parts_1", cwd=here)
    assert done.stdout.strip() == "parts_1/parts: 16 images in 4 files"
    following = done.stderr.splitlines()[-1]
    assert following == "next: gmbench evaluate parts_1 -b dataset"
    result = data(*following.split()[2:], "--replicates", "0", cwd=here)
    assert result["n_images"] == 16
    whole, parts = (
        read_predictions(here / name, here / "dataset") for name in ("set_1.parquet", "parts_1")
    )
    assert whole.image_ids == parts.image_ids
    np.testing.assert_allclose(parts.values.to_array(), whole.values.to_array(), rtol=1e-4)


def test_who_has_seen_the_set_is_told_so(here: Path) -> None:
    with one_after_the_other(engines):
        found = data("predict", model(here), *DATA, "--set", "set_2", "-o", "parts_2", cwd=here)
    assert (found["images"], found["parts"], found["unread"]) == (16, 4, {})
    assert found["warning"].startswith("this parser was trained on 4 of the 4 GMs of set_2")


def test_images_of_ones_own(here: Path) -> None:
    (here / "list.txt").write_text("own_images/2.png\n")
    words = ["own_images/0.png", "own_images/1.png", "--list", "list.txt", "--device", "cpu"]
    with one_after_the_other(engines):
        found = data("predict", model(here), *words, "-o", "own", cwd=here)
        data("parse", *words, "-m", model(here), "-o", "parsed", cwd=here)
    assert found["images"] == 3
    assert sums(here / "own") == sums(here / "parsed")


@pytest.mark.slow
def test_a_killed_prediction_goes_on(here: Path) -> None:
    command = [sys.executable, "-m", "gmbench", "predict", model(here), *DATA, "--jobs", "1"]
    environment = {**os.environ, "GMBENCH_HOME": str(here / "home")}

    def begin(out: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*command, "-o", out], cwd=here, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    assert begin("undisturbed").wait() == 0
    with begin("killed") as process:
        until = time.monotonic() + 120
        while not list(here.glob("killed/parts/part-*")) and time.monotonic() < until:
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
    before = {path: path.stat().st_mtime_ns for path in here.glob("killed/parts/part-*")}
    assert before
    assert begin("killed").wait() == 0
    assert sums(here / "killed") == sums(here / "undisturbed")
    assert {path: path.stat().st_mtime_ns for path in before} == before
