"""A set of the evaluator made from plain arrays: what the functions of `gmbench.metrics` score."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmbench.benchmark.soundness import HIGHEST_CLASS
from gmbench.errors import PredictionError
from gmbench.evaluation.labels_alone import floor_errors
from gmbench.evaluation.set_table import Predicted, SetTable, Truth, in_order
from gmbench.evaluation.statistics import Array, Columns
from gmbench.predictions.probabilities import ROUNDING
from gmbench.schema import N_CONTINUOUS, N_DISCRETE, N_HEADS, N_LOSSES, NAMES


def set_of_arrays(
    target: ArrayLike,
    prediction: ArrayLike,
    gm: ArrayLike,
    training: ArrayLike | None = None,
    *,
    heads: bool = False,
) -> SetTable:
    """Makes a set of the evaluator from arrays; without heads, the classes count as right.

    A target that is NaN is unknown and enters no metric.
    """
    try:
        true, predicted = np.asarray(target, np.float64), np.asarray(prediction, np.float64)
    except (TypeError, ValueError) as error:
        raise PredictionError(f"Targets and predictions are arrays of numbers: {error}.") from error
    widths = (len(NAMES),) if heads else (N_CONTINUOUS, len(NAMES))
    if true.ndim != 2 or true.shape[1] not in widths or not len(true):
        expected = " or ".join(f"(images, {width})" for width in widths)
        raise PredictionError(f"The targets have the shape {true.shape}; expected is {expected}.")
    if predicted.shape != true.shape:
        raise PredictionError(
            f"The predictions have the shape {predicted.shape}, the targets {true.shape}."
        )
    if np.shape(gm) != true.shape[:1]:
        raise PredictionError(
            f"gm has the shape {np.shape(gm)}; {len(true):,} images need one each."
        )
    if np.isinf(true).any() or not np.isfinite(predicted).all():
        raise PredictionError("Targets (or NaN: unknown) and predictions must be finite numbers.")
    known = np.asarray(gm)
    if known.dtype == object:
        known = known.astype(str)
    # As in a set of the evaluator, whose order RANSAC's draws depend on.
    names, first, gm_of = in_order(known)
    of_gms = true[first]
    same = (true == of_gms[gm_of]) | (np.isnan(true) & np.isnan(of_gms[gm_of]))
    differing = np.flatnonzero(~same.all(axis=1))
    if len(differing):
        raise PredictionError(
            f"The images of GM {names[gm_of[differing[0]]]} have different targets."
        )
    nothing = np.flatnonzero(np.isnan(of_gms[:, :N_CONTINUOUS]).all(axis=1))
    if len(nothing):
        raise PredictionError(f"No count of GM {names[nothing[0]]} is known: all are NaN.")
    trained = of_gms[:0] if training is None else _training(training, widths)
    classes, chosen, known_classes = (
        _classes(one) if heads else _none(one) for one in (of_gms, predicted, trained)
    )
    n_classes = np.maximum(classes.max(axis=0), chosen.max(axis=0)) + 1
    n_classes[N_DISCRETE:] = 2
    counts = of_gms[:, :N_CONTINUOUS]
    floor = floor_errors(
        (trained[:, :N_CONTINUOUS], known_classes[:, N_DISCRETE:]),
        (counts, classes[:, N_DISCRETE:]),
    )
    scores = (
        predicted[:, N_CONTINUOUS + N_DISCRETE :] if heads else np.zeros((len(chosen), N_LOSSES))
    )
    return SetTable.of(
        name="arrays",
        gms=[str(name) for name in names],
        truth=Truth(
            counts=np.nan_to_num(counts),
            classes=classes,
            floor=floor,
            kinds=("",) * len(names),
            known=(~np.isnan(counts)).astype(np.float64),
        ),
        gm_of=gm_of,
        predicted=Predicted(predicted[:, :N_CONTINUOUS], chosen[:, :N_DISCRETE], scores),
        columns=Columns.of(n_classes.tolist()),
    )


def confidences(truth: ArrayLike, probability: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    """Returns the confidence of each answer and whether it came true, each of shape (images,).

    Args:
        truth: 0 or 1, or class indices, shape (images,).
        probability: Probability of yes, shape (images,), or of each class, shape (images, classes).

    Raises:
        PredictionError: Shapes do not match, a probability is outside [0, 1], the probabilities of
            an image's classes do not sum to 1, or a truth is not a class.
    """
    try:
        true, odds = np.asarray(truth, np.float64), np.asarray(probability, np.float64)
    except (TypeError, ValueError) as error:
        raise PredictionError(f"Truth and probabilities are arrays of numbers: {error}.") from error
    if true.ndim != 1 or not len(true) or odds.ndim not in (1, 2) or len(odds) != len(true):
        raise PredictionError(
            f"The truth has the shape {true.shape}, the probabilities {odds.shape}; expected are "
            "(images,) and (images,) or (images, classes)."
        )
    # NaN is not between 0 and 1 either.
    if not ((odds >= 0) & (odds <= 1)).all():
        raise PredictionError("Probabilities must be numbers from 0 to 1.")
    of_classes = odds.ndim == 2
    n_classes = odds.shape[1] if of_classes else 2
    if not np.isin(true, np.arange(n_classes)).all():
        raise PredictionError(f"The truth must be class indices below {n_classes}.")
    if not of_classes:
        return odds, true == 1
    if (np.abs(odds.sum(axis=1) - 1) > ROUNDING * n_classes + 1e-9).any():
        raise PredictionError("The probabilities of the classes of an image must sum to 1.")
    return odds.max(axis=1), odds.argmax(axis=1) == true


def _training(training: ArrayLike, widths: tuple[int, ...]) -> Array:
    """Returns the training GMs' targets, shape (GMs, 9) or (GMs, 25)."""
    try:
        made = np.asarray(training, np.float64)
    except (TypeError, ValueError) as error:
        raise PredictionError(f"The training targets are arrays of numbers: {error}.") from error
    if made.ndim != 2 or made.shape[1] not in widths or not len(made):
        expected = " or ".join(f"(GMs, {width})" for width in widths)
        raise PredictionError(
            f"The training targets have the shape {made.shape}; expected is {expected}, a row a GM."
        )
    if np.isinf(made).any() or np.isnan(made).all():
        raise PredictionError(
            "The training targets must be finite numbers, or NaN where a GM's is unknown."
        )
    return made


def _none(values: Array) -> NDArray[np.int64]:
    return np.zeros((len(values), N_HEADS), dtype=np.int64)


def _classes(values: Array) -> NDArray[np.int64]:
    """Returns class indices, losses as 0 or 1, -1 for NaN, shape (rows, 16)."""
    heads = values[:, N_CONTINUOUS:].copy()
    unknown = np.isnan(heads)
    heads[unknown] = 0
    losses = heads[:, N_DISCRETE:]
    if (losses < 0).any() or (losses > 1).any():
        raise PredictionError("Losses must be 0, 1 or scores between them.")
    losses[:] = losses >= 0.5
    if (heads < 0).any() or (heads > HIGHEST_CLASS).any() or (heads != heads.round()).any():
        raise PredictionError(f"Classes must be indices: whole numbers from 0 to {HIGHEST_CLASS}.")
    return np.where(unknown, -1, heads).astype(np.int64)
