"""Conversion of parser outputs for test sets to predictions for their benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import BenchmarkError
from gmbench.predictions.images import image_index
from gmbench.predictions.predictions import Predictions
from gmbench.schema import DISCRETE
from gmbench.training.parsed import LabelSpace, ParsedImages, join


def predictions_of(
    benchmark: Benchmark, source: str, parsed: Mapping[str, ParsedImages]
) -> Predictions:
    """Returns parser outputs as predictions.

    Args:
        benchmark: The benchmark.
        source: Name of the method.
        parsed: Output for the test images of each set that has any, GM by GM in the order of the
            set.

    Raises:
        BenchmarkError: A set does not have all of its images.
    """
    n_images = len(image_index(benchmark).image_ids)
    whole = join(parsed[name] for name in benchmark.sets if name in parsed)
    if len(whole.continuous) != n_images:
        raise BenchmarkError(
            f"{benchmark.name} has {n_images:,} test images, {len(whole.continuous):,} were "
            "parsed. Build the dataset again."
        )
    counts = benchmark.denormalise(whole.continuous)
    return Predictions.of(
        benchmark,
        source,
        targets_of(benchmark, whole, counts),
        normalised=False,
        probabilities=probabilities_of(benchmark, whole),
    )


def present_sets(benchmark: Benchmark) -> list[str]:
    """Returns the sets that have test images: for an incomplete dataset, possibly not all.

    Raises:
        BenchmarkError: No set has any.
    """
    present = [name for name in benchmark.sets if _present(benchmark, name)]
    if not present:
        raise BenchmarkError(
            f"No test GM of {benchmark.name} has images here, so nothing can be predicted or "
            "scored. Build the dataset with images of some: `gmbench info`, with the same --data, "
            "lists them."
        )
    return present


def present_gms(benchmark: Benchmark, set_name: str) -> list[str]:
    """Returns the test GMs of a set that have images.

    Raises:
        UnknownNameError: The benchmark has no such set.
        BenchmarkError: No test GM of the set has images.
    """
    present = _present(benchmark, set_name)
    if not present:
        raise BenchmarkError(
            f"No test GM of {set_name} of {benchmark.name} has images here, so nothing can be "
            "predicted. Take another set, or build the dataset with images of some."
        )
    return present


def _present(benchmark: Benchmark, set_name: str) -> list[str]:
    test = benchmark.test_gms(set_name)
    return [gm for gm in test if benchmark.n_images[benchmark.index[gm]]]


def predictions_of_set(
    benchmark: Benchmark,
    set_name: str,
    parsed: ParsedImages,
    labels: LabelSpace,
    trained_on: Mapping[str, Any],
) -> tuple[Predictions, str]:
    """Returns a trained parser's output for one set as predictions.

    Args:
        benchmark: The benchmark to predict.
        set_name: The set.
        parsed: Output for the images of its present GMs, in their order.
        labels: Label space of the parser.
        trained_on: What the parser was trained on.

    Returns:
        The predictions, and a warning if the parser may have seen the test GMs, else an empty
        string.
    """
    made = Predictions.of(
        benchmark,
        str(trained_on.get("baseline", "parser")),
        targets_of(benchmark, parsed, labels.counts(parsed)),
        set_name=set_name,
        normalised=False,
        probabilities=probabilities_of(benchmark, parsed),
    )
    return made, warning_of_seen(benchmark, set_name, trained_on)


def warning_of_seen(benchmark: Benchmark, set_name: str, trained_on: Mapping[str, Any]) -> str:
    """Returns a warning if a parser may have seen the test GMs of a set, else an empty string.

    Args:
        benchmark: The benchmark to predict.
        set_name: The set.
        trained_on: What the parser was trained on.
    """
    present = present_gms(benchmark, set_name)
    seen = set(trained_on.get("gms", ())) & set(present)
    if not seen:
        return ""
    return (
        f"this parser was trained on {len(seen)} of the {len(present)} GMs of {set_name} (it "
        f"was trained for {trained_on.get('set', 'all GMs')} of "
        f"{trained_on.get('benchmark')}); its figures there say nothing of unseen GMs."
    )


def targets_of(
    benchmark: Benchmark, parsed: ParsedImages, counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the targets for `Predictions.of`, shape (images, 25), with counts in natural units.

    Args:
        benchmark: The benchmark to predict.
        parsed: Output of a parser, possibly one of another benchmark.
        counts: The continuous parameters in natural units, shape (images, 9). A network does not
            know that counts cannot be negative; negative ones become 0.
    """
    # A parser of another benchmark may know classes that have no index in this one.
    classes = [
        odds[:, : len(benchmark.classes[parameter.name])].argmax(axis=1)
        for parameter, odds in zip(DISCRETE, parsed.by_head, strict=False)
    ]
    return np.column_stack([np.maximum(counts, 0.0), *classes, parsed.loss_scores])


def probabilities_of(benchmark: Benchmark, parsed: ParsedImages) -> dict[str, NDArray[np.float64]]:
    """Returns the class probabilities of each discrete parameter, each (images, classes).

    If the parser knows further classes, the remaining probabilities are rescaled to a sum of 1;
    classes that it does not know have probability 0.

    Args:
        benchmark: The benchmark to predict.
        parsed: Output of a parser.
    """
    made = {}
    for parameter, odds in zip(DISCRETE, parsed.by_head, strict=False):
        n_classes = len(benchmark.classes[parameter.name])
        known = np.zeros((len(odds), n_classes))
        shared = min(n_classes, odds.shape[1])
        known[:, :shared] = odds[:, :shared]
        made[parameter.name] = known / known.sum(axis=1, keepdims=True)
    return made
