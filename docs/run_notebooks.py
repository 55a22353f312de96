"""Runs the notebooks of docs/notebooks/ and stores their outputs.

    python docs/run_notebooks.py            # runs each in a fresh folder, and stores the outputs
    python docs/run_notebooks.py --check    # exits with 1 and says which cell's output differs

Outputs are compared without their digits, since the last digits differ between machines.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nbclient import NotebookClient

# Its functions have no type annotations.
nbformat: Any = importlib.import_module("nbformat")

NOTEBOOKS = Path(__file__).parent / "notebooks"


def run(path: Path) -> Any:
    """Returns a notebook with the outputs of a run in a fresh folder with its own caches."""
    notebook = nbformat.read(path, as_version=4)
    os.environ.update(HF_DATASETS_DISABLE_PROGRESS_BARS="1", HF_HUB_OFFLINE="1")
    with TemporaryDirectory() as folder:
        os.environ["GMBENCH_HOME"] = f"{folder}/home"
        NotebookClient(
            notebook, timeout=600, resources={"metadata": {"path": folder}}, record_timing=False
        ).execute()
    for cell in notebook.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs = [tidied(one) for one in cell.outputs if one.get("name") != "stderr"]
    notebook.metadata = nbformat.from_dict({"kernelspec": notebook.metadata["kernelspec"]})
    return notebook


def tidied(output: Any) -> Any:
    """Returns an output in the forms that a page shows: one picture, text or a table."""
    if "image/png" in output.get("data", {}):
        output.data.pop("image/jpeg", None)
    return output


def shapes(notebook: Any) -> list[str]:
    """Returns what each cell printed, with a placeholder for every number."""
    return [
        " ".join(
            re.sub(r"-?\d[\d.]*(e-?\d+)?", "#", _text(output)) for output in cell.get("outputs", [])
        )
        for cell in notebook.cells
    ]


def _text(output: Any) -> str:
    """Returns an output as text whose spaces do not depend on the width of numbers."""
    return " ".join(str(output.get("text", output.get("data", {}).get("text/plain"))).split())


def main() -> None:
    """Runs all notebooks."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        made, stored = run(path), nbformat.read(path, as_version=4)
        if "--check" not in sys.argv[1:]:
            nbformat.write(made, path)
        for number, (now, then) in enumerate(zip(shapes(made), shapes(stored), strict=True)):
            if "--check" in sys.argv[1:] and now != then:
                sys.exit(
                    f"{path.name}: cell {number} prints\n{now}\nand stored is\n{then}\n"
                    "Run `python docs/run_notebooks.py`."
                )


if __name__ == "__main__":
    main()
