"""What a network is trained to say: the labels of the training GMs, as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.extra import ExtraGMs
from gmbench.errors import BenchmarkError
from gmbench.schema import DISCRETE, N_CONTINUOUS, N_LOSSES

"""Classifiers of a network: M = 16 in the paper."""


def class_counts(benchmark: Benchmark) -> tuple[int, ...]:
    """Returns the number of classes of each of the 16 classifiers; a loss has two, no and yes."""
    named = benchmark.classes
    return tuple(len(named[parameter.name]) for parameter in DISCRETE) + (2,) * N_LOSSES


@dataclass(frozen=True)
class TrainingTargets:
    """Labels of the GMs that a network is trained on; row `g` of each array is GM `g`.

    Attributes:
        names: Names of the G training GMs, in the order given.
        kinds: Kind of each of them, such as `GAN`.
        continuous: Continuous labels, normalised by the benchmark, float32 of shape (G, 9).
        discrete: Class indices of the six discrete parameters, then 0 or 1 for each of the ten
            losses, int64 of shape (G, 16).
        n_classes: Number of classes of each column of `discrete`.
        n_extra: How many of the GMs, the last ones, are not the benchmark's own.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    continuous: NDArray[np.float32]
    discrete: NDArray[np.int64]
    n_classes: tuple[int, ...]
    n_extra: int = 0

    @classmethod
    def of(
        cls, benchmark: Benchmark, gms: Iterable[str], extra: Iterable[ExtraGMs] = ()
    ) -> TrainingTargets:
        """Returns the targets of some GMs of a benchmark, and of extra ones.

        Args:
            benchmark: The benchmark; all its GMs set the range of the normalised values and the
                number of classes, as in evaluation.
            gms: Names of the training GMs.
            extra: GMs to train on beside them; their values may lie outside of [0, 1].

        Raises:
            UnknownNameError: The benchmark has no GM of a name.
            BenchmarkError: No GM, or one GM twice.
        """
        own = [benchmark.gm(name) for name in gms]
        chosen = [*own, *(gm for one in extra for gm in one.gms)]
        names = tuple(gm.name for gm in chosen)
        if not names or len(set(names)) < len(names):
            raise BenchmarkError(
                f"Training on {benchmark.name} needs at least one GM and none twice; "
                f"given: {', '.join(names) or 'none'}."
            )
        labels = benchmark.labels_of(chosen)
        return cls(
            names=names,
            kinds=tuple(gm.kind for gm in chosen),
            continuous=benchmark.normalise(labels[:, :N_CONTINUOUS]).astype(np.float32),
            discrete=labels[:, N_CONTINUOUS:].astype(np.int64),
            n_classes=class_counts(benchmark),
            n_extra=len(chosen) - len(own),
        )

    def __len__(self) -> int:
        return len(self.names)

    def shuffled(self, seed: int) -> TrainingTargets:
        """Returns the paper's random ground truth (section 4.2): labels that mean nothing.

        Each of the 25 columns is permuted over the GMs by itself, so that its distribution stays.
        No GM keeps its own entry (with one GM there is nothing to shuffle), but the entry that it
        gets may happen to be of the same class. Forbidding that too would turn most answers of a
        yes-or-no column round, and labels that are wrong on purpose still tell the right ones.

        Args:
            seed: Seed of the permutations.
        """
        generator = np.random.default_rng(seed)
        continuous, discrete = self.continuous.copy(), self.discrete.copy()
        columns: tuple[NDArray[np.float32] | NDArray[np.int64], ...] = (*continuous.T, *discrete.T)
        for column in columns:
            # One cycle through all GMs in random order: a permutation without a fixed point.
            order = generator.permutation(len(self))
            column[order] = column[np.roll(order, 1)]
        return replace(self, continuous=continuous, discrete=discrete)

    def class_weights(self) -> NDArray[np.float32]:
        """Returns w_m^i = N / N_m^i of equation 11, class after class, head after head.

        N and N_m^i count GMs: every GM gives as many images in the paper. A class that no
        training GM has gets weight 0; there is no example that it could weigh.

        Returns:
            float32 of shape (sum of `n_classes`,).
        """
        counts = np.concatenate(
            [
                np.bincount(column, minlength=n)
                for column, n in zip(self.discrete.T, self.n_classes, strict=True)
            ]
        )
        weights = np.divide(len(self), counts, out=np.zeros(len(counts)), where=counts > 0)
        return np.asarray(weights, dtype=np.float32)

    def one_hot(self) -> NDArray[np.float32]:
        """Returns the classes as ones among zeros, float32 of shape (G, sum of `n_classes`)."""
        columns = zip(self.discrete.T, self.n_classes, strict=True)
        return np.hstack([np.eye(n, dtype=np.float32)[column] for column, n in columns])

    def vectors(self) -> NDArray[np.float64]:
        """Returns the vectors that are clustered, y^nl of equation 6, shape (G, 9 + classes).

        Normalised continuous labels, then one-hot classes. Classes have no order, so their indices
        are no numbers to take means of. Ones stand at the root of 1/2, so that two GMs of different
        classes are at squared distance 1, as for a yes and a no written as 1 and 0.
        """
        return np.hstack([self.continuous, self.one_hot() * np.sqrt(0.5)]).astype(np.float64)
