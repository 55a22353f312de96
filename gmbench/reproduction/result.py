"""Tables and figures of the paper beside ours, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gmbench.benchmark.published import PaperCell
from gmbench.evaluation.intervals import Interval

Verdict = Literal["holds", "not told apart", "reversed", "not tested"]


@dataclass(frozen=True)
class Cell:
    """One of our figures.

    Attributes:
        value: Its value; None where it is not defined.
        ci: 95% interval; None where there is none.
    """

    value: float | None
    ci: Interval | None = None


@dataclass(frozen=True)
class Line:
    """One row of a table.

    Attributes:
        title: What it is called.
        paper: The paper's figures, by metric; those that it does not report are not there.
        ours: Ours, by metric.
        note: Why there are no figures of ours, or what is to be known of them.
    """

    title: str
    paper: Mapping[str, PaperCell]
    ours: Mapping[str, Cell]
    note: str = ""


@dataclass(frozen=True)
class Order:
    """Two rows of which the paper has one ahead, and whether ours agree.

    Attributes:
        better: Title of the row that is ahead in the paper.
        worse: Title of the other.
        metric: In what.
        paper: Difference in the paper, better less worse.
        ours: The same of ours.
        ci: Its 95% interval; None where there is no test.
        p: p-value of the paired test, after correction over all tests of the table.
        verdict: `holds` where ours differ in the paper's direction and p is below 0.05, `reversed`
            where they differ in the other one and p is below 0.05.
    """

    better: str
    worse: str
    metric: str
    paper: float
    ours: float | None
    ci: Interval | None
    p: float | None
    verdict: Verdict


@dataclass(frozen=True)
class TableResult:
    """One table, made again.

    Attributes:
        name: Such as `table4`.
        title: What it shows.
        metrics: Its columns.
        lines: Its rows.
        orders: What the paper's figures say of the rows, and whether it holds.
        differs: In what our data differ from the paper's.
        missing: Why it could not be made, and how it can be; empty where it was made.
    """

    name: str
    title: str
    metrics: tuple[str, ...]
    lines: tuple[Line, ...]
    orders: tuple[Order, ...]
    differs: str
    missing: str = ""


@dataclass(frozen=True)
class FigureResult:
    """One figure, drawn again.

    Attributes:
        name: Such as `fig6`.
        title: What it shows.
        file: Where it lies, beside the page; empty where it was not drawn.
        differs: In what it differs from the paper's.
        missing: Why it could not be drawn; empty where it was.
    """

    name: str
    title: str
    file: str
    differs: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Reproduction:
    """Tables made and figures drawn again on one benchmark.

    Attributes:
        benchmark: Its name.
        version: Its version.
        preset: Size of the trainings.
        seed: Seed of everything.
        versions: Versions of the packages.
        machines: Classes of the machines that its parts were made on.
        tables: The tables, in the paper's order.
        figures: The figures, in the paper's order.
    """

    benchmark: str
    version: str
    preset: str
    seed: int
    versions: Mapping[str, str]
    machines: tuple[str, ...]
    tables: tuple[TableResult, ...]
    figures: tuple[FigureResult, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data: finite numbers or None."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Reproduction:
        """Reads back what `to_dict` made, from JSON too.

        Raises:
            KeyError: A key is missing.
            TypeError: A key does not belong there.
        """

        def with_ends(of: Mapping[str, Any]) -> dict[str, Any]:
            return {**of, "ci": None if of["ci"] is None else tuple(of["ci"])}

        def line(of: Mapping[str, Any]) -> Line:
            paper = {metric: PaperCell(**cell) for metric, cell in of["paper"].items()}
            ours = {metric: Cell(**with_ends(cell)) for metric, cell in of["ours"].items()}
            return Line(of["title"], paper, ours, of["note"])

        def table(of: Mapping[str, Any]) -> TableResult:
            read = {
                "metrics": tuple(of["metrics"]),
                "lines": tuple(map(line, of["lines"])),
                "orders": tuple(Order(**with_ends(one)) for one in of["orders"]),
            }
            return TableResult(**{**of, **read})

        read = {
            "machines": tuple(data["machines"]),
            "tables": tuple(map(table, data["tables"])),
            "figures": tuple(FigureResult(**one) for one in data["figures"]),
        }
        return cls(**{**data, **read})


def verdict(difference: float | None, p: float | None, expected: float) -> Verdict:
    """Tells whether a difference bears out the paper's.

    Args:
        difference: Ours.
        p: Its p-value after correction.
        expected: The paper's difference; its sign counts.
    """
    if difference is None or p is None:
        return "not tested"
    if p >= 0.05:
        return "not told apart"
    return "holds" if difference * expected > 0 else "reversed"
