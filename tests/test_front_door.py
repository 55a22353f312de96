"""The public names: each has an example that runs, and stands on the page made of docstrings."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import gmbench

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
