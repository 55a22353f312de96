"""Predictions made from labels alone, without looking at any image: what a method has to beat.

`gmbench.evaluation.floors` says which of them is best in a metric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.predictions.images import image_index
from gmbench.predictions.predictions import Predictions
from gmbench.schema import N_ARCHITECTURE, N_CONTINUOUS, NAMES


def mean_mode(benchmark: Benchmark, seed: int = 0, folder: Path | None = None) -> Predictions:
    """Predicts the training GMs' mean of each continuous parameter and mode of all others.

    Section 4.2 of the paper. Each GM counts once; among equally frequent classes, the first
    is taken.

    Args:
        benchmark: The benchmark; each set uses its own training GMs.
        seed: Unused: nothing is random.
        folder: Unused: no image is looked at.
    """

    def predict(training: NDArray[np.float64], n_images: int) -> NDArray[np.float64]:
        means = np.nanmean(training[:, :N_CONTINUOUS], axis=0)
        return np.tile(np.concatenate([means, _modes(training[:, N_CONTINUOUS:])]), (n_images, 1))

    return _predict_by_set(benchmark, "mean_mode", predict)


def median_mode(benchmark: Benchmark, seed: int = 0, folder: Path | None = None) -> Predictions:
    """Predicts the training GMs' median count, modal class and base rate of each loss.

    The constant with the least absolute error: counts are skewed, so their median has a lower l1
    than their mean. A loss's score is the fraction of the training GMs that have it; thresholded at
    one half, it is the mode. The frequencies of classes are their probabilities.

    Args:
        benchmark: The benchmark; each set uses its own training GMs, each once.
        seed: Unused: nothing is random.
        folder: Unused: no image is looked at.
    """
    index = image_index(benchmark)
    return _predict_rates(
        benchmark,
        "median_mode",
        (
            (index.sets == number, _training_labels(benchmark, set_name))
            for number, set_name in enumerate(benchmark.sets)
            if (index.sets == number).any()
        ),
    )


def random_labels(benchmark: Benchmark, seed: int = 0, folder: Path | None = None) -> Predictions:
    """Predicts the value of a random training GM, drawn anew for each image and parameter.

    Preserves each parameter's distribution and nothing else: chance level.

    Args:
        benchmark: The benchmark; each set uses its own training GMs.
        seed: Seed of the draws.
        folder: Unused: no image is looked at.
    """
    generator = np.random.default_rng(seed)

    def predict(training: NDArray[np.float64], n_images: int) -> NDArray[np.float64]:
        n_training, width = training.shape
        drawn = generator.integers(0, n_training, size=(n_images, width))
        made = np.asarray(training[drawn, np.arange(width)])
        for column in np.flatnonzero(np.isnan(training).any(axis=0)):
            known = training[~np.isnan(training[:, column]), column]
            made[:, column] = generator.choice(known, size=n_images)
        return made

    return _predict_by_set(benchmark, "random_labels", predict)


def random_f1(benchmark: Benchmark, seed: int = 0, folder: Path | None = None) -> Predictions:
    """Predicts training medians, and draws classes and losses at the rates of highest expected F1.

    The best weighted F1 that labels alone can achieve, above that of the mode: see
    `rates_of_highest_f1`. A loss's score is 1 where it is drawn and 0 elsewhere.

    Args:
        benchmark: The benchmark; each set uses its own training GMs, each once.
        seed: Seed of the draws, which are made anew for each image.
        folder: Unused: no image is looked at.
    """
    generator = np.random.default_rng(seed)

    def predict(training: NDArray[np.float64], n_images: int) -> NDArray[np.float64]:
        made = np.tile(np.nanmedian(training, axis=0), (n_images, 1))
        for column in range(N_CONTINUOUS, training.shape[1]):
            classes = _known(training[:, column])
            rates = rates_of_highest_f1(np.bincount(classes) / len(classes))
            made[:, column] = generator.choice(len(rates), size=n_images, p=rates)
        return made

    return _predict_by_set(benchmark, "random_f1", predict)


def rates_of_highest_f1(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns how often to draw each class for the highest expected weighted F1, shape (classes,).

    If a class of frequency p is drawn at a rate q regardless of the image, a fraction p q is
    correct, so its F1 is 2 p q / (p + q) and the weighted F1 is the sum of 2 p^2 q / (p + q). This
    is concave in q; at its maximum, p + q is proportional to p^1.5, or q is 0 where that would make
    it negative.

    Args:
        frequencies: Frequency of each class; they sum to 1.

    Examples:
        >>> rates_of_highest_f1(np.array([0.5, 0.5])).tolist()
        [0.5, 0.5]
        >>> rates_of_highest_f1(np.array([0.8, 0.2])).round(3).tolist()
        [0.978, 0.022]
        >>> rates_of_highest_f1(np.array([0.9, 0.1])).tolist()
        [1.0, 0.0]
    """
    frequencies = np.asarray(frequencies, dtype=np.float64)
    rates = np.zeros(len(frequencies))
    drawn = frequencies > 0
    while True:
        p = frequencies[drawn]
        found = (1 + p.sum()) * p**1.5 / (p**1.5).sum() - p
        if (found >= 0).all():
            rates[drawn] = found
            return np.asarray(rates / rates.sum())
        # Classes whose rate would be negative are not drawn at all at the maximum.
        drawn[np.flatnonzero(drawn)[found < 0]] = False


def kind_oracle(benchmark: Benchmark, seed: int = 0, folder: Path | None = None) -> Predictions:
    """Predicts each GM as `median_mode` does, from the training GMs of the GM's own kind alone.

    Not a method, as it is given the true kind (GAN, VAE and so on): it shows what can be gained by
    recognising the kind and nothing else. A kind without a training GM is predicted from all.

    Args:
        benchmark: The benchmark; each set uses its own training GMs, each once.
        seed: Unused: nothing is random.
        folder: Unused: no image is looked at.
    """
    index = image_index(benchmark)
    kinds = np.array([gm.kind for gm in benchmark.gms])

    def parts() -> Iterator[tuple[NDArray[np.bool_], NDArray[np.float64]]]:
        for number, set_name in enumerate(benchmark.sets):
            in_set = index.sets == number
            rows = _training_rows(benchmark, set_name)
            for kind in np.unique(kinds[index.gms[in_set]]):
                found = _training_labels(benchmark, set_name)
                like = kinds[rows] == kind if len(rows) else np.array([False])
                # A parameter that is known for no GM of the kind is predicted from all.
                known = ~np.isnan(found[like]).all(axis=0)
                found[np.ix_(~like, known)] = np.nan
                yield in_set & (kinds[index.gms] == kind), found

    return _predict_rates(benchmark, "kind_oracle", parts())


def _training_rows(benchmark: Benchmark, set_name: str) -> NDArray[np.int64]:
    return np.array([benchmark.index[gm] for gm in benchmark.training_gms(set_name)], dtype=int)


def _training_labels(benchmark: Benchmark, set_name: str) -> NDArray[np.float64]:
    """Returns the labels of a set's training GMs, NaN where unknown, shape (GMs, 25).

    What is known for none of them is the benchmark's smallest count, the first class, or no loss;
    a row of these stands for training GMs that do not exist.
    """
    rows = _training_rows(benchmark, set_name)
    labels = benchmark.known_labels[rows] if len(rows) else np.full((1, len(NAMES)), np.nan)
    untold = np.zeros(len(NAMES))
    untold[:N_CONTINUOUS] = benchmark.minimum
    return np.where(np.isnan(labels).all(axis=0), untold, labels)


def _predict_rates(
    benchmark: Benchmark,
    source: str,
    parts: Iterable[tuple[NDArray[np.bool_], NDArray[np.float64]]],
) -> Predictions:
    """Predicts medians, modes and base rates, each part of the images from its own labels.

    Args:
        benchmark: The benchmark.
        source: Name of the method.
        parts: For each part, a mask of its images, shape (images,), and its labels, shape
            (GMs, 25).
    """
    n_images = len(image_index(benchmark).image_ids)
    values = np.empty((n_images, benchmark.labels.shape[1]))
    rates = {name: np.empty((n_images, len(one))) for name, one in benchmark.classes.items()}
    for images, labels in parts:
        values[images] = _medians_modes_rates(labels)
        for column, (name, classes) in enumerate(benchmark.classes.items(), start=N_CONTINUOUS):
            known = _known(labels[:, column])
            rates[name][images] = np.bincount(known, minlength=len(classes)) / len(known)
    return Predictions.of(benchmark, source, values, normalised=False, probabilities=rates)


def _medians_modes_rates(training: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the median of each count, the mode of each class, the base rate of each loss."""
    medians = np.nanmedian(training[:, :N_CONTINUOUS], axis=0)
    modes = _modes(training[:, N_CONTINUOUS:N_ARCHITECTURE])
    rates = np.nanmean(training[:, N_ARCHITECTURE:], axis=0)
    return np.concatenate([medians, modes, rates])


def _modes(classes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the most frequent class of each column, the first among equally frequent ones."""
    return np.array([np.bincount(_known(column)).argmax() for column in classes.T], float)


def _known(column: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns the known classes of a column."""
    return np.asarray(column[~np.isnan(column)].astype(np.int64))


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
        in_set = index.sets == number
        if in_set.any():
            values[in_set] = predict(_training_labels(benchmark, set_name), int(in_set.sum()))
    return Predictions.of(benchmark, name, values, normalised=False)
