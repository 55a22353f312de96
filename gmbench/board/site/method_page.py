"""The page of one method: its card, its scores, every parameter, every GM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gmbench.board.rows import BenchmarkBoard, Row
from gmbench.board.site.table import bar_style, cost_text
from gmbench.board.submission_card import TRAINING_DATA, Card
from gmbench.evaluation.metrics import BY_NAME, METRICS
from gmbench.pages.drawing.charts import bar_scale
from gmbench.pages.drawing.numbers import DASH, p_value, quantity, score
from gmbench.pages.drawing.scales import Scale
from gmbench.schema import PARAMETERS


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, its interval in words, and the places of its bar."""

    text: str
    beside: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class MetricLine:
    """One metric over the sets and in each."""

    title: str
    better: str
    overall: Figure
    std: str
    rank: str
    sets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """The parameters of one type, with their axis."""

    title: str
    measure: str
    ends: tuple[str, str]
    useful: str
    lines: tuple[tuple[str, str, Figure], ...]


@dataclass(frozen=True, slots=True)
class GMLine:
    """One test GM."""

    name: str
    kind: str
    set: str
    scores: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class MethodView:
    """Everything on a method's page."""

    row: Row
    card: Card
    benchmark: str
    version: str
    facts: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    set_names: tuple[str, ...]
    metrics: tuple[MetricLine, ...]
    panels: tuple[Panel, ...]
    gms: tuple[GMLine, ...]
    gm_ends: str
    manifest: tuple[tuple[str, str], ...]


_PANELS = (
    ("continuous", "Counts", "L1", "l1"),
    ("discrete", "Architecture classes", "F1", "f1"),
    ("loss", "Training losses", "F1", "f1"),
)
_MEANINGS = {parameter.name: parameter.meaning for parameter in PARAMETERS}


def method_view(board: BenchmarkBoard, row: Row) -> MethodView:
    """Returns what the page of a measured method says."""
    assert row.card is not None
    assert row.score is not None
    result, card = row.score.result, row.card
    gms = result["gms"].values()
    scale = bar_scale([gm["l1"] for gm in gms], [], (0.0, 1e9), 0.3)
    return MethodView(
        row=row,
        card=card,
        benchmark=board.name,
        version=board.version,
        facts=_facts(card),
        links=tuple(
            (words, address)
            for words, address in (
                ("Website", card.url),
                ("Paper", card.paper),
                ("Code", card.code),
                ("Model", card.model),
            )
            if address
        ),
        set_names=tuple(result["sets"]),
        metrics=_metrics(row, result),
        panels=tuple(_panel(result, *panel) for panel in _PANELS),
        gms=tuple(
            GMLine(
                gm["gm"],
                gm["kind"],
                gm["set"],
                (
                    _figure(scale, gm["l1"], None),
                    _figure(Scale(0, 1), gm["arch_accuracy"], None),
                    _figure(Scale(0, 1), gm["loss_accuracy"], None),
                ),
            )
            for gm in sorted(gms, key=lambda one: (one["set"], one["l1"], one["gm"]))
        ),
        gm_ends=quantity(scale.high),
        manifest=_manifest(result["manifest"]),
    )


def _facts(card: Card) -> tuple[tuple[str, str], ...]:
    def cost(value: float | None, unit: str = "") -> str:
        return "not given" if value is None else f"{cost_text(float(value))}{unit}"

    facts = [
        ("Authors", ", ".join(card.authors)),
        ("Trained on", TRAINING_DATA[card.training_data]),
        ("In detail", card.training_details),
        ("Weights", cost(card.params)),
        ("Training", cost(card.training_hours, " hours")),
        ("One image", cost(card.seconds_per_image, " s")),
        ("Measured on", card.hardware),
        ("Licence", card.license or ""),
        ("Submitted", f"{card.date.isoformat()}, as {card.name}"),
        ("Notes", card.notes),
    ]
    return tuple((name, text) for name, text in facts if text)


def _metrics(row: Row, result: dict[str, Any]) -> tuple[MetricLine, ...]:
    lines = []
    for metric in METRICS:
        summary = result["summary"][metric.name]
        show = p_value if metric.name.startswith("p_value") else score
        cell = row.cells.get(metric.name)
        scale = bar_scale([summary["mean"]], [summary["ci"]], BY_NAME[metric.name].bounds)
        style = ""
        if summary["mean"] is not None and summary["ci"] is not None:
            style = bar_style(scale, summary["mean"], tuple(summary["ci"]))
        lines.append(
            MetricLine(
                metric.title,
                metric.better,
                Figure(show(summary["mean"]).text, _span(summary["ci"]), style),
                show(summary["std"]).text,
                str(cell.rank) if cell is not None and cell.rank is not None else "",
                tuple(show(one[metric.name]).text for one in result["sets"].values()),
            )
        )
    return tuple(lines)


def _panel(result: dict[str, Any], kind: str, title: str, measure: str, key: str) -> Panel:
    chosen = {name: one for name, one in result["parameters"].items() if one["type"] == kind}
    least = 0.3 if key == "l1" else 1.0
    scale = bar_scale(
        [one[key] for one in chosen.values()],
        [one["intervals"].get(key) for one in chosen.values()],
        (0.0, 1e9) if key == "l1" else (0.0, 1.0),
        least,
    )
    useful = BY_NAME["l1" if key == "l1" else "arch_f1"].useful
    return Panel(
        title=title,
        measure=measure,
        ends=(quantity(scale.low), quantity(scale.high)),
        useful="" if useful is None else f"--t:{round(100 * scale.place(useful), 1)}%",
        lines=tuple(
            (name, _MEANINGS[name], _figure(scale, one[key], one["intervals"].get(key)))
            for name, one in chosen.items()
        ),
    )


def _figure(scale: Scale, value: float | None, ends: Any) -> Figure:
    if value is None:
        return Figure(DASH)
    interval = None if ends is None else (ends[0], ends[1])
    return Figure(score(value).text, _span(ends), bar_style(scale, value, interval))


def _span(ends: Any) -> str:
    return "" if ends is None else f"{score(ends[0]).text} to {score(ends[1]).text}"


def _manifest(manifest: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    titles = {
        "protocol": "Protocol",
        "predictions_sha256": "Predictions",
        "labels_sha256": "Labels",
        "splits_sha256": "Sets",
        "replicates": "Bootstrap replicates",
        "gmbench": "gmbench",
        "numpy": "numpy",
    }
    return tuple((title, str(manifest[key])) for key, title in titles.items())
