"""The public names: each has an example that runs, and stands on the page made of docstrings."""

from __future__ import annotations

import doctest
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gmbench
from gmbench.errors import GmbenchError

ROOT = Path(__file__).parent.parent
NAMES = [name for name in gmbench.__all__ if name != "__version__"]
CONSTANTS = {"PARAMETERS"}
"""Public names that are no code, so hold no docstring of their own."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the examples share, with the user's cache in it."""
    return tmp_path_factory.mktemp("examples")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CONSTANTS])
def test_examples(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("GMBENCH_HOME", str(place / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    item = getattr(gmbench, name)
    own = [test for test in doctest.DocTestFinder(exclude_empty=True).find(item, name=name)
           if test.examples]  # fmt: skip
    assert own, f"gmbench.{name} has no example"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in own:
        said: list[str] = []
        assert not runner.run(test, out=said.append).failed, "".join(said)


def test_the_page_is_of_the_docstrings() -> None:
    subprocess.run([sys.executable, "docs/api.py", "--check"], cwd=ROOT, check=True)
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"### gmbench.{name}\n" in page
    returned = [line for line in page.splitlines() if line.startswith("Returns:")]
    assert returned
    assert all(line.endswith(".") for line in returned)  # Not cut off after a first line.


TWO = [[0.0] * 9, [1.0] * 9]

NONE: Any = None
NUMBER: Any = 3
LIST: Any = ["a.csv"]
NUMBERS: Any = [1]

WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "a benchmark": (lambda: gmbench.load_benchmark(NUMBER), "Give a name or a folder"),
    "no predictions": (lambda: gmbench.evaluate(NONE), "an object of type NoneType is none"),
    "a list of files": (lambda: gmbench.evaluate(LIST), "an object of type list is none"),
    "a column twice": (
        lambda: gmbench.evaluate(pd.DataFrame([[1, 2]], columns=["layers", "layers"])),
        "column layers",
    ),
    "ragged targets": (lambda: gmbench.Predictions.of("mini116", "x", [[0], [0, 1]]), "25 numbers"),
    "an id that is no text": (
        lambda: gmbench.Predictions.of("mini116", "x", [[0.0] * 25], image_ids=NUMBERS),
        "image_ids are text",
    ),
    "natural counts": (
        lambda: gmbench.Predictions.of("red116", "x", [[2e6] * 25], image_ids=["AAE/000001"]),
        "normalised=False",
    ),
    "one name for two": (
        lambda: gmbench.compare(*[gmbench.run_baseline("mean_mode")] * 2, names=["a"]),
        "2 methods need as many different names",
    ),
    "text for numbers": (lambda: gmbench.metrics.l1("a", "b", "c"), "arrays of numbers"),
    "a class beyond all": (
        lambda: gmbench.metrics.arch_f1([[0.0] * 25], [[0.0] * 9 + [1e6] + [0.0] * 15], ["A"]),
        "whole numbers from 0 to 127",
    ),
    "no finite target": (
        lambda: gmbench.metrics.l1([[float("inf")] * 9] * 2, TWO, ["A", "A"]),
        "finite numbers",
    ),
    "changes of labels alone": (
        lambda: gmbench.run_baseline("mean_mode", changes={"epochs": 5}),
        "trains no network",
    ),
    "a seed below 0": (lambda: gmbench.run_baseline("random_f1", seed=-1), "seed=-1 cannot be"),
    "a seed that trees cannot take": (
        lambda: gmbench.run_baseline("spectral", seed=2**32),
        "give a whole number from 0 to 4294967295",
    ),
    "a number of images": (lambda: gmbench.parse(NUMBER), "type int is no image"),
    "numbers for images": (lambda: gmbench.parse(NUMBERS), "type int is no image"),
    "no pixels": (lambda: gmbench.parse(np.zeros((0, 0, 3), np.uint8)), "is no image"),
    "no processes": (
        lambda: gmbench.FoldDataset("mini116", "set_1", "test", view=16, jobs=-1),
        "jobs of 1 or more",
    ),
}
"""What a user may give by mistake, and what the message says."""


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_argument_is_one_message(
    what: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GMBENCH_HOME", str(place / f"home of {what}"))
    call, message = WRONG[what]
    with pytest.raises(GmbenchError) as caught:
        call()
    assert message in str(caught.value)


def test_a_parser_that_is_loaded_parses_like_its_folder() -> None:
    images = np.full((2, 16, 16, 3), 7, np.uint8)
    parser = gmbench.load_parser()
    assert gmbench.parse(images, parser).to_dict() == gmbench.parse(images).to_dict()
