"""The notebooks run in a fresh folder, and print what is stored in them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(ROOT.glob("docs/notebooks/*.ipynb"))


def code(path: Path) -> list[str]:
    """The lines of a notebook's code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = "\n".join("".join(one["source"]) for one in cells if one["cell_type"] == "code")
    return [line for line in lines.splitlines() if line.strip()]


def test_a_method_of_your_own_takes_forty_lines() -> None:
    assert len(code(ROOT / "docs" / "notebooks" / "method-of-your-own.ipynb")) <= 40


def test_stored_outputs_are_small_and_of_no_machine() -> None:
    assert len(NOTEBOOKS) == 2
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        assert len(text) < 150_000
        assert "site-packages" not in text
        assert "/tmp" not in text


@pytest.mark.slow
def test_notebooks_print_what_is_stored() -> None:
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    done = subprocess.run(
        [sys.executable, "docs/run_notebooks.py", "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize(("said", "rc"), [("1 two\n", 0), ("1 three\n", 1)])
def test_an_output_that_is_another_is_told(said: str, rc: int, tmp_path: Path) -> None:
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "run_notebooks.py").write_bytes((ROOT / "docs/run_notebooks.py").read_bytes())
    notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    cell = next(one for one in notebook["cells"] if one["cell_type"] == "code")
    cell["source"] = ["print(2, 'two')"]
    cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": [said]}]
    notebook["cells"] = [cell]
    (tmp_path / "notebooks" / "one.ipynb").write_text(json.dumps(notebook))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "run_notebooks.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == rc, done.stderr
    assert ("three" in done.stderr) == bool(rc)
