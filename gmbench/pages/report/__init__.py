"""The report of an evaluation: one self-contained HTML file.

A result passes through `sections` (the content of the page) into the templates of `gmbench.pages`,
with `charts` and `scales` of `pages.drawing` (the position of each mark) and `numbers` (the format
of each number); `writing` writes the files. The page has no scripts, loads nothing from elsewhere,
and embeds every picture as SVG.
"""

from __future__ import annotations

from gmbench.pages.report.writing import render_report, report_files, write_report

__all__ = ["render_report", "report_files", "write_report"]
