"""How sure a parser may be, learned from GMs that it had not seen.

A parser is trained without some GMs, looks at their images, and is compared with their labels, fold
by fold, until each GM has been unseen once. The result is small: how much of what it says to
believe, how wide an interval must be to contain the truth four times in five, and how far from all
known GMs the images of unseen ones lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmbench.schema import N_CONTINUOUS, N_DISCRETE, N_LOSSES

Array = NDArray[np.float64]

COVERAGE = 0.8
"""Share of the unseen GMs whose counts the intervals must contain."""

DOUBTS = np.linspace(0.0, 0.7, 15)
"""Candidate doubts."""

TAILS = np.linspace(0.5, 0.0, 101)
"""Candidate tails of the shares, from the widest."""

_DISTANCES = 201


@dataclass(frozen=True)
class Unseen:
    """A parser's output for images of GMs that it had not seen.

    Attributes:
        shares: Share of each known GM in each image, shape (images, GMs); 0 for GMs not known at
            the time.
        distances: Distance from the nearest known GM or group of real images, shape (images,).
        gms: Row of the GM that made each image, shape (images,).
        real: Share of real images among what each image is like, shape (images,).
    """

    shares: Array
    distances: Array
    gms: NDArray[np.int64]
    real: Array

    def of(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Unseen:
        """Returns the output for some of the images."""
        return Unseen(self.shares[rows], self.distances[rows], self.gms[rows], self.real[rows])


@dataclass(frozen=True)
class Surety:
    """How sure a parser may be.

    Attributes:
        doubts: Part of the shares that is spread evenly over all known GMs before a parameter is
            derived, shape (25,): for counts, classes and losses.
        tails: Share left out on either side of each count's interval, shape (9,).
        distances: Evenly spaced quantiles of the distances of unseen GMs' images, ascending.
    """

    doubts: Array
    tails: Array
    distances: Array

    @classmethod
    def learn(cls, unseen: Unseen, labels: Array, stated: NDArray[np.bool_]) -> Surety:
        """Learns this from the output for unseen GMs; every GM has the same weight.

        Args:
            unseen: The output for their images.
            labels: Label values of the GMs, shape (GMs, 25).
            stated: Whether they are known, of the same shape; unknown ones are not learned from.
        """
        of_image = 1.0 / np.bincount(unseen.gms)[unseen.gms]
        weights = of_image[:, None] * stated[unseen.gms]
        truth = labels[unseen.gms]
        known = unseen.shares > 0
        even = known / known.sum(axis=1, keepdims=True)
        group = np.repeat([0, 1, 2], [N_CONTINUOUS, N_DISCRETE, N_LOSSES])
        costs = np.zeros((len(DOUBTS), 3))
        for row, doubt in enumerate(DOUBTS):
            shares = (1 - doubt) * unseen.shares + doubt * even
            for column in range(labels.shape[1]):
                if column < N_CONTINUOUS:
                    wrong = np.abs(
                        quantiles(shares, labels[:, column], [0.5])[:, 0] - truth[:, column]
                    ) / (np.ptp(labels[:, column]) or 1.0)
                else:
                    right = (shares * (labels[:, column] == truth[:, column, None])).sum(axis=1)
                    wrong = -np.log(np.clip(right, 0.01, 0.99))
                costs[row, group[column]] += _average(wrong, weights[:, column])
        doubts = DOUBTS[costs.argmin(axis=0)][group]
        shares = (1 - doubts[0]) * unseen.shares + doubts[0] * even
        tails = np.zeros(N_CONTINUOUS)
        for column in range(N_CONTINUOUS):
            values = labels[:, column]
            ends = quantiles(shares, values, [*TAILS, *(1 - TAILS)])
            low, high = np.split(ends, 2, axis=1)
            within = (low <= truth[:, column, None]) & (truth[:, column, None] <= high)
            covered = _average(within, weights[:, column])
            tails[column] = TAILS[(covered >= COVERAGE).argmax()] if covered[-1] >= COVERAGE else 0
        order = np.argsort(unseen.distances)
        reached = np.cumsum(of_image[order]) / of_image.sum()
        at = np.searchsorted(reached, np.linspace(0, 1, _DISTANCES) - 1e-9).clip(0, len(order) - 1)
        return cls(doubts, tails, unseen.distances[order][at])

    def farther(self, distance: float) -> float:
        """Returns the share of unseen GMs' images that lie farther away than a distance."""
        return float((self.distances > distance).mean())

    def to_dict(self) -> dict[str, list[float]]:
        """Returns everything as plain data."""
        rounded = {"doubts": self.doubts, "tails": self.tails, "distances": self.distances}
        return {name: np.round(values, 6).tolist() for name, values in rounded.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Surety:
        """Makes an instance from the output of `to_dict`.

        Raises:
            KeyError: Something is missing.
            ValueError: Something has a wrong shape, or is out of range.
        """
        doubts, tails, distances = (
            np.asarray(data[name], dtype=float) for name in ("doubts", "tails", "distances")
        )
        n = N_CONTINUOUS + N_DISCRETE + N_LOSSES
        sound = (
            doubts.shape == (n,)
            and tails.shape == (N_CONTINUOUS,)
            and distances.ndim == 1
            and bool(
                ((doubts >= 0) & (doubts <= 1)).all() and ((tails >= 0) & (tails <= 0.5)).all()
            )
            and bool(len(distances) and (np.diff(distances) >= 0).all())
        )
        if not sound:
            raise ValueError("what it knows of its errors is damaged")
        return cls(doubts, tails, distances)


def _average(values: NDArray[Any], weights: Array) -> Any:
    """Returns the weighted mean over images; 0 if none has a weight."""
    return weights @ values / max(weights.sum(), 1e-12)


def together(shares: Array) -> Array:
    """Returns the shares of GMs in several images of one GM: their geometric mean, summing to 1.

    A GM that any one of the images rules out (a share of 0) is ruled out. On unseen GMs this beats
    the mean.

    Args:
        shares: Shape (images, GMs).
    """
    logarithms = np.log(np.maximum(shares, 1e-9)).mean(axis=0)
    whole = np.where((shares > 0).all(axis=0), np.exp(logarithms - logarithms.max()), 0.0)
    return np.asarray(whole / whole.sum())


def quantiles(shares: Array, values: Array, levels: Sequence[float]) -> Array:
    """Returns weighted quantiles: the least value that a given part of the shares does not exceed.

    Args:
        shares: Share of each GM in each image, shape (images, GMs); rows sum to 1.
        values: Value of each GM, shape (GMs,).
        levels: Those parts, from 0 to 1.

    Returns:
        Shape (images, levels).
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(shares[:, order], axis=1)
    # Values without any share do not count: the least one is where the sum leaves 0.
    asked = np.clip(levels, 1e-9, 1.0) - 1e-12
    at = np.array([np.searchsorted(row, asked) for row in reached]).clip(0, len(order) - 1)
    return np.asarray(values[order][at.reshape(len(shares), len(asked))])
