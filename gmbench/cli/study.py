"""`gmbench study`: the paper's studies on any benchmark that has what they need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import (
    DEFAULT,
    BenchmarkOption,
    ChangesOption,
    DeviceOption,
    JsonOption,
    OnlySetsOption,
    ParserOption,
    PredictionArgument,
    PresetOption,
    RunsOption,
    SeedOption,
    loaded_benchmark,
    only_sets,
)
from gmbench.cli.training import run_options

study_app = typer.Typer(
    name="study",
    help="Run the paper's studies: many images, content, fingerprints and content, ablation, "
    "cross-entropy.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

ResultsArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Where `gmbench baseline` left its results.")
]


@study_app.command("many_images")
def many_images(
    file: PredictionArgument,
    benchmark: BenchmarkOption = None,
    images: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N", min=1, help="Images of a GM; repeat.", show_default="1, 10, 100, 500"
        ),
    ] = None,
    draws: Annotated[int, typer.Option(min=1, help="Draws of that many images.")] = 10,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Score several images of a GM together: mean of the counts, majority of the classes.

    Example: `gmbench study many_images full.parquet --images 1 --images 10`
    """
    from gmbench.applications import many_images as study
    from gmbench.applications.studies import METRICS
    from gmbench.predictions.predictions import read_predictions

    read = read_predictions(file, benchmark, partial=True)
    found = study.many_images(read, images or study.TABLE_8, draws=draws, seed=seed)
    if as_json:
        output.show_json(found.to_dict())
        return
    rows = [
        [f"{count:,}", *(f"{mean:.3f}\u00b1{std:.3f}" for mean, std in by_metric.values())]
        for count, by_metric in found.scores.items()
    ]
    title = f"{file.name}: {found.benchmark}"
    headings = ["images", *METRICS]
    output.show(output.table(headings, rows, title=title, left=(), narrow=True), "")
    output.show_plain(f"Mean and standard deviation of {found.draws} draws.")
    if found.left_out:
        lacking = ", ".join(map(str, found.left_out))
        output.note(f"not every GM has this many images: {lacking}.")


@study_app.command("content")
def content(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the baseline.")] = "full",
    benchmark: BenchmarkOption = DEFAULT,
    preset: PresetOption = "small",
    change: ChangesOption = None,
    device: DeviceOption = "auto",
    runs: RunsOption = Path("runs"),
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Train on GMs of faces, of all else, of both; test on held-out GMs of either.

    Example: `gmbench study content full --data DIR`
    """
    from gmbench.applications import studies
    from gmbench.benchmark.benchmark import dataset_folder
    from gmbench.training.recipes import find_recipe

    known = loaded_benchmark(benchmark)
    folder = dataset_folder(benchmark or DEFAULT)
    options = run_options(known, preset, change, None, device, runs, seed)
    with output.counting(goes_on=True) as progress:
        found = studies.content(find_recipe(name), known, folder, options, progress)
    if as_json:
        output.show_json(found.to_dict())
        return
    rows = [
        [trained_on, f"{found.training_gms[trained_on]:.0f}", tested_on]
        + [output.number(one.mean) for one in summary.values()]
        for trained_on, by_test in found.scores.items()
        for tested_on, summary in by_test.items()
    ]
    headings = ["trained on", "GMs", "tested on", *studies.METRICS]
    title = f"{found.baseline}: {found.benchmark}"
    output.show(output.table(headings, rows, title=title, left=(0, 2)))
    output.show_plain(
        "Mean over four draws of six face GMs and six others; --json has the intervals."
    )


@study_app.command("content_independence")
def content_independence(
    benchmark: BenchmarkOption = DEFAULT,
    only: OnlySetsOption = None,
    parser: ParserOption = None,
    preset: PresetOption = "small",
    change: ChangesOption = None,
    device: DeviceOption = "auto",
    runs: RunsOption = Path("runs"),
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Try to tell what an image shows from its fingerprint, and from the image itself.

    Example: `gmbench study content_independence --data DIR`
    """
    from gmbench.applications.content import content_independence
    from gmbench.applications.parsers import given_or_trained
    from gmbench.benchmark.benchmark import dataset_folder
    from gmbench.training.recipes import require_folder

    known = only_sets(loaded_benchmark(benchmark), only)
    folder = require_folder("content_independence", dataset_folder(benchmark or DEFAULT))
    options = run_options(known, preset, change, None, device, runs, seed)
    with output.counting(goes_on=True) as progress:
        sets = list(known.sets)
        parsers = given_or_trained(known, folder, parser or (), sets, options, progress)
        found = content_independence(known, folder, parsers, options, progress)
    if as_json:
        output.show_json(found.to_dict())
        return
    rows = [
        [
            name,
            *output.estimated(one.accuracy),
            output.number(one.training_loss),
            *(output.number(recall) for recall in one.recalls.values()),
        ]
        for name, one in found.inputs.items()
    ]
    headings = ["told from", "accuracy", "95% interval", "training loss", *found.contents]
    output.show(output.table(headings, rows, title=f"content: {found.benchmark}"))
    value, ends = output.estimated(found.difference, signed=True)
    output.show_plain(
        f"Images of {found.tested_gms} unseen GMs; accuracy: mean over the contents, chance "
        f"{found.chance:.3f}.\nFingerprint less image: {value} ({ends}). "
        f"Loss of guessing: {found.guessing_loss:.3f}."
    )


@study_app.command("ablation")
def ablation(
    results: ResultsArgument = Path("baselines-out"),
    benchmark: BenchmarkOption = DEFAULT,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Compare the full method with what it is without a loss of the fingerprint.

    Example: `gmbench study ablation baselines-out`
    """
    from gmbench.applications import studies

    found = studies.ablation(results, loaded_benchmark(benchmark), seed=seed)
    if as_json:
        output.show_json(found.to_dict())
        return
    values = found.comparison.values
    rows = [[name, *(output.number(v[m]) for m in studies.METRICS)] for name, v in values.items()]
    title = f"{found.comparison.benchmark} {found.comparison.version}"
    differences = [
        [
            one.second,
            one.metric,
            "-" if one.difference is None else f"{one.difference:+.4f}",
            f"{one.ci[0]:+.3f} to {one.ci[1]:+.3f}" if one.ci else "-",
            output.number(one.p_holm),
        ]
        for one in found.without
    ]
    headings = ["full less", "metric", "difference", "95% interval", "p (Holm)"]
    output.show(
        output.table(["baseline", *studies.METRICS], rows, title=title),
        output.table(headings, differences, left=(0, 1)),
    )


@study_app.command("cross_entropy")
def cross_entropy(
    results: ResultsArgument = Path("baselines-out"),
    benchmark: BenchmarkOption = DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Compare weighted with plain cross-entropy, class by class; the JSON has the matrices.

    Example: `gmbench study cross_entropy baselines-out`
    """
    from gmbench.applications import studies

    found = studies.cross_entropy(results, loaded_benchmark(benchmark))
    if as_json:
        output.show_json(found.to_dict())
        return
    rows = []
    for name, weighted in found.weighted.items():
        pair = (weighted, found.plain[name])
        recalls = [f"{studies.mean_recall(one):.4f}" for one in pair]
        rows.append([name, *recalls, *(output.number(one.values["accuracy"]) for one in pair)])
    headings = ["parameter", "mean recall, weighted", "plain", "accuracy, weighted", "plain"]
    output.show(output.table(headings, rows, title=f"full and plain_ce: {found.benchmark}"))
    output.show_plain("Mean recall: of each class that occurs the share that is right; their mean.")
