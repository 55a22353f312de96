"""How often do the 95% intervals cover the truth? A simulation, for docs/statistics.md.

A population of GMs is made of red116's label rows. A simulated method has, for each GM drawn
from it, a skill and a bias of its own, which all images of that GM share, and noise of each
image. A world is four sets of 12 GMs; its intervals are made by the evaluator's own functions.
An interval is right when it holds the score expected of such a set: the mean over very many
sets. Beside it stands the naive interval, a percentile bootstrap that treats the images as
independent.

    python benchmarks/coverage.py --worlds 1000
"""

from __future__ import annotations

import argparse

import numpy as np

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.evaluation.intervals import bootstrap, interval, resample, resampled_images
from gmbench.evaluation.metrics import METRICS, Metric
from gmbench.evaluation.set_table import SetTable, image_terms
from gmbench.evaluation.statistics import Array, GMSums, layout
from gmbench.schema import N_CONTINUOUS

N_GMS, N_SETS = 12, 4
JUDGED: tuple[Metric, ...] = tuple(
    metric for metric in METRICS if metric.value is not None and metric.name != "l1_std_images"
)


class World:
    """Draws sets of GMs and the simulated method's predictions of their images."""

    def __init__(self, benchmark: Benchmark, n_images: int, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.truth = benchmark.normalise(benchmark.labels[:, :N_CONTINUOUS])
        self.classes = benchmark.labels[:, N_CONTINUOUS:].astype(np.int64)
        self.columns = layout(benchmark)
        self.n_images = n_images
        self.frequencies = [
            np.bincount(column, minlength=place.stop - place.start) / len(column)
            for column, place in zip(self.classes.T, self.columns.heads, strict=True)
        ]

    def draw_set(self, name: str, n_gms: int = N_GMS) -> SetTable:
        """Draws a test set: GMs with replacement, each with predictions of its images."""
        gms = self.generator.integers(0, len(self.truth), n_gms)
        return SetTable(
            name=name,
            gms=tuple(f"GM_{number}" for number in range(n_gms)),
            truth=self.truth[gms],
            classes=self.classes[gms],
            rows=tuple(self._predict(gm) for gm in gms.tolist()),
            columns=self.columns,
        )

    def _predict(self, gm: int) -> Array:
        """Returns the terms of one GM's images, shape (images, width)."""
        generator, columns, n = self.generator, self.columns, self.n_images
        skill = generator.beta(2, 2)
        bias = generator.normal(0, 0.08, N_CONTINUOUS)
        noise = generator.normal(0, 0.05, (n, N_CONTINUOUS))
        blend = skill * self.truth[gm] + (1 - skill) * self.truth.mean(axis=0)
        predicted = np.clip(blend + bias + noise, 0, 1)
        chosen = np.empty((n, len(columns.heads)), dtype=np.int64)
        for head, frequency in enumerate(self.frequencies):
            guess = self.classes[gm, head]
            if generator.random() > skill:
                guess = generator.choice(len(frequency), p=frequency)
            other = generator.choice(len(frequency), size=n, p=frequency)
            chosen[:, head] = np.where(generator.random(n) < 0.8, guess, other)
        return image_terms(predicted, chosen, self.truth[gm], columns)


def naive_replicates(table: SetTable, replicates: int, generator: np.random.Generator) -> GMSums:
    """Resamples all images of a set as if they were independent."""
    sizes = [len(rows) for rows in table.rows]
    total = sum(sizes)
    weights = generator.multinomial(total, np.full(total, 1 / total), size=replicates)
    pieces = np.split(weights.astype(np.float64), np.cumsum(sizes)[:-1], axis=1)
    sums = [piece @ rows for piece, rows in zip(pieces, table.rows, strict=True)]
    return GMSums(
        totals=np.stack(sums, axis=1),
        counts=np.stack([piece.sum(axis=1) for piece in pieces], axis=1),
        truth=table.truth,
        classes=table.classes,
        columns=table.columns,
    )


def values_of(sums: GMSums) -> dict[str, Array]:
    """Returns every judged metric."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return {m.name: np.asarray(m.value(sums)) for m in JUDGED if m.value is not None}


def main() -> None:
    """Simulates and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--expected-from", type=int, default=4000, help="sets behind the truth")
    arguments = parser.parse_args()
    world = World(load_benchmark("red116"), arguments.images, seed=0)

    scores = [values_of(world.draw_set("x").sums) for _ in range(arguments.expected_from)]
    expected = {m.name: float(np.nanmean([score[m.name] for score in scores])) for m in JUDGED}

    hits = {m.name: np.zeros(3) for m in JUDGED}
    widths = {m.name: np.zeros(3) for m in JUDGED}
    generator = np.random.default_rng(1)
    for number in range(arguments.worlds):
        tables = [world.draw_set(f"set_{k + 1}") for k in range(N_SETS)]
        samples = []
        for table in tables:
            images = resampled_images(table, replicates=arguments.replicates, seed=number)
            samples.append(bootstrap(table, images))
        naive = values_of(naive_replicates(tables[0], arguments.replicates, generator))
        for metric in JUDGED:
            name = metric.name
            if metric.value is None:
                continue
            pairs = zip(tables, samples, strict=True)
            parts = [resample(metric.value, table, sample) for table, sample in pairs]
            ends = (
                interval(parts[:1], metric.bounds),
                interval(parts, metric.bounds),
                np.nanquantile(naive[name], [0.025, 0.975]),
            )
            for column, pair in enumerate(ends):
                if pair is not None:
                    hits[name][column] += pair[0] <= expected[name] <= pair[1]
                    widths[name][column] += pair[1] - pair[0]
    print("| metric | expected | one set of 12 GMs | mean of four sets | naive, per image |")
    print("|---|---|---|---|---|")
    for metric in JUDGED:
        cells = [
            f"{100 * hit / arguments.worlds:.1f}% ({width / arguments.worlds:.3f})"
            for hit, width in zip(hits[metric.name], widths[metric.name], strict=True)
        ]
        print(f"| {metric.name} | {expected[metric.name]:.4f} | {' | '.join(cells)} |")
    print(
        f"\nCoverage of nominal 95% intervals and, in brackets, their mean width; "
        f"{arguments.worlds} worlds,\n{arguments.images} images a GM, {arguments.replicates} "
        "replicates, seed 0."
    )


if __name__ == "__main__":
    main()
