"""Test sets of simulated methods, whose expected scores are known from drawing very many.

The population of GMs consists of red116's label rows. A set is drawn kind by kind, as the
benchmark's sets are. A simulated method has, for each GM, its own skill and bias, which all images
of that GM share, and noise for each image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.evaluation.labels_alone import floor_errors
from gmbench.evaluation.metrics import METRICS, Metric
from gmbench.evaluation.set_table import Predicted, SetTable, Truth
from gmbench.evaluation.statistics import Array, GMSums, layout
from gmbench.schema import N_CONTINUOUS, N_DISCRETE

TWELVE = {"GAN": 6, "VAE": 2, "AR": 2, "AA": 1, "NF": 1}
"""Kinds of the 12 GMs of a set of red116."""

JUDGED: tuple[Metric, ...] = tuple(
    metric for metric in METRICS if metric.value is not None and metric.name != "l1_std_images"
)

Skills = Literal["uneven", "even", "all or nothing"]
"""How a method's skill varies between GMs: widely, not at all, or between all and none."""


class World:
    """Draws sets of GMs, and simulated methods' predictions for their images."""

    def __init__(self, benchmark: Benchmark, n_images: int, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.counts = benchmark.normalise(benchmark.labels[:, :N_CONTINUOUS])
        self.classes = benchmark.labels[:, N_CONTINUOUS:].astype(np.int64)
        self.kinds = np.array([gm.kind for gm in benchmark.gms])
        self.columns = layout(benchmark)
        self.n_images = n_images
        labels = self.counts, self.classes[:, N_DISCRETE:]
        self.floor = floor_errors(labels, labels)
        self.frequencies = [
            np.bincount(column, minlength=place.stop - place.start) / len(column)
            for column, place in zip(self.classes.T, self.columns.heads, strict=True)
        ]

    @property
    def all_kinds(self) -> dict[str, int]:
        """Number of GMs of each kind among all 116."""
        kinds, sizes = np.unique(self.kinds, return_counts=True)
        return dict(zip(kinds.tolist(), sizes.tolist(), strict=True))

    def draw_gms(self, sizes: Mapping[str, int]) -> Array:
        """Draws the given numbers of GMs of each kind with replacement, as rows of the labels."""
        return np.concatenate(
            [
                self.generator.choice(np.flatnonzero(self.kinds == kind), size)
                for kind, size in sizes.items()
            ]
        )

    def predict(self, name: str, gms: Array, skills: Skills = "uneven") -> SetTable:
        """Returns a method's predictions for a set's GMs."""
        images = [self._images(gm, skills) for gm in gms.tolist()]
        predicted = Predicted(*(np.concatenate(one) for one in zip(*images, strict=True)))
        kinds = tuple(self.kinds[gms].tolist())
        return SetTable.of(
            name,
            [f"GM_{number}" for number in range(len(gms))],
            Truth(
                self.counts[gms],
                self.classes[gms],
                self.floor[gms],
                kinds,
                np.ones_like(self.counts[gms]),
            ),
            np.repeat(np.arange(len(gms)), self.n_images),
            predicted,
            self.columns,
        )

    def _images(self, gm: int, skills: Skills) -> tuple[Array, NDArray[np.int64], Array]:
        """Returns the counts, classes and loss scores of one GM's images."""
        generator, n = self.generator, self.n_images
        skill = {
            "uneven": generator.beta(2, 2),
            "even": 0.5,
            "all or nothing": float(generator.random() < 0.5),
        }[skills]
        bias = generator.normal(0, 0.08, N_CONTINUOUS) if skills == "uneven" else 0.0
        noise = generator.normal(0, 0.05, (n, N_CONTINUOUS)) if skills == "uneven" else 0.0
        blend = skill * self.counts[gm] + (1 - skill) * self.counts.mean(axis=0)
        blurred: Array = np.asarray(blend + bias + noise, dtype=np.float64)
        counts = np.clip(np.broadcast_to(blurred, (n, N_CONTINUOUS)), 0, 1)
        chosen = np.empty((n, len(self.frequencies)), dtype=np.int64)
        for head, frequency in enumerate(self.frequencies):
            guess = self.classes[gm, head]
            if generator.random() > skill:
                guess = generator.choice(len(frequency), p=frequency)
            other = generator.choice(len(frequency), size=n, p=frequency)
            chosen[:, head] = np.where(generator.random(n) < 0.8, guess, other)
        yes = chosen[:, N_DISCRETE:] == 1
        scores = np.where(yes, 0.5, 0.0) + 0.499 * generator.random(yes.shape)
        return counts, chosen[:, :N_DISCRETE], scores


def values_of(sums: GMSums) -> dict[str, Array]:
    """Returns every judged metric."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return {m.name: np.asarray(m.value(sums)) for m in JUDGED if m.value is not None}
