"""`gmbench evaluate` and `gmbench compare`: scores in the terminal, as JSON or as a report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import (
    BenchmarkOption,
    JsonOption,
    LabelsOption,
    MinImagesOption,
    OverwriteOption,
    PartialOption,
    PredictionArgument,
    SeedOption,
    SetsOption,
    chosen_benchmark,
)
from gmbench.wording import plural

if TYPE_CHECKING:
    from gmbench.evaluation.calibration_result import Calibration
    from gmbench.evaluation.comparison import Comparison
    from gmbench.evaluation.metrics import Metric
    from gmbench.evaluation.result import Evaluation, WithoutTwins
    from gmbench.evaluation.summary import Summary

MOST_COLUMNS = 6
"""With more sets than this, the terminal has no columns of sets; `--json` and the report do."""

ReplicatesOption = Annotated[
    int, typer.Option("--replicates", min=0, help="Bootstrap replicates; 0 for no intervals.")
]


def evaluate(
    file: PredictionArgument,
    benchmark: BenchmarkOption = None,
    sets: SetsOption = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE2", help="Reference of the p-values; default: mean/mode of the labels."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write result.json and report.html here."),
    ] = None,
    overwrite: OverwriteOption = False,
    details: Annotated[
        bool, typer.Option("--details", help="Show every parameter and GM as well.")
    ] = False,
    partial: PartialOption = False,
    min_images: MinImagesOption = None,
    labels: LabelsOption = "2023",
    replicates: ReplicatesOption = 2000,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Score a prediction file: every metric per set and over the sets, with 95% intervals.

    Example: `gmbench evaluate predictions.csv --out report`
    """
    from gmbench.evaluation.evaluate import evaluate as score

    if out is not None:
        from gmbench.files import refuse_existing, refuse_file_name
        from gmbench.pages.report import report_files, write_report

        refuse_file_name(out)
        refuse_existing(*report_files(out), overwrite=overwrite)
    result = score(
        file,
        chosen_benchmark(benchmark, labels, sets),
        against=against,
        partial=partial,
        min_images=min_images,
        replicates=replicates,
        seed=seed,
    )
    if out is not None:
        # Write before printing: the reader of a pipe may close it after a few lines.
        report = write_report(result, out)
    if as_json:
        output.show_json(result.to_dict())
    else:
        _show_summary(result)
        if result.gm_level is not None:
            _show_gm_level(result, result.gm_level)
        if result.without_twins is not None:
            _show_without_twins(result, result.without_twins)
        if result.calibration is not None:
            _show_calibration(result.calibration, details=details)
        if details:
            _show_details(result)
    if out is not None:
        output.note(f"report: {report}")


def compare(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Prediction files, two or more.")
    ],
    benchmark: BenchmarkOption = None,
    sets: SetsOption = None,
    partial: PartialOption = False,
    min_images: MinImagesOption = None,
    labels: LabelsOption = "2023",
    replicates: ReplicatesOption = 2000,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Compare methods in pairs on the same images, with intervals and corrected p-values.

    Example: `gmbench compare mine.parquet mean_mode.parquet`
    """
    from gmbench.evaluation.comparison import compare as score

    result = score(
        *files,
        benchmark=chosen_benchmark(benchmark, labels, sets),
        partial=partial,
        min_images=min_images,
        replicates=replicates,
        seed=seed,
    )
    if as_json:
        output.show_json(result.to_dict())
    else:
        show_comparison(result)


def _show_summary(result: Evaluation) -> None:
    from gmbench.evaluation.metrics import METRICS

    rows = []
    shown = result.sets if len(result.sets) <= MOST_COLUMNS else {}
    for metric in METRICS:
        if not metric.shown:
            continue
        summary = result.summary[metric.name]
        shape = _short_p_value if metric.name.startswith("p_value") else output.short_number
        by_set = [shape(one.values[metric.name]) for one in shown.values()]
        mean, ends = _mean(summary, metric.name), output.interval(summary.ci)
        rows.append([_heading(metric), mean, ends, *by_set])
    title = (
        f"{result.manifest.predictions}: {result.benchmark} {result.version}, "
        f"{plural(result.n_images, 'image')} of {plural(result.n_gms, 'GM')}"
    )
    headings = ["metric", "mean\u00b1std", "95% interval", *shown]
    output.show(output.table(headings, rows, title=title, narrow=True), "")
    sizes = " + ".join(str(one.n_gms) for one in result.sets.values())
    manifest = result.manifest
    output.show_plain(
        "Mean and standard deviation over the sets; \u2193 lower, \u2191 higher is better.\n"
        "Skill: 0 is what labels alone can do, 1 is perfect.\n"
        f"Intervals: bootstrap of {sizes} GMs and of their images,\n"
        f"{manifest.replicates:,} replicates, seed {manifest.seed}.\n"
        f"p-values: against {manifest.reference}."
    )
    if result.losses_without_positive and result.losses_without_positive.line:
        output.show_plain(result.losses_without_positive.line)
    _show_reasons(result.summary)


def _show_gm_level(result: Evaluation, together: Mapping[str, Summary]) -> None:
    from gmbench.evaluation.metrics import HEADLINE

    rows = _beside(result, {metric.name: together[metric.name] for metric in HEADLINE})
    title = "At the GM level: all images of a GM speak together"
    headings = ["metric", "mean\u00b1std", "95% interval", "each image"]
    output.show("", output.table(headings, rows, title=title, narrow=True))


def _show_without_twins(result: Evaluation, left: WithoutTwins) -> None:
    title = f"Test GMs without a twin in training: {left.n_gms} of {result.n_gms}"
    headings = ["metric", "mean\u00b1std", "95% interval", "all GMs"]
    table = output.table(headings, _beside(result, left.summary), title=title, narrow=True)
    output.show("", table, "")
    output.show_plain(
        "A twin has the same 15 architecture values; * the same 25. Left out are\n"
        + "\n".join(f"  {line}" for line in left.lines)
    )
    _show_reasons(left.summary)


def _show_calibration(calibration: Calibration, *, details: bool) -> None:
    shown = calibration.together | (calibration.parameters if details else {})
    rows = [
        [name, output.number(one.ece), output.interval(one.ci), output.number(one.by_chance)]
        for name, one in shown.items()
    ]
    headings = ["confidence in", "error \u2193", "95% interval", "by chance"]
    output.show("", output.table(headings, rows, title="Calibration", narrow=True), "")
    output.show_plain(
        "Error: how far confidence is from what comes true. By chance: what calibrated\n"
        "confidences would have, of as many GMs."
    )
    if calibration.arch_log_skill is not None:
        skill = calibration.arch_log_skill
        output.show_plain(
            f"arch_log_skill: {_mean(skill, 'arch_log_skill')}, {output.interval(skill.ci)}."
        )


def _beside(result: Evaluation, other: Mapping[str, Summary]) -> list[list[str]]:
    """Returns table rows of another summary, beside the means of the result's own summary."""
    from gmbench.evaluation.metrics import BY_NAME

    return [
        [
            _heading(BY_NAME[name]),
            _mean(summary, name),
            output.interval(summary.ci),
            output.short_number(result.summary[name].mean),
        ]
        for name, summary in other.items()
    ]


def _show_reasons(summary: Mapping[str, Summary]) -> None:
    from gmbench.evaluation.metrics import BY_NAME

    for name, one in summary.items():
        if one.reason and BY_NAME[name].shown:
            output.show_plain(f"{name} has {one.reason}.")


def _heading(metric: Metric) -> str:
    arrow = {"lower": " \u2193", "higher": " \u2191", "": ""}[metric.better]
    return f"{metric.name}{arrow}"


def _show_details(result: Evaluation) -> None:
    rows = []
    for name, parameter in result.parameters.items():
        key = "l1" if parameter.type == "continuous" else "f1"
        second = "correlation" if parameter.type == "continuous" else "accuracy"
        rows.append(
            [
                name,
                key,
                output.number(parameter.values[key]),
                output.interval(parameter.intervals.get(key)),
                second,
                output.number(parameter.values[second]),
            ]
        )
    output.show(
        output.table(["parameter", "", "mean", "95% interval", "", "mean"], rows, left=(0, 1, 4))
    )
    output.show(
        output.table(
            ["GM", "set", "kind", "images", "l1", "arch_accuracy", "loss_accuracy"],
            [
                [
                    gm.gm,
                    gm.set,
                    gm.kind,
                    f"{gm.n_images:,}",
                    output.number(gm.l1),
                    output.number(gm.arch_accuracy),
                    output.number(gm.loss_accuracy),
                ]
                for gm in result.gms.values()
            ],
            left=range(3),
        )
    )


def show_comparison(result: Comparison) -> None:
    """Prints a comparison: the scores of the methods, then the tests of every pair."""
    metrics = list(next(iter(result.values.values())))
    headings = [
        # Eight columns and a name of 20 letters fit into 80 characters.
        metric.replace("_", "\n").replace("correl", "corre-\nl").replace("accu", "accu-\n")
        for metric in metrics
    ]
    rows = [
        [name, *(output.short_number(values[metric]) for metric in metrics)]
        for name, values in result.values.items()
    ]
    title = f"{result.benchmark} {result.version}, {plural(result.n_images, 'image')}"
    output.show(output.table(["method", *headings], rows, title=title, narrow=True))
    pairs: dict[str, list[list[str]]] = {}
    for one in result.differences:
        pairs.setdefault(f"{one.first} - {one.second}", []).append(
            [
                one.metric,
                "-" if one.difference is None else f"{one.difference:+.4f}",
                output.interval(one.ci),
                _p_value(one.p_holm),
                one.better or "-",
            ]
        )
    tests = ["metric", "difference", "95% interval", "p (Holm)", "better"]
    for pair, rows in pairs.items():
        table = output.table(tests, rows, title=pair, left=(0, 4), narrow=True)
        output.show("", table)
    output.show("")
    sizes = " + ".join(str(count) for count in result.n_gms.values())
    manifest = result.manifest
    output.show_plain(
        f"Intervals: the same bootstrap of {sizes} GMs and their images for\n"
        f"all methods ({manifest['replicates']:,} replicates).\n"
        f"p-values: {manifest['permutations']:,} exchanges of whole GMs, corrected for "
        f"{sum(one.p_value is not None for one in result.differences)} tests;\n"
        f"seed {manifest['seed']}."
    )


def _mean(summary: Summary, metric: str) -> str:
    if summary.mean is None:
        return "-"
    if metric.startswith("p_value"):
        return _short_p_value(summary.mean)
    spread = "" if summary.std is None else f"\u00b1{summary.std:.3f}"
    return f"{output.short_number(summary.mean)}{spread}"


def _p_value(value: float | None) -> str:
    if value is None:
        return "-"
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _short_p_value(value: float | None) -> str:
    if value is None:
        return "-"
    return "<0.001" if value < 0.001 else f"{value:.3f}"
