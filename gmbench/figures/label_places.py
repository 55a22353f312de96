"""Where t-SNE puts the labels of the GMs: kept for the benchmarks with a name, else computed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.catalog import TABLES
from gmbench.models.targets import TrainingTargets
from gmbench.schema import N_LOSSES

Places = NDArray[np.float64]
"""Two coordinates of each GM, shape (GMs, 2)."""

PARTS: tuple[str, ...] = ("architecture", "losses", "both")
"""What of a label is looked at."""

STORED = TABLES / "label_places.csv"
"""What `python docs/label_places.py` wrote: computing takes seconds, and so does scikit-learn."""

COLUMNS: tuple[str, ...] = tuple(f"{part}_{axis}" for part in PARTS for axis in "xy")

_PERPLEXITY = 20.0


def label_places(benchmark: Benchmark, seed: int = 0) -> Mapping[str, Places]:
    """Returns where t-SNE puts the GMs, for each of `PARTS`.

    Args:
        benchmark: Whose labels; four GMs at least.
        seed: Seed of t-SNE; with 0 the places of a benchmark with a name are read.
    """
    kept = _stored(STORED).get(benchmark.labels_sha256) if seed == 0 else None
    if kept is None:
        return computed_places(benchmark, seed)
    return {part: kept[:, 2 * n : 2 * n + 2] for n, part in enumerate(PARTS)}


def computed_places(benchmark: Benchmark, seed: int) -> Mapping[str, Places]:
    """Returns the same, always computed.

    Counts are normalised and classes are ones among zeros, as where GMs are clustered (equation 6).
    """
    from sklearn.manifold import TSNE

    vectors = TrainingTargets.of(benchmark, benchmark.index).vectors()
    # The last two columns of each loss, no and yes, are those of the losses.
    n_of_losses = 2 * N_LOSSES
    looked_at = (vectors[:, :-n_of_losses], vectors[:, -n_of_losses:], vectors)
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    made = {}
    for part, of in zip(PARTS, looked_at, strict=True):
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
        made[part] = np.asarray(tsne.fit_transform(of), dtype=np.float64)
    return made


@cache
def _stored(path: Path) -> Mapping[str, Places]:
    """Returns the places that are kept, shape (GMs, 6), by the hash of the labels."""
    rows: dict[str, list[list[float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            places = [float(row[column]) for column in COLUMNS]
            rows.setdefault(row["labels_sha256"], []).append(places)
    return {labels: np.array(of) for labels, of in rows.items()}
