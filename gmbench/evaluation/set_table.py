"""The images of a set as rows of terms to be summed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmbench.evaluation.labels_alone import floor_errors
from gmbench.evaluation.log_loss import log_loss_of_known
from gmbench.evaluation.resampling import strata_of
from gmbench.evaluation.statistics import (
    COUNTS,
    IMAGE_ERROR,
    SCORES,
    Array,
    Columns,
    Facts,
    GMSums,
    layout,
)
from gmbench.predictions.predictions import Predictions
from gmbench.schema import N_CONTINUOUS, N_DISCRETE


@dataclass(frozen=True)
class Predicted:
    """What is predicted for some images.

    Attributes:
        counts: Normalised counts, shape (images, 9).
        discrete: Class indices, shape (images, 6).
        scores: Scores of the losses, from 0 to 1, shape (images, 10).
    """

    counts: Array
    discrete: NDArray[np.int64]
    scores: Array

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Predicted:
        """Returns the predictions for some of the images."""
        return Predicted(self.counts[rows], self.discrete[rows], self.scores[rows])


@dataclass(frozen=True)
class Truth:
    """The labels of the G GMs of a set, and what labels alone reach there.

    Attributes:
        counts: Normalised continuous labels, shape (G, 9).
        classes: Class index of each discrete parameter and loss, shape (G, 16); -1 where unknown.
        floor: Error of the training median of each count, then the log-loss of the training base
            rates, shape (G, 10); NaN where the training GMs are not known.
        kinds: Kind of each GM.
        known: 1 where a count is known, 0 where not, shape (G, 9); `counts` is arbitrary there.
    """

    counts: Array
    classes: NDArray[np.int64]
    floor: Array
    kinds: tuple[str, ...]
    known: Array


@dataclass(frozen=True)
class SetTable:
    """One set's images as rows of terms to be summed.

    Attributes:
        name: Name of the set.
        gms: Names of its G GMs that have a row, in the benchmark's order.
        truth: Their labels.
        centre: What is subtracted from the terms of each GM, shape (G, 20): `COUNTS`,
            `IMAGE_ERROR`, `SCORES`.
        rows: Terms of each GM's images, one array of shape (images, width) per GM.
        columns: Position of each term.
    """

    name: str
    gms: tuple[str, ...]
    truth: Truth
    centre: Array
    rows: tuple[Array, ...]
    columns: Columns

    @classmethod
    def of(
        cls,
        name: str,
        gms: Sequence[str],
        truth: Truth,
        gm_of: NDArray[np.int64],
        predicted: Predicted,
        columns: Columns,
    ) -> SetTable:
        """Returns the table of one set.

        Args:
            name: Name of the set.
            gms: Names of its G GMs.
            truth: Their labels.
            gm_of: Index of each image's GM, 0 to G - 1, shape (images,); every GM has an image.
            predicted: What is predicted for each image.
            columns: Position of each term.
        """
        ends = np.cumsum(np.bincount(gm_of, minlength=len(gms)))
        images = np.split(np.argsort(gm_of, kind="stable"), ends[:-1])
        made = [
            _image_terms(predicted.take(rows), truth, gm, columns) for gm, rows in enumerate(images)
        ]
        centre = np.stack([one for one, _ in made])
        return cls(name, tuple(gms), truth, centre, tuple(terms for _, terms in made), columns)

    def only(self, rows: Sequence[int]) -> SetTable:
        """Returns the set with only some of its GMs, given by their rows; at least one."""
        chosen = list(rows)
        truth = Truth(
            self.truth.counts[chosen],
            self.truth.classes[chosen],
            self.truth.floor[chosen],
            tuple(self.truth.kinds[row] for row in chosen),
            self.truth.known[chosen],
        )
        return SetTable(
            name=self.name,
            gms=tuple(self.gms[row] for row in chosen),
            truth=truth,
            centre=self.centre[chosen],
            rows=tuple(self.rows[row] for row in chosen),
            columns=self.columns,
        )

    @cached_property
    def strata(self) -> tuple[int, ...]:
        """The stratum of each GM in the bootstrap; see `strata_of`."""
        return strata_of(self.truth.kinds)

    @property
    def image_errors(self) -> list[Array]:
        """Mean absolute error of each image in normalised units, one array per GM."""
        return [
            rows[:, self.columns.error].sum(axis=1) / known.sum()
            for rows, known in zip(self.rows, self.truth.known, strict=True)
        ]

    def counts_of(self, gm: int) -> Array:
        """Returns the predicted counts of each image of a GM, shape (images, 9)."""
        return np.asarray(self.rows[gm][:, self.columns.prediction] + self.centre[gm, COUNTS])

    @property
    def points(self) -> tuple[Array, Array]:
        """Prediction and truth of every (image, known count) pair, each of shape (points,)."""
        known = self.truth.known > 0
        predicted = [self.counts_of(gm)[:, known[gm]].ravel() for gm in range(len(self.rows))]
        truth = [
            np.tile(y[is_known], len(rows))
            for y, is_known, rows in zip(self.truth.counts, known, self.rows, strict=True)
        ]
        return np.concatenate(predicted), np.concatenate(truth)

    @cached_property
    def sums(self) -> GMSums:
        """The sums over the images as they are, without leading axes."""
        return GMSums(
            totals=np.stack([row.sum(axis=0) for row in self.rows]),
            centre=self.centre,
            facts=Facts(
                counts=np.array([len(row) for row in self.rows], dtype=np.float64),
                truth=self.truth.counts,
                classes=self.truth.classes,
                floor=self.truth.floor,
                known=self.truth.known,
            ),
            columns=self.columns,
        )

    @cached_property
    def leave_one_out(self) -> GMSums:
        """The sums without each GM in turn, with a leading axis of length G."""
        n_gms = len(self.gms)
        others = np.array([[j for j in range(n_gms) if j != i] for i in range(n_gms)], dtype=int)
        return self.sums.take(others)


def set_tables(predictions: Predictions) -> list[SetTable]:
    """Returns one table for each set that has predictions, in the benchmark's order."""
    benchmark, values = predictions.benchmark, predictions.values
    columns = layout(benchmark)
    counts = benchmark.normalise(benchmark.labels[:, :N_CONTINUOUS])
    is_known = benchmark.known
    classes = np.where(is_known, benchmark.labels, -1)[:, N_CONTINUOUS:].astype(np.int64)
    stated = np.where(is_known[:, :N_CONTINUOUS], counts, np.nan)
    predicted = Predicted(
        benchmark.normalise(values.continuous), values.discrete.astype(np.int64), values.losses
    )
    tables = []
    for number, name in enumerate(benchmark.sets):
        in_set = predictions.sets == number
        if not in_set.any():
            continue
        # The order of their first images is that of the set.
        members, _, gm_of = in_order(predictions.gms[in_set])
        kinds = tuple(benchmark.gms[row].kind for row in members.tolist())
        training = [benchmark.index[gm] for gm in benchmark.training_gms(name)]
        floor = floor_errors(
            (stated[training], classes[training, N_DISCRETE:]),
            (stated[members], classes[members, N_DISCRETE:]),
        )
        tables.append(
            SetTable.of(
                name,
                [benchmark.gms[row].name for row in members.tolist()],
                Truth(
                    counts[members],
                    classes[members],
                    floor,
                    kinds,
                    is_known[members, :N_CONTINUOUS].astype(np.float64),
                ),
                gm_of,
                predicted.take(in_set),
                columns,
            )
        )
    return tables


def in_order(
    values: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Finds the distinct values in the order in which they first occur.

    Returns:
        The distinct values, where each first occurs, and which of them each value is.
    """
    distinct, first, place = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return distinct[order], first[order], np.argsort(order)[place]


def _image_terms(
    predicted: Predicted, truth: Truth, gm: int, columns: Columns
) -> tuple[Array, Array]:
    """Returns the centre of a GM's images, shape (20,), and their terms, shape (images, width).

    Args:
        predicted: What is predicted for each image.
        truth: The labels of the GMs of the set.
        gm: The GM's row in `truth`.
        columns: Position of each term.
    """
    terms = np.empty((len(predicted.counts), columns.width), order="F")
    known = truth.known[gm]
    error = np.abs(predicted.counts - truth.counts[gm]) * known
    image_error = error.sum(axis=1) / known.sum()
    centred = [predicted.counts, image_error[:, None], predicted.scores]
    centre = np.median(np.concatenate(centred, axis=1), axis=0)
    terms[:, columns.error] = error
    terms[:, columns.prediction] = predicted.counts - centre[COUNTS]
    terms[:, columns.square] = terms[:, columns.prediction] ** 2
    terms[:, columns.image_square] = (image_error - centre[IMAGE_ERROR]) ** 2
    terms[:, columns.score] = predicted.scores - centre[SCORES]
    terms[:, columns.log_loss] = log_loss_of_known(predicted.scores, truth.classes[gm, N_DISCRETE:])
    chosen = np.concatenate([predicted.discrete, predicted.scores >= 0.5], axis=1).astype(np.int64)
    for head, place in enumerate(columns.heads):
        for number in range(place.stop - place.start):
            terms[:, place.start + number] = chosen[:, head] == number
    return centre, terms
