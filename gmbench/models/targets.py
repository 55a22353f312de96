"""Training targets of a network: the labels of the training GMs as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.extra import ExtraGMs
from gmbench.errors import BenchmarkError
from gmbench.schema import DISCRETE, N_CONTINUOUS, N_LOSSES


def class_counts(benchmark: Benchmark) -> tuple[int, ...]:
    """Returns the number of classes of each of the 16 classifiers (M = 16 in the paper).

    A loss has two classes, no and yes.
    """
    named = benchmark.classes
    return tuple(len(named[parameter.name]) for parameter in DISCRETE) + (2,) * N_LOSSES


@dataclass(frozen=True)
class TrainingTargets:
    """Labels of the GMs that a network is trained on; row `g` of each array is GM `g`.

    Attributes:
        names: Names of the G training GMs, in the order given.
        kinds: Kind of each GM, such as `GAN`.
        continuous: Continuous labels, normalised by the benchmark, float32 of shape (G, 9).
        discrete: Class indices of the six discrete parameters, then 0 or 1 for each of the ten
            losses, int64 of shape (G, 16).
        n_classes: Number of classes of each column of `discrete`.
        n_extra: Number of GMs, the last ones, that do not belong to the benchmark.
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
        """Returns the targets of some GMs of a benchmark, followed by those of extra GMs.

        Args:
            benchmark: The benchmark; all of its GMs determine the range of the normalised values
                and the number of classes, as in evaluation.
            gms: Names of the training GMs.
            extra: GMs to train on in addition; their values may lie outside [0, 1].

        Raises:
            UnknownNameError: The benchmark has no GM of that name.
            BenchmarkError: There is no GM, or a GM is given twice.
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
        """Returns the paper's random ground truth (section 4.2): labels that carry no meaning.

        Each of the 25 columns is permuted over the GMs independently, which preserves its
        distribution. No GM keeps its own entry (with one GM there is nothing to shuffle), but the
        entry it receives may happen to be of the same class. Forbidding that as well would flip
        most entries of a yes-or-no column, and labels that are wrong on purpose still reveal the
        right ones.

        Args:
            seed: Seed of the permutations.
        """
        generator = np.random.default_rng(seed)
        continuous, discrete = self.continuous.copy(), self.discrete.copy()
        columns: tuple[NDArray[np.float32] | NDArray[np.int64], ...] = (*continuous.T, *discrete.T)
        for column in columns:
            # One cycle through all GMs in random order: a permutation without fixed points.
            order = generator.permutation(len(self))
            column[order] = column[np.roll(order, 1)]
        return replace(self, continuous=continuous, discrete=discrete)

    def class_weights(self) -> NDArray[np.float32]:
        """Returns w_m^i = N / N_m^i of equation 11, class after class, head after head.

        N and N_m^i count GMs: in the paper every GM contributes equally many images. A class that
        no training GM has gets weight 0; there is no example to be weighted.

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
        """Returns the one-hot classes, float32 of shape (G, sum of `n_classes`)."""
        columns = zip(self.discrete.T, self.n_classes, strict=True)
        return np.hstack([np.eye(n, dtype=np.float32)[column] for column, n in columns])

    def vectors(self) -> NDArray[np.float64]:
        """Returns the vectors that are clustered, y^nl of equation 6, shape (G, 9 + classes).

        They hold the normalised continuous labels, then the one-hot classes: classes have no order,
        so averaging their indices would be meaningless. Ones are scaled to the square root of 1/2,
        so that two GMs of different classes have a squared distance of 1, as for a yes and a no
        encoded as 1 and 0.
        """
        return np.hstack([self.continuous, self.one_hot() * np.sqrt(0.5)]).astype(np.float64)
