"""The hand-crafted features of a dataset's images, as a table for trees to learn from.

They are kept in `CACHE/features/` by `gmbench.training.shard_cache`. All features of an image are
computed at once; each baseline uses the first of them, as many as `FEATURES` says. Those of
`residual_features` are kept separately, and computed on request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.extra import ExtraGMs
from gmbench.data.rgb import Pixels, rgb_pixels
from gmbench.progress import Progress
from gmbench.training import residual_features
from gmbench.training.changed_images import Change
from gmbench.training.shard_cache import Taken, cached_shards, n_lacking
from gmbench.training.spectral_features import N_FEATURES, N_SPECTRAL, VERSION, features_of

Features = NDArray[np.float32]
"""Features of images, shape (images, features), in the precision in which trees compare."""

FEATURES: Mapping[str, int] = {"spectral": N_SPECTRAL, "spectral_size_colour": N_FEATURES}
"""Number of features of an image that each baseline of trees uses."""

_MOST_PIXELS = 2**17
"""Pixels of the images that are processed together: few enough for a processor's cache."""


@dataclass(frozen=True)
class FeatureTable:
    """The features of images, and the labels of their GMs.

    Attributes:
        features: Shape (images, features).
        gms: Row of each image's GM in the labels, shape (images,).
        labels: Label values, shape (GMs, 25): first the benchmark's GMs, then extra ones.
    """

    features: Features
    gms: NDArray[np.int64]
    labels: NDArray[np.float64]

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weight of each image, shape (images,); the weights of a GM's images sum to 1."""
        return np.asarray(1.0 / np.bincount(self.gms)[self.gms])


def read_features(
    benchmark: Benchmark,
    folder: Path,
    extra: Sequence[ExtraGMs] = (),
    features: str = "spectral",
    progress: Progress | None = None,
    residuals: bool = False,
    change: Change | None = None,
) -> FeatureTable:
    """Returns the features of a dataset's images, and of extra ones, GM by GM.

    Features that are not in the cache are computed; a script that calls this needs
    `if __name__ == "__main__":`, as processes are started for it.

    Args:
        benchmark: The benchmark of the folder, or one of its GMs with other sets.
        folder: The dataset folder.
        extra: GMs to train on in addition to those of the benchmark.
        features: A key of `FEATURES`.
        progress: Progress callback, with the number of images done.
        residuals: Whether to append those of `residual_features`.
        change: How to change each image beforehand; not at all when None.

    Raises:
        GmbenchError: As raised by `gmbench.training.shard_cache.cached_shards`.
    """
    taken = [_spectral(change), *([_residual(change)] if residuals else [])]
    gms = [*benchmark.gms, *(gm for one in extra for gm in one.gms)]
    row_of = {gm.name: row for row, gm in enumerate(gms)}
    parts, rows = [], []
    for place, names in _folders(benchmark, folder, extra):
        made = [cached_shards(place, one, gms=names, progress=progress) for one in taken]
        for name, first in made[0].items():
            known = [first.mapped()[:, : FEATURES[features]]]
            parts.append(np.hstack([*known, *(more[name].mapped() for more in made[1:])]))
            rows.append(row_of[name])
    return FeatureTable(
        features=np.concatenate(parts),
        gms=np.repeat(rows, [len(part) for part in parts]),
        labels=benchmark.labels_of(gms),
    )


def images_without_features(
    benchmark: Benchmark,
    folder: Path,
    extra: Sequence[ExtraGMs] = (),
    change: Change | None = None,
) -> int:
    """Returns for how many images `read_features` would compute features, including residual ones.

    Args:
        benchmark: The benchmark of the folder.
        folder: The dataset folder.
        extra: GMs to train on in addition to those of the benchmark.
        change: How to change each image beforehand; not at all when None.

    Raises:
        GmbenchError: A folder is not a dataset, or lacks images of a GM.
    """
    return max(
        sum(n_lacking(place, one, names) for place, names in _folders(benchmark, folder, extra))
        for one in (_spectral(change), _residual(change))
    )


def _folders(
    benchmark: Benchmark, folder: Path, extra: Sequence[ExtraGMs]
) -> list[tuple[Path, list[str]]]:
    """Returns the dataset folders, each with the GMs whose images are read."""
    own = [name for name, n in zip(benchmark.index, benchmark.n_images, strict=True) if n]
    return [(folder, own), *((one.folder, [gm.name for gm in one.gms]) for one in extra)]


def _spectral(change: Change | None) -> Taken:
    return _taken({"features": VERSION}, N_FEATURES, feature_rows, change)


def _residual(change: Change | None) -> Taken:
    facts = {"residual features": residual_features.VERSION}
    return _taken(facts, residual_features.N_RESIDUAL, residual_rows, change)


def _taken(
    facts: Mapping[str, int],
    n: int,
    rows: Callable[[Iterator[Pixels]], Iterator[Features]],
    change: Change | None,
) -> Taken:
    # It imports all of dataset building, which is not needed to compute features.
    from gmbench.data.loading import cache_folder

    return Taken(
        folder=cache_folder() / "features",
        facts={**facts, "change": change.to_dict()} if change else facts,
        shape=(n,),
        dtype="<f4",
        pixels=change or rgb_pixels,
        rows=rows,
        counted="features",
    )


def feature_rows(images: Iterator[Pixels]) -> Iterator[Features]:
    """Yields the features of `spectral_features` for images, in order.

    Args:
        images: RGB pixels, each of shape (height, width, 3).

    Yields:
        Features of the next images, of one size, shape (images, `N_FEATURES`).
    """
    for alike in _of_one_size(images):
        yield features_of(alike).astype("<f4")


def residual_rows(images: Iterator[Pixels]) -> Iterator[Features]:
    """Yields the features of `residual_features`, as `feature_rows` does."""
    for alike in _of_one_size(images):
        yield residual_features.residual_features_of(alike).astype("<f4")


def _of_one_size(images: Iterator[Pixels]) -> Iterator[Pixels]:
    for (height, width, _), alike in groupby(images, np.shape):
        at_once = max(1, _MOST_PIXELS // (height * width))
        while some := list(islice(alike, at_once)):
            yield np.stack(some)
