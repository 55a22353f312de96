"""The paper's tables and figures beside ours, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from gmbench.benchmark.published import PaperCell
from gmbench.evaluation.intervals import Interval
from gmbench.evaluation.significance import holm

Verdict = Literal["holds", "not told apart", "reversed", "not tested"]


@dataclass(frozen=True)
class Cell:
    """One of our figures.

    Attributes:
        value: The value; None where undefined.
        ci: 95% interval; None if there is none.
    """

    value: float | None
    ci: Interval | None = None


@dataclass(frozen=True)
class Line:
    """One row of a table.

    Attributes:
        title: Title of the row.
        paper: The paper's figures by metric, without those that it does not report.
        ours: Our figures by metric.
        note: Why we have no figures, or what a reader should know about them.
    """

    title: str
    paper: Mapping[str, PaperCell]
    ours: Mapping[str, Cell]
    note: str = ""


@dataclass(frozen=True)
class Order:
    """Two rows, one of which is ahead in the paper, and whether our figures agree.

    Attributes:
        better: Title of the row that is ahead in the paper.
        worse: Title of the other row.
        metric: The metric compared.
        paper: Difference in the paper, better minus worse.
        ours: The same difference of our figures.
        ci: 95% interval of our difference; None if there is no test.
        p: p-value of the paired test; in a table, corrected over its orders (Holm).
        verdict: `holds` if ours differ in the paper's direction and p is below 0.05, `reversed` if
            they differ in the other direction and p is below 0.05.
    """

    better: str
    worse: str
    metric: str
    paper: float
    ours: float | None
    ci: Interval | None
    p: float | None
    verdict: Verdict = "not tested"


@dataclass(frozen=True)
class TableResult:
    """One reproduced table.

    Attributes:
        name: Name, such as `table4`.
        title: What the table shows.
        metrics: The columns.
        lines: The rows.
        orders: The order of rows in the paper, and whether it holds.
        differs: How our data differ from the paper's.
        missing: Why the table could not be made, and how it can be; empty if it was made.
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
    """One reproduced figure.

    Attributes:
        name: Name, such as `fig6`.
        title: What the figure shows.
        file: Path of the file relative to the page; empty if the figure was not drawn.
        differs: How it differs from the paper's figure.
        missing: Why the figure could not be drawn; empty if it was.
    """

    name: str
    title: str
    file: str
    differs: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Reproduction:
    """Tables and figures reproduced on one benchmark.

    Attributes:
        benchmark: Name of the benchmark.
        version: Version of the benchmark.
        preset: Size of the trainings.
        seed: Seed for everything random.
        versions: Versions of the packages.
        machines: Classes of machines that the parts were made on.
        tables: The tables, in the paper's order.
        figures: The figures, in the paper's order.
        changes: Changes to the preset's settings, by name.
    """

    benchmark: str
    version: str
    preset: str
    seed: int
    versions: Mapping[str, str]
    machines: tuple[str, ...]
    tables: tuple[TableResult, ...]
    figures: tuple[FigureResult, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data: finite numbers or None."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Reproduction:
        """Restores a result from the output of `to_dict`, also after a round trip through JSON.

        Raises:
            KeyError: A key is missing.
            TypeError: A key is unknown.
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


def with_verdicts(orders: Sequence[Order]) -> tuple[Order, ...]:
    """Returns the orders of a table with corrected p-values (Holm) and the verdicts on them.

    Two rows that are equal in the paper have no order and are left out.

    Args:
        orders: Orders with uncorrected p-values.
    """
    shown = [order for order in orders if abs(order.paper) > 1e-9]
    corrected = iter(holm([order.p for order in shown if order.p is not None]))
    found = []
    for order in shown:
        p = None if order.p is None else next(corrected)
        found.append(replace(order, p=p, verdict=verdict(order.ours, p, order.paper)))
    return tuple(found)


def verdict(difference: float | None, p: float | None, expected: float) -> Verdict:
    """Returns whether a difference confirms the paper's.

    Args:
        difference: Our difference.
        p: Its corrected p-value.
        expected: The paper's difference; only its sign matters.
    """
    if difference is None or p is None:
        return "not tested"
    if p >= 0.05:
        return "not told apart"
    return "holds" if difference * expected > 0 else "reversed"
