"""The report of an evaluation: one HTML file that needs nothing besides itself.

A result passes through `sections` (what the page says) into the templates of `gmbench.pages`, with
`charts` and `scales` of `pages.drawing` (where each mark stands) and `numbers` (how each number
reads); `writing` makes the files. The page has no script, asks for nothing from anywhere, and holds
every picture as SVG of its own.
"""

from __future__ import annotations

from gmbench.pages.report.writing import render_report, report_files, write_report

__all__ = ["render_report", "report_files", "write_report"]
