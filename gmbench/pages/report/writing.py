"""Rendering a result as a page, and writing the files of its report."""

from __future__ import annotations

import json
from pathlib import Path

from gmbench.evaluation.result import Evaluation
from gmbench.files import write_whole
from gmbench.pages.drawing.charts import Frame
from gmbench.pages.environment import render
from gmbench.pages.report.sections import page

REPORT_NAME = "report.html"
RESULT_NAME = "result.json"


def render_report(evaluation: Evaluation) -> str:
    """Returns the page of an evaluation as self-contained HTML.

    Args:
        evaluation: The result.
    """
    text = render("report.html.j2", page=page(evaluation), frame=Frame())
    # A file name may contain bytes that are not valid text, but a page must be text.
    return text.encode("utf-8", "replace").decode("utf-8")


def report_files(folder: Path) -> tuple[Path, Path]:
    """Returns the files that `write_report` writes into a folder."""
    return folder / RESULT_NAME, folder / REPORT_NAME


def write_report(evaluation: Evaluation, folder: str | Path) -> Path:
    """Writes `report.html` and `result.json`, each of them atomically.

    Args:
        evaluation: The result.
        folder: Target folder, created if necessary. Files of the same names are replaced.

    Returns:
        Path of `report.html`.

    Raises:
        WriteError: The folder cannot be created or written to.
    """
    folder = Path(folder)
    html = render_report(evaluation)
    data = json.dumps(evaluation.to_dict(), allow_nan=False, indent=2, ensure_ascii=False) + "\n"
    # Inside a JSON string, a backslash escape is the right form of what UTF-8 cannot encode.
    write_whole(folder / RESULT_NAME, data.encode("utf-8", "backslashreplace"))
    write_whole(folder / REPORT_NAME, html)
    return folder / REPORT_NAME
