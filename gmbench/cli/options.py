"""Options that several commands share."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gmbench.benchmark.benchmark import Benchmark


DEFAULT = "sample"
"""The benchmark of every command that is not told another."""

BenchmarkOption = Annotated[
    str | None,
    typer.Option(
        "--benchmark",
        "-b",
        "--data",
        metavar="NAME|DIR",
        help="sample, red116, red116-dm, or a dataset's folder.",
    ),
]
LabelsOption = Annotated[
    str, typer.Option("--labels", metavar="2023|2024", help="Label release of red116.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON alone.")]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="Score sets that lack GMs or images, as they are.")
]
MinImagesOption = Annotated[
    int | None,
    typer.Option("--min-images", min=1, help="Images of each GM that must be there; default all."),
]
PredictionArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="Predictions: CSV, CSV.gz or Parquet.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of whatever is random.")]
PresetOption = Annotated[
    str, typer.Option("--preset", metavar="small|paper", help="Size of a training.")
]
ChangesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--change", "-c", metavar="NAME=VALUE", help="Change a setting, such as epochs=5; repeat."
    ),
]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|cuda|mps", help="Where networks run.")
]
ExtraOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--extra",
        metavar="DIR",
        help="Train on the GMs of this dataset too, beside the benchmark's own; repeat.",
    ),
]
RunsOption = Annotated[
    Path,
    typer.Option("--runs", metavar="DIR", help="Where trainings keep log, state and checkpoint."),
]


def chosen_benchmark(name: str | None, labels: str) -> Benchmark | str | None:
    """Returns the benchmark of a prediction file, or None where the GM names shall tell it."""
    if labels == "2023":
        return name
    from gmbench.benchmark.benchmark import load_benchmark

    return load_benchmark(name or "red116", labels)


def repeated(benchmark: str | None) -> str:
    """Returns the option that names a benchmark in a command to come: none for the default."""
    return "" if benchmark in (None, DEFAULT) else f" -b {shlex.quote(str(benchmark))}"
