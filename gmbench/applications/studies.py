"""The paper's studies, on any benchmark that has what they need.

- `content`: Table 6, training on GMs of faces, of all other contents, or of both.
- `ablation`: Table 7, the fingerprint losses removed one by one.
- `cross_entropy`: Figure 9, weighted against plain cross-entropy.

The first trains networks; the others analyse the output of `gmbench baseline`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.cross_validation import with_sets
from gmbench.benchmark.splits import draw_content_sets
from gmbench.errors import BenchmarkError, SourceError
from gmbench.evaluation.comparison import Comparison, Difference, compare
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.result import ParameterResult
from gmbench.evaluation.summary import Summary
from gmbench.predictions.predictions import Predictions, read_predictions
from gmbench.progress import Progress, prefixed
from gmbench.training.baselines import predict_baseline
from gmbench.training.options import RunOptions
from gmbench.training.recipes import Recipe

METRICS = ("l1", "arch_f1", "arch_accuracy", "loss_f1", "loss_accuracy")
"""Metrics reported by the studies."""

TRAINED_ON = ("faces", "others", "all")
"""Contents that the content study trains on."""

TESTED_ON: Mapping[str, str] = {"faces": "face", "others": "nonface"}
"""Contents that it tests on, with the prefix of the names of their sets."""

ABLATED = ("no_magnitude", "no_spectrum", "no_repetitive", "no_energy", "no_fingerprint")
"""Baselines that are `full` without one of the fingerprint losses; the last is without all."""


@dataclass(frozen=True)
class ContentStudy:
    """How well a method parses GMs of one content after training on GMs of another.

    Attributes:
        benchmark: Name of the benchmark.
        baseline: Name of the method.
        training_gms: Mean number of training GMs, by training content.
        scores: Summaries of the metrics over the draws, by training content and test content.
        comparisons: Pairwise comparisons of the training contents, by test content.
    """

    benchmark: str
    baseline: str
    training_gms: Mapping[str, float]
    scores: Mapping[str, Mapping[str, Mapping[str, Summary]]]
    comparisons: Mapping[str, tuple[Difference, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
        comparisons = {
            tested: [one._asdict() for one in found] for tested, found in self.comparisons.items()
        }
        return {**asdict(self), "comparisons": comparisons}


def content(
    recipe: Recipe,
    benchmark: Benchmark,
    folder: Path | None,
    options: RunOptions,
    progress: Progress | None = None,
) -> ContentStudy:
    """Trains on GMs of faces, of other contents and of both, and tests on held-out GMs (Table 6).

    There are four draws of six face GMs and six others, which are held out of all three trainings
    of a draw: those of `splits/content` for published GMs and replicas, otherwise those of
    `splits.draw_content_sets`.

    Args:
        recipe: The baseline.
        benchmark: Labels, contents and image counts; its own test sets are not used.
        folder: The dataset folder.
        options: How baselines are run.
        progress: Progress callback.

    Raises:
        BenchmarkError: There are fewer than 24 GMs of faces or of other contents.
    """
    drawn = _content_sets(benchmark)
    numbers = range(1, len(drawn) // 2 + 1)
    parts: dict[str, list[Predictions]] = {trained_on: [] for trained_on in TRAINED_ON}
    training_gms: dict[str, list[int]] = {trained_on: [] for trained_on in TRAINED_ON}
    for fold in content_folds(benchmark):
        told = prefixed(progress, f"{fold.trained_on} {fold.set_name}")
        made = predict_baseline(recipe, fold.benchmark, folder, fold.options(options), told)
        parts[fold.trained_on].append(made)
        training_gms[fold.trained_on].append(len(fold.benchmark.training_gms(fold.set_name)))
    scores: dict[str, dict[str, dict[str, Summary]]] = {one: {} for one in TRAINED_ON}
    comparisons = {}
    for tested_on, label in TESTED_ON.items():
        sets = {f"{label}_{n}": drawn[f"{label}_{n}"] for n in numbers}
        tested = replace(benchmark, sets=sets)
        merged = [_merged(tested, recipe.name, parts[one]) for one in TRAINED_ON]
        for trained_on, one in zip(TRAINED_ON, merged, strict=True):
            summary = evaluate(one).summary
            scores[trained_on][tested_on] = {metric: summary[metric] for metric in METRICS}
        comparisons[tested_on] = compare(*merged, names=TRAINED_ON).differences
    counts = {one: float(np.mean(found)) for one, found in training_gms.items()}
    return ContentStudy(benchmark.name, recipe.name, counts, scores, comparisons)


@dataclass(frozen=True)
class ContentFold:
    """One training of the content study.

    Attributes:
        benchmark: A benchmark with one test set, and images of only the training and test GMs.
        set_name: Name of the test set.
        trained_on: One of `TRAINED_ON`.
    """

    benchmark: Benchmark
    set_name: str
    trained_on: str

    def options(self, options: RunOptions) -> RunOptions:
        """Returns the options with a separate folder of trainings for the training content."""
        runs = options.runs / "content" / self.trained_on if options.runs else None
        return replace(options, runs=runs)


def content_folds(benchmark: Benchmark) -> Iterator[ContentFold]:
    """Yields the trainings of the content study, in the order of `TRAINED_ON`.

    Raises:
        BenchmarkError: There are fewer than 24 GMs of faces or of other contents.
    """
    drawn = _content_sets(benchmark)
    for trained_on in TRAINED_ON:
        for number in range(1, len(drawn) // 2 + 1):
            held = (*drawn[f"face_{number}"], *drawn[f"nonface_{number}"])
            name = f"content_{number}"
            yield ContentFold(_restricted(benchmark, name, held, trained_on), name, trained_on)


def _content_sets(benchmark: Benchmark) -> Mapping[str, tuple[str, ...]]:
    present = [gm for gm, n in zip(benchmark.gms, benchmark.n_images, strict=True) if n]
    n_faces = sum(gm.content == "faces" for gm in present)
    if min(n_faces, len(present) - n_faces) < 24:
        raise BenchmarkError(
            f"{benchmark.name} has images of {n_faces} GMs of faces and of "
            f"{len(present) - n_faces} others. The study holds out 24 of each."
        )
    try:
        return with_sets(benchmark, "content").sets
    except BenchmarkError:  # It has other GMs.
        return draw_content_sets(present)


def _restricted(
    benchmark: Benchmark, set_name: str, held: Sequence[str], trained_on: str
) -> Benchmark:
    """Returns a benchmark with one test set and the training GMs of `trained_on` only."""

    def is_used(name: str, content: str) -> bool:
        return (
            trained_on == "all" or name in held or (content == "faces") == (trained_on == "faces")
        )

    # GMs without images are not trained on; labels and their ranges remain those of all GMs.
    counts = tuple(
        n if is_used(gm.name, gm.content) else 0
        for gm, n in zip(benchmark.gms, benchmark.n_images, strict=True)
    )
    return replace(benchmark, sets={set_name: tuple(held)}, n_images=counts)


def _merged(benchmark: Benchmark, source: str, parts: Sequence[Predictions]) -> Predictions:
    """Returns the predictions of each fold for its own set of a benchmark, as one object."""
    chosen = []
    for part, test in zip(parts, benchmark.sets.values(), strict=True):
        rows = [benchmark.index[gm] for gm in test]
        chosen.append(part.values.take(np.flatnonzero(np.isin(part.gms, rows))).to_array())
    return Predictions.of(benchmark, source, np.concatenate(chosen), normalised=False)


@dataclass(frozen=True)
class Ablation:
    """The full method compared with itself without some of its losses.

    Attributes:
        comparison: All of them compared in pairs, on the same images.
        without: `full` minus each of the others: a positive l1 means that the loss hurts, a
            positive score that it helps.
    """

    comparison: Comparison
    without: tuple[Difference, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
        return {
            "comparison": self.comparison.to_dict(),
            "without": [one._asdict() for one in self.without],
        }


def ablation(results: Path, benchmark: Benchmark, *, seed: int = 0) -> Ablation:
    """Compares `full` with the baselines that lack a fingerprint loss (Table 7).

    Args:
        results: Folder in which `gmbench baseline` wrote NAME.parquet for each.
        benchmark: The benchmark of the predictions.
        seed: Seed for intervals and tests.

    Raises:
        SourceError: A baseline's predictions are missing.
    """
    names = ("full", *ABLATED)
    read = _predictions(results, names, benchmark)
    comparison = compare(*read, names=names, seed=seed)
    without = tuple(one for one in comparison.differences if one.first == "full")
    return Ablation(comparison, without)


@dataclass(frozen=True)
class CrossEntropy:
    """The effect of weighting rare classes.

    Attributes:
        benchmark: Name of the benchmark.
        weighted: Results of `full` for each class parameter: confusion matrix, F1, accuracy.
        plain: The same for `plain_ce`.
    """

    benchmark: str
    weighted: Mapping[str, ParameterResult]
    plain: Mapping[str, ParameterResult]

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
        return asdict(self)


def cross_entropy(results: Path, benchmark: Benchmark) -> CrossEntropy:
    """Compares the confusion matrices of weighted and plain cross-entropy (Figure 9).

    Args:
        results: Folder in which `gmbench baseline` wrote full.parquet and plain_ce.parquet.
        benchmark: The benchmark of the predictions.

    Raises:
        SourceError: One of the files is missing.
    """
    found = [
        {
            name: result
            for name, result in evaluate(one, replicates=0).parameters.items()
            if result.confusion
        }
        for one in _predictions(results, ("full", "plain_ce"), benchmark)
    ]
    return CrossEntropy(benchmark.name, *found)


def mean_recall(result: ParameterResult) -> float:
    """Returns the mean recall over the classes that occur."""
    confusion = np.array(result.confusion, dtype=np.float64)
    occurs = confusion.sum(axis=1) > 0
    return float((np.diag(confusion)[occurs] / confusion[occurs].sum(axis=1)).mean())


def _predictions(results: Path, names: Sequence[str], benchmark: Benchmark) -> list[Predictions]:
    lacking = [name for name in names if not (results / f"{name}.parquet").is_file()]
    if lacking:
        raise SourceError(
            f"{results} lacks {', '.join(f'{name}.parquet' for name in lacking)}. Make them with "
            f"`gmbench baseline {' '.join(names)} --data DIR --out {results}`."
        )
    return [read_predictions(results / f"{name}.parquet", benchmark) for name in names]
