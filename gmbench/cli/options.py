"""Options shared by several commands."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.errors import GmbenchError

if TYPE_CHECKING:
    from gmbench.benchmark.benchmark import Benchmark


DEFAULT = "mini116"
"""The default benchmark of all commands."""

BenchmarkOption = Annotated[
    str | None,
    typer.Option(
        "--benchmark",
        "-b",
        "--data",
        metavar="NAME|DIR",
        help="mini116, red116, red116-dm, red140, or a dataset's folder.",
    ),
]
SetsOption = Annotated[
    str | None,
    typer.Option(
        "--sets",
        metavar="NAME",
        help="Other test sets than the benchmark's own: cv10, ten folds that test every GM once; "
        "dm, content or coordinated_attack, the paper's.",
    ),
]
LabelsOption = Annotated[
    str, typer.Option("--labels", metavar="2023|2024", help="Label release of red116.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON alone.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace what is there already.")
]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="Score sets that lack GMs or images, as they are.")
]
MinImagesOption = Annotated[
    int | None,
    typer.Option("--min-images", min=1, help="Images of each GM that must be there; default all."),
]
PredictionArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="Predictions: CSV, CSV.gz or Parquet, or a folder of Parquet files."
    ),
]
SeedOption = Annotated[
    # More bits than these scikit-learn does not take.
    int, typer.Option("--seed", min=0, max=2**32 - 1, help="Seed of whatever is random.")
]
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
        metavar="DIR|mini116",
        help="Train on the GMs of this dataset too, beside the benchmark's own; repeat.",
    ),
]
SetOption = Annotated[str, typer.Option("--set", metavar="SET", help="The set of unseen GMs.")]
OnlySetsOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SET", help="Only this set of unseen GMs; repeat. Default all."),
]
ParserOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--parser",
        metavar="MODEL",
        help="Begin with this trained parser in place of training one: a folder that `gmbench "
        "train full` left; repeat, one for each set.",
    ),
]
RunsOption = Annotated[
    Path,
    typer.Option("--runs", metavar="DIR", help="Where trainings keep log, state and checkpoint."),
]


def refuse_unused(context: typer.Context, where: str, *names: str) -> None:
    """Refuses options that were given although they have no effect beside the others.

    Args:
        context: Context of the command.
        where: Where they have none, such as `with a prediction file`.
        *names: Names of their parameters.

    Raises:
        GmbenchError: One of them stands on the command line.
    """
    given = [
        "/".join(name for name in option.opts if name.startswith("--"))
        for option in context.command.params
        if option.name in names
        and getattr(context.get_parameter_source(option.name), "name", "") == "COMMANDLINE"
    ]
    if given:
        what = "it" if len(given) == 1 else "them"
        raise GmbenchError(f"{', '.join(given)}: of no effect {where}. Leave {what} out.")


def chosen_benchmark(
    name: str | None, labels: str, sets: str | None = None
) -> Benchmark | str | None:
    """Returns the benchmark of a prediction file, or None to infer it from the GM names."""
    if sets is not None:
        return loaded_benchmark(name, labels, sets)
    if labels == "2023":
        return name
    from gmbench.benchmark.benchmark import load_benchmark

    return load_benchmark(name or "red116", labels)


def loaded_benchmark(name: str | None, labels: str = "2023", sets: str | None = None) -> Benchmark:
    """Returns the benchmark that a command works on, with the requested sets."""
    from gmbench.benchmark.benchmark import load_benchmark
    from gmbench.benchmark.cross_validation import with_sets

    benchmark = load_benchmark(name or DEFAULT, labels)
    return benchmark if sets is None else with_sets(benchmark, sets)


def only_sets(benchmark: Benchmark, names: list[str] | None) -> Benchmark:
    """Returns a benchmark with only the named sets, or with all if none is named.

    Raises:
        UnknownNameError: The benchmark has no such set.
    """
    if not names:
        return benchmark
    return replace(benchmark, sets={name: benchmark.test_gms(name) for name in names})


def repeated(benchmark: str | None, sets: str | None = None, labels: str = "2023") -> str:
    """Returns the options that select a benchmark in a suggested command; empty for the default."""
    named = "" if benchmark in (None, DEFAULT) else f" -b {shlex.quote(str(benchmark))}"
    named += "" if sets is None else f" --sets {sets}"
    return named if labels == "2023" else f"{named} --labels {labels}"
