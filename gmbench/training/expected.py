"""How long baselines will take, from the times measured with their committed results."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gmbench.benchmark.benchmark import Benchmark
from gmbench.files import parse_json
from gmbench.training.options import RunOptions
from gmbench.training.recipes import Recipe, baselines_directory, find_recipes


@dataclass(frozen=True, slots=True)
class Expected:
    """How long baselines will take on a machine like that of their results.

    Attributes:
        seconds: Total of all that are known.
        machine: The class of that machine.
        unknown: Names of baselines without such a measurement.
    """

    seconds: float
    machine: str
    unknown: tuple[str, ...]


def expected_time(
    recipes: Sequence[Recipe],
    benchmark: Benchmark,
    options: RunOptions,
    *,
    set_name: str | None = None,
    results: Path | None = None,
) -> Expected | None:
    """Returns how long baselines will take if none of their work is done yet.

    A network without a time of its own is given the median of the others of its preset.

    Args:
        recipes: The baselines to run.
        benchmark: The benchmark to run them on.
        options: How to run them; changed settings and extra GMs were not measured.
        set_name: The only set to train for, once; all, as often as a recipe says, when None.
        results: Folder of the baselines; the project's own when None.

    Returns:
        The time, or None if none of them is known.
    """
    if options.changes or options.extra:
        return None
    seconds, machines, unknown = 0.0, [], []
    for recipe in recipes:
        runs = list(_runs(recipe, benchmark, options, results))
        if not runs and recipe.training is not None and _is_cpu(options.device):
            others = [one for one in find_recipes(results).values() if one.training is not None]
            runs = [run for one in others for run in _runs(one, benchmark, options, results)]
        if not runs:
            unknown.append(recipe.name)
            continue
        times = recipe.repeats if set_name is None else 1 / len(benchmark.sets)
        seconds += times * statistics.median(run["seconds"] for run in runs)
        machines.append(str(runs[0]["machine"]))
    if not machines:
        return None
    return Expected(seconds, statistics.mode(machines), tuple(unknown))


def _runs(
    recipe: Recipe, benchmark: Benchmark, options: RunOptions, results: Path | None
) -> Iterator[dict[str, Any]]:
    """Yields the timed runs among a recipe's results that match what is asked, as one repeat."""
    if recipe.training is not None and not _is_cpu(options.device):
        return
    folder = (results or baselines_directory()) / recipe.name / "results"
    for path in sorted(folder.glob("*.json")):
        try:
            found = parse_json(path.read_text(encoding="utf-8"))
            run, sets = found["run"], list(found["sets"])
            is_alike = found["benchmark"] == benchmark.name and sets == list(benchmark.sets)
            preset = options.preset if recipe.training is not None else None
            if is_alike and run["preset"] == preset and not run["changes"] and not run["extra"]:
                once = float(run["seconds"]) / run["repeats"]
                yield {"seconds": once, "machine": run["machine"]}
        except (OSError, ValueError, KeyError, TypeError):
            continue  # It was not timed.


def _is_cpu(device: str) -> bool:
    if device != "auto":
        return device == "cpu"
    # torch takes two seconds to import; training a network needs it in any case.
    from gmbench.training.devices import device_for

    return device_for(device).type == "cpu"
