"""Small benchmarks and random predictions for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.benchmark.catalog import UNKNOWN
from gmbench.predictions.images import image_index
from gmbench.predictions.predictions import Predictions
from gmbench.schema import NAMES


def small_benchmark(n_images: int | Sequence[int] = 5, name: str = "red116") -> Benchmark:
    """A named benchmark with few images a GM: as many each, or `n_images` in turn."""
    benchmark = load_benchmark(name)
    counts = [n_images] if isinstance(n_images, int) else list(n_images)
    n_gms = len(benchmark.gms)
    return replace(benchmark, n_images=tuple(counts[i % len(counts)] for i in range(n_gms)))


def with_unknown_cells(benchmark: Benchmark, seed: int, share: float = 0.2) -> Benchmark:
    """The same with labels that nobody knows, of every part of the schema.

    Of the first nine GMs `filters` is unknown, so that a small set may know it of none.
    """
    generator = np.random.default_rng(seed)
    gms = []
    for place, gm in enumerate(benchmark.gms):
        hidden = generator.random(len(NAMES)) < share
        # One count, class and loss each stays known.
        hidden[[0, 9, 15 + place % 10]] = False
        hidden[NAMES.index("filters")] |= place < 9
        values = np.where(hidden, UNKNOWN, gm.values)
        gms.append(replace(gm, values=tuple(values.tolist())))
    return replace(benchmark, gms=tuple(gms))


def random_predictions(benchmark: Benchmark, seed: int, source: str = "random") -> Predictions:
    """Predictions that are partly right: truth mixed with noise."""
    generator = np.random.default_rng(seed)
    index = image_index(benchmark)
    n = len(index.image_ids)
    truth = benchmark.labels[index.gms]
    mix = generator.random((n, 1))
    normalised = mix * benchmark.normalise(truth[:, :9]) + (1 - mix) * generator.random((n, 9))
    discrete = truth[:, 9:15].astype(np.int64)
    losses = truth[:, 15:]
    for column, classes in enumerate(benchmark.classes.values()):
        wrong = generator.random(n) < 0.4
        discrete[wrong, column] = generator.integers(0, len(classes), wrong.sum())
    losses = np.where(generator.random((n, 10)) < 0.3, generator.random((n, 10)), losses)
    return Predictions.of(benchmark, source, np.column_stack([normalised, discrete, losses]))


def random_probabilities(predictions: Predictions, seed: int) -> dict[str, NDArray[np.float64]]:
    """Probabilities whose most probable class is the one predicted, by discrete parameter."""
    generator = np.random.default_rng(seed)
    rows, made = np.arange(len(predictions)), {}
    for column, (name, classes) in enumerate(predictions.benchmark.classes.items()):
        odds = generator.dirichlet(np.ones(len(classes)), len(rows))
        chosen, largest = predictions.values.discrete[:, column], odds.argmax(axis=1)
        odds[rows, chosen], odds[rows, largest] = odds[rows, largest], odds[rows, chosen]
        made[name] = odds
    return made
