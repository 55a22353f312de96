"""`gmbench baseline`: run a reference baseline."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import DEFAULT, BenchmarkOption, JsonOption, LabelsOption, SeedOption


def baseline(
    name: Annotated[str | None, typer.Argument(help="Name of the baseline.")] = None,
    benchmark: BenchmarkOption = DEFAULT,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Default: NAME.parquet; .csv and .csv.gz also do."
        ),
    ] = None,
    labels: LabelsOption = "2023",
    seed: SeedOption = 0,
    listed: Annotated[bool, typer.Option("--list", help="List the baselines.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Predict all test images with a reference baseline, and write the predictions.

    Example: `gmbench baseline mean_mode -o mean_mode.parquet`
    """
    from gmbench.baselines import find_recipes, run_baseline
    from gmbench.benchmark import dataset_folder, load_benchmark
    from gmbench.evaluation.predictions import write_predictions

    if listed or name is None:
        recipes = find_recipes()
        if as_json:
            output.show_json([asdict(recipe) for recipe in recipes.values()])
        else:
            rows = [[recipe.name, recipe.needs, recipe.summary] for recipe in recipes.values()]
            output.show(output.table(["baseline", "needs", "predicts"], rows, left=range(3)))
        return
    path = out or Path(f"{name}.parquet")
    chosen = benchmark or DEFAULT
    known = load_benchmark(chosen, labels)
    predictions = run_baseline(name, known, seed, dataset_folder(chosen))
    write_predictions(predictions, path)
    if as_json:
        output.show_json({"baseline": name, "file": str(path), "rows": len(predictions),
                          "predictions_sha256": predictions.sha256, "seed": seed})  # fmt: skip
    else:
        output.note(f"{path}: {len(predictions):,} predictions of {predictions.benchmark.name}.")
        output.note(f"next: gmbench evaluate {path}")
