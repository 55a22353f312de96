"""Runs baselines in turn on one dataset: training, prediction, scoring, pairwise comparison."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.parallel import all_cores
from gmbench.errors import naming_extras
from gmbench.evaluation.comparison import Comparison, compare
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.result import Evaluation
from gmbench.evaluation.summary import Summary
from gmbench.files import json_text, refuse_existing, write_whole
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.writing import write_predictions
from gmbench.progress import Progress
from gmbench.training.baselines import predict_baseline
from gmbench.training.options import RunOptions
from gmbench.training.recipes import Recipe, require_extra, require_folder
from gmbench.wording import plural

_UNFINISHED = ".suite.json"
"""File in the folder of a suite that is not finished; says which suite it is."""


@dataclass(frozen=True)
class BaselineResult:
    """One baseline, run and scored.

    Attributes:
        name: Its name.
        evaluations: One evaluation per repeat.
        predictions: The predictions of the first repeat.
        seconds: Time of all repeats: reading images, training, predicting.
        run: How it was run: `seed`, `repeats`, `preset`, `changes`, `extra`, `seconds`, `machine`,
            `versions`.
    """

    name: str
    evaluations: tuple[Evaluation, ...]
    predictions: Predictions
    seconds: float
    run: Mapping[str, Any]

    @property
    def summary(self) -> dict[str, Summary]:
        """Each metric, with its mean, spread and interval ends averaged over the repeats."""
        return _means([evaluation.summary for evaluation in self.evaluations])

    def to_dict(self) -> dict[str, Any]:
        """Returns the first repeat's evaluation with summaries over all, and how it was run."""
        first = self.evaluations[0]
        parts = [e.without_twins for e in self.evaluations if e.without_twins is not None]
        # The test GMs are the same in all repeats, so either all leave some out or none does.
        apart = replace(parts[0], summary=_means([p.summary for p in parts])) if parts else None
        together = [e.gm_level for e in self.evaluations if e.gm_level is not None]
        evaluation = replace(
            first,
            summary=self.summary,
            without_twins=apart,
            gm_level=_means(together) if together else None,
        )
        return {**evaluation.to_dict(), "run": dict(self.run)}


@dataclass(frozen=True)
class SuiteResult:
    """Baselines side by side.

    Attributes:
        benchmark: Name of the benchmark.
        version: Its version.
        baselines: Each baseline's result, by name, in the order requested.
        comparison: The paired tests; None with fewer than two baselines.
    """

    benchmark: str
    version: str
    baselines: Mapping[str, BaselineResult]
    comparison: Comparison | None

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data: finite numbers or None."""
        return {
            "benchmark": self.benchmark,
            "version": self.version,
            "baselines": {name: result.to_dict() for name, result in self.baselines.items()},
            "comparison": self.comparison.to_dict() if self.comparison else None,
        }


def check_place(
    recipes: Sequence[Recipe],
    benchmark: Benchmark,
    out: Path,
    options: RunOptions,
    *,
    overwrite: bool = False,
) -> None:
    """Checks that `run_suite` may write to a folder; it may resume the suite it was stopped in.

    Args:
        recipes: The baselines to run.
        benchmark: Labels and sets.
        out: Folder for the results.
        options: How to run them.
        overwrite: Whether results of anything else may be replaced.

    Raises:
        WriteError: The folder has results of anything else.
    """
    mark = out / _UNFINISHED
    if mark.is_file() and mark.read_bytes() == _suite(recipes, benchmark, options).encode():
        return
    names = [recipe.name for recipe in recipes]
    made = [out / f"{name}{ending}" for name in names for ending in (".parquet", ".json")]
    refuse_existing(*made, out / "comparison.json", overwrite=overwrite)


def _suite(recipes: Sequence[Recipe], benchmark: Benchmark, options: RunOptions) -> str:
    """Returns the identity of a suite, as text."""
    return json_text(
        {
            "benchmark": [benchmark.name, benchmark.labels_sha256, benchmark.splits_sha256],
            "baselines": [recipe.name for recipe in recipes],
            # As Python writes them: a value that JSON cannot hold is refused later, with a message.
            "options": [options.seed, options.preset, repr(dict(options.changes))],
            "extra": [one.to_dict() for one in options.extra],
        }
    )


def run_suite(
    recipes: Sequence[Recipe],
    benchmark: Benchmark,
    folder: Path | None,
    out: Path,
    options: RunOptions,
    progress: Progress | None = None,
) -> SuiteResult:
    """Runs baselines and compares them.

    The predictions and scores of each are written when it is done (`NAME.parquet`, `NAME.json`), so
    that an interrupted suite has not run in vain: its trainings resume where they stopped.

    Args:
        recipes: The baselines to run, in this order.
        benchmark: Labels and sets.
        folder: The dataset folder; None if there are labels only.
        out: Folder for predictions, scores and `comparison.json`.
        options: How to run them.
        progress: Progress callback, with the current task, how much of it is done, and its total.

    Raises:
        GmbenchError: A baseline cannot be run on this benchmark. If a setting of any is the reason,
            nothing was run.
    """
    if options.extra:
        for recipe in recipes:
            require_extra(recipe)
    for recipe in recipes:
        if recipe.training is not None:
            _check_training(recipe, benchmark, folder, options)
    results = {}
    for recipe in recipes:
        results[recipe.name] = result = run_one(recipe, benchmark, folder, options, progress)
        write_whole(out / _UNFINISHED, _suite(recipes, benchmark, options))
        write_result(result, out)
    comparison = None
    if len(results) > 1:
        if progress:
            progress("comparing", 0, 1)
        comparison = compare(
            *(result.predictions for result in results.values()), names=list(results)
        )
        write_whole(out / "comparison.json", json.dumps(comparison.to_dict(), indent=1) + "\n")
    (out / _UNFINISHED).unlink(missing_ok=True)
    return SuiteResult(benchmark.name, benchmark.version, results, comparison)


def _check_training(
    recipe: Recipe, benchmark: Benchmark, folder: Path | None, options: RunOptions
) -> None:
    """Checks the settings of a baseline's training, before those ahead of it take hours."""
    # Imported here, so that baselines that train no network do not need torch.
    with naming_extras():
        from gmbench.models.targets import class_counts
        from gmbench.training.folds import TrainingJob
        from gmbench.training.methods import check_settings

    job = TrainingJob(recipe, benchmark, require_folder(recipe.name, folder), **vars(options))
    check_settings(job.config, class_counts(benchmark))


def write_result(result: BaselineResult, out: Path) -> None:
    """Writes a baseline's predictions and scores: `NAME.parquet`, `NAME.json`.

    Args:
        result: The result.
        out: The folder.

    Raises:
        WriteError: The folder cannot be written to.
    """
    write_predictions(result.predictions, out / f"{result.name}.parquet")
    write_whole(out / f"{result.name}.json", json.dumps(result.to_dict(), indent=1) + "\n")


def run_one(
    recipe: Recipe,
    benchmark: Benchmark,
    folder: Path | None,
    options: RunOptions,
    progress: Progress | None = None,
) -> BaselineResult:
    """Runs one baseline, as often as its recipe says, and scores it.

    Args:
        recipe: The baseline to run.
        benchmark: Labels and sets.
        folder: The dataset folder; None if there are labels only.
        options: How to run it.
        progress: Progress callback.

    Raises:
        GmbenchError: The baseline cannot be run on this benchmark.
    """
    started = time.perf_counter()
    made = [
        predict_baseline(
            recipe, benchmark, folder, replace(options, seed=options.seed + n), progress
        )
        for n in range(recipe.repeats)
    ]
    seconds = time.perf_counter() - started
    run = {
        "seed": options.seed,
        "repeats": recipe.repeats,
        "preset": options.preset if recipe.training is not None else None,
        "changes": dict(options.changes) if recipe.training is not None else {},
        "extra": [one.to_dict() for one in options.extra],
        "seconds": round(seconds, 1),
        "machine": machine(recipe.training is not None, options.device),
        "versions": versions(recipe.training is not None),
    }
    evaluations = tuple(evaluate(predictions) for predictions in made)
    return BaselineResult(recipe.name, evaluations, made[0], seconds, run)


def versions(with_torch: bool) -> dict[str, str]:
    """Returns the versions of the packages that a result depends on."""
    from importlib.metadata import version

    names = ("gmbench", "numpy", "scikit-learn", *(("torch",) if with_torch else ()))
    return {name: version(name) for name in names}


def machine(with_torch: bool, device: str) -> str:
    """Returns the class of this machine: cores, processor, accelerator."""
    cores = f"{plural(all_cores(), 'core')}, {platform.machine()}"
    if with_torch:
        import torch

        if device in ("auto", "cuda") and torch.cuda.is_available():
            return f"{torch.cuda.get_device_name()}, {cores}"
    return cores


def _means(summaries: Sequence[Mapping[str, Summary]]) -> dict[str, Summary]:
    return {name: _mean([summary[name] for summary in summaries]) for name in summaries[0]}


def _mean(parts: Sequence[Summary]) -> Summary:
    undefined = next((part for part in parts if part.mean is None), None)
    if undefined or len(parts) == 1:
        return undefined or parts[0]
    ends = [part.ci for part in parts if part.ci is not None]
    return Summary(
        mean=float(np.mean([part.mean for part in parts])),
        std=None if parts[0].std is None else float(np.mean([part.std for part in parts])),
        ci=(float(np.mean([e[0] for e in ends])), float(np.mean([e[1] for e in ends])))
        if ends
        else None,
    )
