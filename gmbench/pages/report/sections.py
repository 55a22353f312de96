"""Content of an evaluation report, section by section, ready for the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath

from gmbench.evaluation.intervals import Interval
from gmbench.evaluation.metrics import BY_NAME, HEADLINE, METRICS, Metric
from gmbench.evaluation.result import Evaluation, GMResult
from gmbench.pages.drawing import charts
from gmbench.pages.drawing.charts import Kind, Scatter
from gmbench.pages.drawing.numbers import p_value, score, score_label, span
from gmbench.pages.report.calibration import CalibrationView, calibration_view
from gmbench.pages.report.views import (
    Cell,
    GMView,
    Matrix,
    MetricView,
    Panel,
    ParameterView,
    SetView,
    Value,
)
from gmbench.schema import (
    CONTINUOUS,
    DISCRETE,
    LOSSES,
    N_CONTINUOUS,
    N_DISCRETE,
    N_LOSSES,
    Parameter,
)
from gmbench.wording import plural

_SHOWN = tuple(metric for metric in METRICS if metric.shown)
_GROUPS = {
    "overall": "All 25 parameters",
    "continuous": f"{N_CONTINUOUS} continuous parameters",
    "architecture": f"{N_DISCRETE} discrete parameters",
    "losses": f"{N_LOSSES} losses",
}


@dataclass(frozen=True, slots=True)
class Page:
    """All sections of the page, top to bottom."""

    title: str
    evaluation: Evaluation
    n_images: str
    n_gms: str
    n_sets: str
    ranked: bool
    headline: tuple[MetricView, ...]
    groups: tuple[tuple[str, tuple[MetricView, ...]], ...]
    undefined: tuple[str, ...]
    panels: tuple[Panel, ...]
    sets: tuple[SetView, ...]
    gm_axis: str
    kinds: tuple[Kind, ...]
    scatters: tuple[tuple[Scatter, ParameterView], ...]
    any_logarithmic: bool
    any_undefined: bool
    calibration: CalibrationView | None
    matrices: tuple[Matrix, ...]
    loss_matrices: tuple[Matrix, ...]
    manifest: tuple[tuple[str, str], ...]


def page(evaluation: Evaluation, ranks: Mapping[str, str] | None = None) -> Page:
    """Returns the content of the page of an evaluation.

    Args:
        evaluation: The result.
        ranks: Its ranks on a board, by metric; None if it is not on a board.
    """
    views = {
        metric.name: replace(_metric(evaluation, metric), rank=(ranks or {}).get(metric.name, ""))
        for metric in _SHOWN
    }
    panels = (
        _panel(evaluation, CONTINUOUS, "Continuous parameters", "l1"),
        _panel(evaluation, DISCRETE, "Discrete parameters", "f1"),
        _panel(evaluation, LOSSES, "Losses", "f1"),
    )
    kinds = charts.kinds_of(evaluation)
    sets, gm_axis = _sets(evaluation, kinds)
    drawn = [charts.scatter(one, evaluation.gms, kinds) for one in CONTINUOUS]
    # A count that is unknown for every test GM has no plot.
    scatters = [
        (one, view) for one, view in zip(drawn, panels[0].rows, strict=True) if one is not None
    ]
    return Page(
        title=PurePath(evaluation.manifest.predictions).name or "predictions",
        evaluation=evaluation,
        n_images=plural(evaluation.n_images, "image"),
        n_gms=plural(evaluation.n_gms, "GM"),
        n_sets=plural(len(evaluation.sets), "set"),
        ranked=bool(ranks),
        headline=tuple(views[metric.name] for metric in HEADLINE),
        groups=tuple(
            (title, tuple(views[metric.name] for metric in _SHOWN if metric.group == group))
            for group, title in _GROUPS.items()
        ),
        undefined=_undefined(evaluation),
        panels=panels,
        sets=sets,
        gm_axis=gm_axis,
        kinds=tuple(kinds.values()),
        scatters=tuple(scatters),
        any_logarithmic=any(one.axes != "linear axes" for one, _ in scatters),
        any_undefined=any(
            figure.value is None for row in panels[0].rows for _, figure in row.others
        ),
        calibration=calibration_view(evaluation.calibration) if evaluation.calibration else None,
        matrices=tuple(_matrix(evaluation, view) for view in panels[1].rows),
        loss_matrices=tuple(_matrix(evaluation, view) for view in panels[2].rows),
        manifest=_manifest(evaluation),
    )


def _metric(evaluation: Evaluation, metric: Metric) -> MetricView:
    summary = evaluation.summary[metric.name]
    read = p_value if metric.name == "p_value" else score
    scale = charts.bar_scale([summary.mean], [summary.ci], metric)
    one_set = "" if len(evaluation.sets) > 1 else "a single set has none"
    left = evaluation.without_twins.summary.get(metric.name) if evaluation.without_twins else None
    return MetricView(
        name=metric.name,
        title=metric.title,
        better=metric.better,
        overall=Value(
            figure=read(summary.mean, summary.reason),
            span=span(summary.ci),
            no_span=_no_interval(evaluation, metric.name, summary.mean, summary.ci),
            bar=charts.bar(scale, summary.mean, summary.ci, metric.useful),
        ),
        std=score(summary.std, one_set or summary.reason),
        axis=(score_label(scale.low), score_label(scale.high)),
        threshold=charts.threshold(metric),
        sets=tuple(
            Value(
                figure=read(result.values[metric.name], result.undefined.get(metric.name, "")),
                span=span(result.intervals.get(metric.name)),
            )
            for result in evaluation.sets.values()
        ),
        without_twins=Value(read(left.mean, left.reason), span(left.ci)) if left else None,
    )


def _no_interval(
    evaluation: Evaluation, name: str, value: float | None, interval: Interval | None
) -> str:
    """Returns why a number has no interval; empty if it has one or is itself undefined."""
    if interval is not None or value is None:
        return ""
    if name == "p_value":
        return "a p-value has none"
    if name == "ransac_slope":
        return "RANSAC’s line is a search: its slope stands alone"
    if evaluation.manifest.replicates == 0:
        return "no interval was asked for"
    if all(result.n_gms < 2 for result in evaluation.sets.values()):
        return "an interval needs two GMs in a set"
    return "no value in too many replicates"


def _undefined(evaluation: Evaluation) -> tuple[str, ...]:
    """Returns which metrics are undefined in which sets, and why, one line per metric."""
    lines = []
    for metric in _SHOWN:
        where = [name for name, r in evaluation.sets.items() if r.values[metric.name] is None]
        if where:
            reason = evaluation.sets[where[0]].undefined.get(metric.name, metric.undefined)
            lines.append(f"{metric.title} is not defined in {', '.join(where)}: {reason}.")
    return tuple(lines)


def _panel(
    evaluation: Evaluation, parameters: tuple[Parameter, ...], title: str, measure: str
) -> Panel:
    results = [evaluation.parameters[parameter.name] for parameter in parameters]
    metric = BY_NAME["l1" if measure == "l1" else "arch_f1"]
    scale = charts.bar_scale(
        [result.values[measure] for result in results],
        [result.intervals.get(measure) for result in results],
        metric,
    )
    rows = []
    for parameter, result in zip(parameters, results, strict=True):
        value, interval = result.values[measure], result.intervals.get(measure)
        rows.append(
            ParameterView(
                name=parameter.name,
                meaning=parameter.meaning,
                main=Value(
                    figure=score(value, "not defined"),
                    span=span(interval),
                    no_span=_no_interval(evaluation, measure, value, interval),
                    bar=charts.bar(scale, value, interval, metric.useful),
                ),
                others=tuple(
                    (_OTHER_TITLES[name], score(other, _why_undefined(name)))
                    for name, other in result.values.items()
                    if name != measure
                ),
            )
        )
    return Panel(
        title=title,
        measure="L1" if measure == "l1" else "weighted F1",
        axis=(score_label(scale.low), score_label(scale.high)),
        threshold=charts.threshold(metric),
        rows=tuple(rows),
    )


_OTHER_TITLES = {
    "l1": "L1",
    "correlation": "correlation",
    "r2": "R²",
    "f1": "weighted F1",
    "f1_macro": "macro F1",
    "accuracy": "accuracy",
}


def _why_undefined(name: str) -> str:
    return BY_NAME[name].undefined if name in BY_NAME else "not defined"


def _sets(evaluation: Evaluation, kinds: dict[str, Kind]) -> tuple[tuple[SetView, ...], str]:
    """Returns the sets with their GMs, and the label at the end of their common L1 axis."""
    l1_scale = charts.bar_scale([gm.l1 for gm in evaluation.gms.values()], [], BY_NAME["l1"])
    part = charts.bar_scale([], [], BY_NAME["arch_accuracy"])

    def view(key: str, gm: GMResult) -> GMView:
        scores = ((l1_scale, gm.l1), (part, gm.arch_accuracy), (part, gm.loss_accuracy))
        return GMView(
            key=key,
            name=gm.gm,
            kind=kinds[gm.kind],
            n_images=plural(gm.n_images, "image"),
            scores=tuple(
                Value(figure=score(value), span=None, bar=charts.bar(scale, value, None))
                for scale, value in scores
            ),
        )

    views = []
    for name, result in evaluation.sets.items():
        members = [(key, gm) for key, gm in evaluation.gms.items() if gm.set == name]
        members.sort(key=lambda member: (member[1].l1, member[0]))
        views.append(
            SetView(
                name=name,
                n_gms=plural(result.n_gms, "GM"),
                n_images=plural(result.n_images, "image"),
                gms=tuple(view(key, gm) for key, gm in members),
            )
        )
    return tuple(views), score_label(l1_scale.high)


def _matrix(evaluation: Evaluation, parameter: ParameterView) -> Matrix:
    result = evaluation.parameters[parameter.name]
    rows = []
    for number, counts in enumerate(result.confusion):
        total = sum(counts)
        rows.append(
            tuple(
                Cell(
                    count=count,
                    percent=f"{count / total:.0%}" if total else "",
                    share=round(count / total, 3) if total else 0.0,
                    right=number == column,
                )
                for column, count in enumerate(counts)
            )
        )
    return Matrix(parameter, result.classes, tuple(rows))


def _manifest(evaluation: Evaluation) -> tuple[tuple[str, str], ...]:
    """Returns the manifest as pairs of title and value."""
    titles = {
        "predictions": "predictions",
        "predictions_sha256": "SHA-256 of predictions",
        "labels_sha256": "SHA-256 of labels",
        "splits_sha256": "SHA-256 of sets",
        "reference": "reference of p-values",
    }
    facts = {"benchmark": f"{evaluation.benchmark} {evaluation.version}"}
    facts |= {key: str(value) for key, value in asdict(evaluation.manifest).items()}
    return tuple((titles.get(key, key), value) for key, value in facts.items())
