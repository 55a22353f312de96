"""`gmbench baseline`: run the reference baselines end to end."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.expecting import expect
from gmbench.cli.options import (
    DEFAULT,
    BenchmarkOption,
    ChangesOption,
    DeviceOption,
    ExtraOption,
    JsonOption,
    LabelsOption,
    OverwriteOption,
    PresetOption,
    RunsOption,
    SeedOption,
    SetsOption,
    loaded_benchmark,
    repeated,
)
from gmbench.cli.training import run_options

if TYPE_CHECKING:
    from gmbench.benchmark.benchmark import Benchmark
    from gmbench.training.options import RunOptions
    from gmbench.training.recipes import Recipe
    from gmbench.training.suite import BaselineResult, SuiteResult

SHOWN = ("l1", "arch_f1", "loss_f1")
"""Metrics shown in the table of baselines."""


def baseline(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME|all", help="Which baselines.")
    ] = None,
    benchmark: BenchmarkOption = None,
    sets: SetsOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE|DIR",
            help="For one baseline a file, default NAME.parquet; for several a folder, default "
            "`baselines-out`.",
        ),
    ] = None,
    preset: PresetOption = "small",
    change: ChangesOption = None,
    extra: ExtraOption = None,
    device: DeviceOption = "auto",
    runs: RunsOption = Path("runs"),
    validation: Annotated[
        bool,
        typer.Option(
            "--validation",
            help="Score on training GMs that are held out, never on test sets: to choose settings.",
        ),
    ] = False,
    labels: LabelsOption = "2023",
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    listed: Annotated[bool, typer.Option("--list", help="List the baselines.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run baselines: train and predict set by set, score, compare in pairs.

    Example: `gmbench baseline mean_mode spectral full --data gm-parsing`
    """
    from gmbench.training.recipes import find_recipe, find_recipes, refuse_changes

    if listed or not names:
        recipes = find_recipes()
        if as_json:
            output.show_json([asdict(recipe) for recipe in recipes.values()])
        else:
            rows = [[recipe.name, recipe.needs, recipe.summary] for recipe in recipes.values()]
            output.show(output.table(["baseline", "needs", "predicts"], rows, left=range(3)))
        return
    from gmbench.benchmark.benchmark import dataset_folder
    from gmbench.benchmark.cross_validation import validation_benchmark
    from gmbench.files import check_ending, refuse_existing, refuse_file_name
    from gmbench.predictions.writing import ENDINGS, write_predictions
    from gmbench.training.suite import check_place, run_one, run_suite

    names = list(dict.fromkeys(names))
    chosen = list(find_recipes().values()) if names == ["all"] else [find_recipe(n) for n in names]
    if change:
        refuse_changes(chosen)
    several = len(chosen) > 1
    path = out or Path("baselines-out" if several else f"{names[0]}.parquet")
    if several:
        refuse_file_name(path)
    else:
        check_ending(path, *ENDINGS)
        refuse_existing(path, overwrite=overwrite)
    known = loaded_benchmark(benchmark, labels, sets)
    folder = dataset_folder(benchmark or DEFAULT)
    if validation:
        known = validation_benchmark(known)
    # Not before: whether an extra GM is a twin depends on the GMs that are scored.
    options = run_options(known, preset, change, extra, device, runs, seed)
    if several:
        check_place(chosen, known, path, options, overwrite=overwrite)
    _expect(chosen, known, options)
    with output.counting(goes_on=True) as progress:
        if several:
            suite = run_suite(chosen, known, folder, path, options, progress)
        else:
            result = run_one(chosen[0], known, folder, options, progress)
    if several:
        if as_json:
            output.show_json(suite.to_dict())
        else:
            _show_suite(suite)
            output.note(f"predictions and scores: {path}")
        return
    write_predictions(result.predictions, path)
    if as_json:
        output.show_json(
            {
                "baseline": result.name,
                "file": str(path),
                "rows": len(result.predictions),
                "predictions_sha256": result.predictions.sha256,
                **result.run,
                "summary": {name: asdict(one) for name, one in result.summary.items()},
            }
        )
    else:
        _show_table(f"{known.name} {known.version}", {result.name: result})
        output.note(f"{path}: {len(result.predictions):,} predictions of {known.name}.")
        if not validation:
            again = repeated(benchmark, sets, labels)
            output.note(f"next: gmbench evaluate {shlex.quote(str(path))}{again}")


def _expect(recipes: list[Recipe], benchmark: Benchmark, options: RunOptions) -> None:
    from gmbench.training.expected import expected_time

    expected = expected_time(recipes, benchmark, options)
    if expected is not None:
        what = recipes[0].name if len(recipes) == 1 else f"{len(recipes)} baselines"
        lacking = f"; not known is {', '.join(expected.unknown)}" if expected.unknown else ""
        basis = f"as on {expected.machine}, less what is trained already{lacking}"
        expect(what, expected.seconds, basis)


def _show_table(title: str, results: dict[str, BaselineResult]) -> None:
    rows = []
    for name, result in results.items():
        cells = [name]
        for metric in SHOWN:
            one = result.summary[metric]
            # The interval goes below the mean, as a terminal has 80 columns.
            ends = f"\n{output.interval(one.ci)}" if one.ci else ""
            cells.append("-" if one.mean is None else f"{one.mean:.3f}{ends}")
        rows.append([*cells, f"{result.seconds:,.0f}"])
    output.show(output.table(["baseline", *SHOWN, "seconds"], rows, title=title, narrow=True), "")


def _show_suite(suite: SuiteResult) -> None:
    from gmbench.cli.evaluate import show_comparison

    _show_table(f"{suite.benchmark} {suite.version}", dict(suite.baselines))
    if suite.comparison:
        show_comparison(suite.comparison)
