"""t-SNE coordinates of the labels of GMs: stored for named benchmarks, otherwise computed."""

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
"""Parts of a label that are embedded."""

STORED = TABLES / "label_places.csv"
"""Written by `python docs/label_places.py`; computing takes seconds, as does importing
scikit-learn."""

COLUMNS: tuple[str, ...] = tuple(f"{part}_{axis}" for part in PARTS for axis in "xy")

_PERPLEXITY = 20.0


def label_places(benchmark: Benchmark, seed: int = 0) -> Mapping[str, Places]:
    """Returns the t-SNE coordinates of the GMs, for each of `PARTS`.

    Args:
        benchmark: The benchmark, with at least four GMs.
        seed: Seed of t-SNE; with 0, the stored coordinates of a named benchmark are used.
    """
    kept = _stored(STORED).get(benchmark.labels_sha256) if seed == 0 else None
    if kept is None:
        return computed_places(benchmark, seed)
    return {part: kept[:, 2 * n : 2 * n + 2] for n, part in enumerate(PARTS)}


def computed_places(benchmark: Benchmark, seed: int) -> Mapping[str, Places]:
    """Returns the same as `label_places`, always computed.

    Counts are normalised and classes are one-hot, as in the clustering of GMs (equation 6).
    """
    from sklearn.manifold import TSNE

    vectors = TrainingTargets.of(benchmark, benchmark.index).vectors()
    # The losses are the last columns: two per loss, no and yes.
    n_of_losses = 2 * N_LOSSES
    looked_at = (vectors[:, :-n_of_losses], vectors[:, -n_of_losses:], vectors)
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    made = {}
    for part, of in zip(PARTS, looked_at, strict=True):
        if not np.ptp(of, axis=0).any():
            # All in one place: scikit-learn would divide by their spread and crash.
            made[part] = np.zeros((len(of), 2))
            continue
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
        made[part] = np.asarray(tsne.fit_transform(of), dtype=np.float64)
    return made


@cache
def _stored(path: Path) -> Mapping[str, Places]:
    """Returns the stored coordinates, shape (GMs, 6), by the hash of the labels."""
    rows: dict[str, list[list[float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            places = [float(row[column]) for column in COLUMNS]
            rows.setdefault(row["labels_sha256"], []).append(places)
    return {labels: np.array(of) for labels, of in rows.items()}
