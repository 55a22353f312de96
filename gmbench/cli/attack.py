"""`gmbench attack`: do two images come from the same GM? The paper's coordinated attack."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import (
    DEFAULT,
    BenchmarkOption,
    ChangesOption,
    DeviceOption,
    JsonOption,
    OverwriteOption,
    PresetOption,
    RunsOption,
    SeedOption,
    SetsOption,
    chosen_benchmark,
    loaded_benchmark,
    refuse_unused,
)
from gmbench.cli.training import run_options
from gmbench.errors import BenchmarkError

if TYPE_CHECKING:
    from gmbench.applications.attack_result import AttackResult, Score


def attack(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Predictions, as `gmbench evaluate` takes them."),
    ] = None,
    training: Annotated[
        Path | None,
        typer.Option(
            "--training",
            metavar="FILE",
            help="Predictions of the ten folds (`--sets cv10`): the threshold and a learned "
            "similarity come from those of their GMs that FILE lacks.",
        ),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", metavar="MODEL", help="Folder of a model, or Hub name."),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option("--train", metavar="NAME", help="Train this baseline for the attack first."),
    ] = None,
    benchmark: BenchmarkOption = None,
    sets: SetsOption = None,
    n_pairs: Annotated[
        int, typer.Option("--pairs", min=1, help="Pairs of each of the five categories.")
    ] = 2000,
    n_images: Annotated[
        int, typer.Option("--images", min=2, help="Images of a GM that a model looks at.")
    ] = 100,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Also write the result as JSON."),
    ] = None,
    overwrite: OverwriteOption = False,
    preset: PresetOption = "small",
    change: ChangesOption = None,
    device: DeviceOption = "auto",
    runs: RunsOption = Path("runs"),
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Tell whether two images are of one GM, seen in training or not; AUC and accuracy.

    Of a prediction file, of a trained model, or of one that is trained first, on all GMs but the
    paper's 15 unseen ones and on half of the images of its 15 seen ones.

    Example: `gmbench attack predictions.parquet`, or `gmbench attack --train full --data mini116`
    """
    if sum(one is not None for one in (file, checkpoint, train)) != 1:
        raise BenchmarkError("Give one of a prediction file, --checkpoint MODEL and --train NAME.")
    if training is not None and file is None:
        raise BenchmarkError("--training goes with a prediction file; a model knows its own GMs.")
    if file is not None:
        unused = ("n_images", "preset", "change", "device", "runs")
        refuse_unused(context, "with a prediction file", *unused)
    elif checkpoint is not None:
        refuse_unused(context, "with --checkpoint", "sets", "preset", "change", "runs")
    else:
        refuse_unused(context, "with --train", "sets")
    if out is not None:
        from gmbench.files import check_ending, json_text, refuse_existing, write_whole

        check_ending(out, ".json")
        refuse_existing(out, overwrite=overwrite)
    if file is not None:
        from gmbench.applications.attack_predictions import attack_predictions
        from gmbench.benchmark.cross_validation import base_and_sets, with_sets
        from gmbench.predictions.predictions import read_predictions

        judged = read_predictions(file, chosen_benchmark(benchmark, "2023", sets), partial=True)
        others = None
        if training is not None:
            base = replace(judged.benchmark, name=base_and_sets(judged.benchmark)[0])
            others = read_predictions(training, with_sets(base, "cv10"), partial=True)
        found = attack_predictions(
            judged,
            others,
            n_pairs=n_pairs,
            seed=seed,
        )
    else:
        from gmbench.applications.attack_checkpoint import attack_checkpoint
        from gmbench.applications.attack_training import train_attack_parser
        from gmbench.benchmark.benchmark import dataset_folder
        from gmbench.training.checkpoint import load_checkpoint
        from gmbench.training.recipes import find_recipe, require_folder

        known = loaded_benchmark(benchmark)
        folder = require_folder("attack", dataset_folder(benchmark or DEFAULT))
        with output.counting(goes_on=train is not None) as progress:
            if train is not None:
                options = run_options(known, preset, change, None, device, runs, seed)
                recipe = find_recipe(train)
                parser = train_attack_parser(recipe, known, folder, options, progress)
            else:
                parser = load_checkpoint(str(checkpoint))
            found = attack_checkpoint(
                parser, known, folder,
                n_images=n_images, n_pairs=n_pairs, seed=seed, device=device, progress=progress,
            )  # fmt: skip
    if out is not None:
        write_whole(out, json_text(found.to_dict()))
    if as_json:
        output.show_json(found.to_dict())
    else:
        _show(found)
        if out is not None:
            output.note(f"{out}: the result. next: gmbench figure 12 {shlex.quote(str(out))}")


def _show(found: AttackResult) -> None:
    methods = found.methods.values()
    rows = [
        [
            one.name,
            *map(_cell, (one.auc, one.auc_same_content, one.accuracy)),
            output.number(one.accuracy_optimum.value),
        ]
        for one in methods
    ]
    title = f"{found.source}: {found.benchmark} {found.version}"
    headings = ["similarity", "AUC", "same content", "accuracy", "optimum"]
    wrong = [
        [
            name.replace("_", " "),
            f"{n:,}",
            *(output.number(one.categories[name].wrong.value) for one in methods),
        ]
        for name, n in found.n_pairs.items()
    ]
    tests = [
        [
            f"{one.first} less {one.second}",
            one.metric,
            "-" if one.difference is None else f"{one.difference:+.4f}",
            f"{one.ci[0]:+.3f} to {one.ci[1]:+.3f}" if one.ci else "-",
            output.number(one.p_holm),
        ]
        for one in found.differences
    ]
    output.show(
        output.table(headings, rows, title=title),
        output.table(["judged wrongly", "pairs", *found.methods], wrong),
        output.table(
            ["pair of similarities", "metric", "difference", "95% interval", "p (Holm)"],
            tests, left=(0, 1),
        ),
    )  # fmt: skip
    output.show_plain(
        "same content: AUC where two GMs show the same. optimum: accuracy with the threshold that "
        "is best for\nthese pairs; the other accuracy is with that of pairs of "
        f"{found.threshold_from}. Who always says\nthat there are two GMs has "
        f"{found.always_different:.3f}. {found.n_seen} seen and {found.n_unseen} unseen GMs; "
        "intervals (of the categories\nin --json) and tests resample GMs."
    )


def _cell(score: Score) -> str:
    ends = f" ({output.interval(score.ci)})" if score.ci else ""
    return "-" if score.value is None else f"{score.value:.3f}{ends}"
