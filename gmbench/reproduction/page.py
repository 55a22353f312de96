"""The page of a reproduction: the paper's figures beside ours, as Markdown and as HTML."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from gmbench.benchmark.published import PaperCell
from gmbench.evaluation.metrics import BY_NAME
from gmbench.files import WriteError, json_text, write_whole
from gmbench.pages.environment import render
from gmbench.reproduction.drawings import PAPER_FIGURES
from gmbench.reproduction.result import Cell, Line, Order, Reproduction, TableResult, Verdict
from gmbench.reproduction.tables import PAPER_TABLES
from gmbench.training.options import RunOptions
from gmbench.wording import plural

MARKDOWN, HTML, JSON = "README.md", "index.html", "reproduction.json"
_TEMPLATES = {MARKDOWN: "reproduction.md.j2", HTML: "reproduction.html.j2"}

_HEADINGS = {
    "p_value": "p against ours",
    "auc": "AUC ↑",
    "gain": "gain over one number ↑",
    "accuracy_celeba": "accuracy, CelebA or faces ↑",
    "accuracy_lsun": "accuracy, LSUN or photographs ↑",
}
"""Headings of columns whose metric is not one of a parser's, or has another name here."""

_DECIMALS = 3
_SMALLEST = 0.0005
"""Smallest p-value shown; smaller ones are written as `<0.001`."""


@dataclass(frozen=True)
class Figure:
    """One figure as written: its value, and its interval or standard deviation if it has one."""

    value: str
    spread: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.spread}".rstrip()


@dataclass(frozen=True)
class Row:
    """One row of a written table.

    Attributes:
        title: Heading; empty if the heading above applies.
        whose: `paper`, or the benchmark's name.
        cells: The figures.
        note: What a reader should know about them.
        span: Number of rows that the heading spans; 0 if it is empty.
    """

    title: str
    whose: str
    cells: tuple[Figure, ...]
    note: str = ""
    span: int = 0


@dataclass(frozen=True)
class Section:
    """One table as written.

    Attributes:
        name: Name, such as `table4`.
        title: Heading of the table.
        headings: Headings of the columns.
        rows: Up to two for each line of the table: the paper's figures, then ours.
        orders: One line for each order that the paper reports.
        verdicts: Number of orders with each verdict.
        summary: The same in words.
        differs: How the data differ from the paper's.
        missing: Why our figures are missing; empty if they are not.
    """

    name: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    orders: tuple[tuple[str, ...], ...]
    verdicts: Mapping[Verdict, int]
    summary: str
    differs: str
    missing: str


def refuse_other_pages(out: Path) -> None:
    """Refuses a folder whose page no reproduction wrote; to be called before the work.

    Args:
        out: The folder; the page of an earlier reproduction may be replaced.

    Raises:
        WriteError: The folder has a page, and nothing indicates that a reproduction wrote it.
    """
    if (out / JSON).exists():
        return
    for path in (out / MARKDOWN, out / HTML):
        if path.exists():
            raise WriteError(
                f"{path} is there already, and no reproduction made it. Give another --out."
            )


def write_page(reproduction: Reproduction, out: Path) -> Path:
    """Writes `README.md`, `index.html` and `reproduction.json`, each of them atomically.

    Args:
        reproduction: The result.
        out: The folder.

    Returns:
        Path of `index.html`.

    Raises:
        WriteError: The folder cannot be written to.
    """
    write_whole(out / JSON, json_text(reproduction.to_dict()))
    for name in (MARKDOWN, HTML):
        write_whole(out / name, rendered(reproduction, _TEMPLATES[name]))
    return out / HTML


def rendered(reproduction: Reproduction, template: str = "reproduction.md.j2") -> str:
    """Returns the text of the page, by default in Markdown."""
    sections = [section(table, reproduction.benchmark) for table in reproduction.tables]
    found = sum((Counter(one.verdicts) for one in sections), Counter[Verdict]())
    return render(
        template,
        reproduction=reproduction,
        command=_command(reproduction),
        changes=", ".join(_changes(reproduction)),
        sections=sections,
        verdicts={one: found[one] for one in get_args(Verdict) if found[one]},
    )


def _command(reproduction: Reproduction) -> str:
    """Returns the command that makes the page."""
    names = [one.name for one in reproduction.tables]
    names += [one.name for one in reproduction.figures]
    if len(names) == len(PAPER_TABLES) + len(PAPER_FIGURES):
        names = ["all"]
    options = [f"--data {reproduction.benchmark}"]
    if reproduction.preset != RunOptions.preset:
        options.append(f"--preset {reproduction.preset}")
    options += [f"--change {shlex.quote(change)}" for change in _changes(reproduction)]
    if reproduction.seed != RunOptions.seed:
        options.append(f"--seed {reproduction.seed}")
    return f"gmbench reproduce {' '.join([*names, *options])}"


def _changes(reproduction: Reproduction) -> list[str]:
    """Returns the changes to the preset as `--change` takes them."""
    return [
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in reproduction.changes.items()
    ]


def section(table: TableResult, benchmark: str, *, spread: bool = True) -> Section:
    """Returns a table as written.

    Args:
        table: The result.
        benchmark: Name that identifies our rows.
        spread: Whether to show intervals and standard deviations beside the figures.
    """
    rows = [row for line in table.lines for row in _rows(line, table.metrics, benchmark, spread)]
    verdicts = Counter(order.verdict for order in table.orders)
    return Section(
        name=table.name,
        title=f"Table {table.name.removeprefix('table')}. {table.title}",
        headings=tuple(heading(metric) for metric in table.metrics),
        rows=tuple(rows),
        orders=tuple(_order(order) for order in table.orders),
        verdicts=verdicts,
        summary=_summary(verdicts),
        differs=table.differs,
        missing=table.missing,
    )


def heading(metric: str) -> str:
    """Returns the heading of a column, with an arrow in the better direction."""
    known = BY_NAME.get(metric)
    if metric in _HEADINGS or known is None:
        return _HEADINGS.get(metric, f"{metric.replace('_', ' ')} ↑")
    arrow = {"lower": " ↓", "higher": " ↑", "": ""}[known.better]
    return f"{known.title}{arrow}"


def _rows(line: Line, metrics: tuple[str, ...], benchmark: str, spread: bool) -> list[Row]:
    rows: list[Row] = []
    if line.paper:
        cells = tuple(_papers(line.paper.get(metric), spread) for metric in metrics)
        rows.append(Row(line.title, "paper", cells))
    if line.ours or line.note or not line.paper:
        cells = tuple(_ours(line.ours.get(metric), metric, spread) for metric in metrics)
        rows.append(Row("" if rows else line.title, benchmark, cells, line.note))
    return [replace(rows[0], span=len(rows)), *rows[1:]]


def _papers(cell: PaperCell | None, spread: bool) -> Figure:
    if cell is None:
        return Figure("-")
    if cell.std_sets is None or not spread:
        return Figure(_number(cell.value))
    return Figure(_number(cell.value), f"± {_number(cell.std_sets)}")


def _ours(cell: Cell | None, metric: str, spread: bool) -> Figure:
    if cell is None or cell.value is None:
        return Figure("-")
    if metric == "p_value":
        return Figure(_p(cell.value))
    if cell.ci is None or not spread:
        return Figure(_number(cell.value))
    return Figure(_number(cell.value), f"({_number(cell.ci[0])} to {_number(cell.ci[1])})")


def _order(order: Order) -> tuple[str, ...]:
    if order.ours is None:
        ours = "-"
    else:
        ends = "" if order.ci is None else f" ({order.ci[0]:+z.3f} to {order.ci[1]:+z.3f})"
        ours = f"{order.ours:+z.3f}{ends}"
    p = "-" if order.p is None else _p(order.p)
    pair = f"{order.better} − {order.worse}"
    return pair, heading(order.metric), f"{order.paper:+z.3f}", ours, p, order.verdict


def _summary(counts: Mapping[Verdict, int]) -> str:
    if not counts:
        return ""
    words: dict[Verdict, tuple[str, str]] = {
        "holds": ("holds", "hold"),
        "not told apart": ("is not told apart", "are not told apart"),
        "reversed": ("is reversed", "are reversed"),
        "not tested": ("is not tested", "are not tested"),
    }
    said = ", ".join(
        plural(counts[one], single, several)
        for one, (single, several) in words.items()
        if one in counts
    )
    return f"Of {sum(counts.values())} differences that the paper shows, {said}."


def _number(value: float) -> str:
    return f"{value:z.{_DECIMALS}f}"


def _p(value: float) -> str:
    return "<0.001" if value < _SMALLEST else f"{value:.3f}"
