"""Predictions made of labels alone, without a look at any image: what a method has to beat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.predictions.images import image_index
from gmbench.predictions.predictions import Predictions
from gmbench.schema import N_ARCHITECTURE, N_CONTINUOUS


def mean_mode(benchmark: Benchmark, seed: int = 0, folder: Path | None = None) -> Predictions:
    """Predicts the training GMs' mean of each continuous parameter and mode of all others.

    Section 4.2 of the paper. Each GM counts once; of two equally frequent classes the first
    is taken.

    Args:
        benchmark: The benchmark; every set's own training GMs are used.
        seed: Not used: there is nothing random.
        folder: Not used: no image is looked at.
    """

    def predict(training: NDArray[np.float64], n_images: int) -> NDArray[np.float64]:
        means = training[:, :N_CONTINUOUS].mean(axis=0)
        return np.tile(np.concatenate([means, _modes(training[:, N_CONTINUOUS:])]), (n_images, 1))

    return _predict_by_set(benchmark, "mean_mode", predict)


def median_mode(benchmark: Benchmark, seed: int = 0, folder: Path | None = None) -> Predictions:
    """Predicts the training GMs' median count, modal class and base rate of each loss.

    The constant of least absolute error: counts are skewed, so their median has a lower l1 than
    their mean. A loss's score is the part of the training GMs that have it; at the threshold of
    one half it is the mode.

    Args:
        benchmark: The benchmark; every set's own training GMs are used, each once.
        seed: Not used: there is nothing random.
        folder: Not used: no image is looked at.
    """

    def predict(training: NDArray[np.float64], n_images: int) -> NDArray[np.float64]:
        medians = np.median(training[:, :N_CONTINUOUS], axis=0)
        modes = _modes(training[:, N_CONTINUOUS:N_ARCHITECTURE])
        rates = training[:, N_ARCHITECTURE:].mean(axis=0)
        return np.tile(np.concatenate([medians, modes, rates]), (n_images, 1))

    return _predict_by_set(benchmark, "median_mode", predict)


def random_labels(benchmark: Benchmark, seed: int = 0, folder: Path | None = None) -> Predictions:
    """Predicts, for every image and parameter anew, the value of a training GM drawn at random.

    Keeps each parameter's distribution and nothing else: chance level.

    Args:
        benchmark: The benchmark; every set's own training GMs are used.
        seed: Seed of the draws.
        folder: Not used: no image is looked at.
    """
    generator = np.random.default_rng(seed)

    def predict(training: NDArray[np.float64], n_images: int) -> NDArray[np.float64]:
        n_training, width = training.shape
        drawn = generator.integers(0, n_training, size=(n_images, width))
        return np.asarray(training[drawn, np.arange(width)])

    return _predict_by_set(benchmark, "random_labels", predict)


def _modes(classes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the most frequent class of each column, the first of equally frequent ones."""
    return np.array([np.bincount(column.astype(np.int64)).argmax() for column in classes.T], float)


def _predict_by_set(
    benchmark: Benchmark,
    name: str,
    predict: Callable[[NDArray[np.float64], int], NDArray[np.float64]],
) -> Predictions:
    """Predicts set by set.

    Args:
        benchmark: The benchmark.
        name: Name of the method.
        predict: Takes the training GMs' labels, shape (GMs, 25), and the number of test images;
            returns their predicted labels, shape (images, 25).
    """
    index = image_index(benchmark)
    values = np.empty((len(index.image_ids), benchmark.labels.shape[1]))
    for number, set_name in enumerate(benchmark.sets):
        training = [benchmark.index[gm] for gm in benchmark.training_gms(set_name)]
        in_set = index.sets == number
        if in_set.any():
            values[in_set] = predict(benchmark.labels[training], int(in_set.sum()))
    return Predictions.of(benchmark, name, values, normalised=False)
