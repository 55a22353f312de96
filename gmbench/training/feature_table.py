"""The hand-made features of a dataset's images, as a table for trees to learn from.

They lie in `CACHE/features/`, as `gmbench.training.shard_cache` keeps them. All features of an
image are made at once; a baseline takes as many of them, from the first on, as it knows. Those of
`residual_features` are kept apart, and made where they are asked for.
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
"""Features of images, shape (images, features); trees compare no finer than that."""

FEATURES: Mapping[str, int] = {"spectral": N_SPECTRAL, "spectral_size_colour": N_FEATURES}
"""How many features each baseline of trees takes of an image."""

_MOST_PIXELS = 2**17
"""Pixels of the images that are looked at together: few enough for a processor's own memory."""


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
        """Weight of each image, shape (images,): those of a GM make 1 together."""
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

    They are made where they are not in the cache; a script that calls this needs
    `if __name__ == "__main__":`, as processes are started for it.

    Args:
        benchmark: The benchmark of the folder, or one of its GMs with other sets.
        folder: The dataset folder.
        extra: GMs to train on beside those of the benchmark.
        features: A key of `FEATURES`.
        progress: Told of how many images they are made.
        residuals: Whether those of `residual_features` come behind them.
        change: What is done to each image before; nothing when None.

    Raises:
        GmbenchError: What `gmbench.training.shard_cache.cached_shards` raises.
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
    """Returns how many images `read_features` would make features of, residual ones too.

    Args:
        benchmark: The benchmark of the folder.
        folder: The dataset folder.
        extra: GMs to train on beside those of the benchmark.
        change: What is done to each image before.

    Raises:
        GmbenchError: A folder is no dataset, or lacks images of a GM.
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
    # All of building datasets comes with it, and who only makes features does without.
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
    """Yields the features of `spectral_features` of images, in their order.

    Args:
        images: RGB pixels, each of shape (height, width, 3).

    Yields:
        Features of the next images, those of one size together, shape (images, `N_FEATURES`).
    """
    for alike in _of_one_size(images):
        yield features_of(alike).astype("<f4")


def residual_rows(images: Iterator[Pixels]) -> Iterator[Features]:
    """Yields those of `residual_features`, as `feature_rows` does."""
    for alike in _of_one_size(images):
        yield residual_features.residual_features_of(alike).astype("<f4")


def _of_one_size(images: Iterator[Pixels]) -> Iterator[Pixels]:
    for (height, width, _), alike in groupby(images, np.shape):
        at_once = max(1, _MOST_PIXELS // (height * width))
        while some := list(islice(alike, at_once)):
            yield np.stack(some)
