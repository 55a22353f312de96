"""The hand-made features of a dataset's images, as a table for trees to learn from.

They lie in `CACHE/features/`, as `gmbench.training.shard_cache` keeps them. All features of an
image are made at once; a baseline takes as many of them, from the first on, as it knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.extra import ExtraGMs
from gmbench.data.loading import cache_folder
from gmbench.data.rgb import Pixels, rgb_pixels
from gmbench.progress import Progress
from gmbench.training.shard_cache import Taken, cached_shards
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


def read_features(
    benchmark: Benchmark,
    folder: Path,
    extra: Sequence[ExtraGMs] = (),
    features: str = "spectral",
    progress: Progress | None = None,
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

    Raises:
        GmbenchError: What `gmbench.training.shard_cache.cached_shards` raises.
    """
    taken = Taken(
        folder=cache_folder() / "features",
        facts={"features": VERSION},
        shape=(N_FEATURES,),
        dtype="<f4",
        pixels=rgb_pixels,
        rows=feature_rows,
        counted="features",
    )
    gms = [*benchmark.gms, *(gm for one in extra for gm in one.gms)]
    row_of = {gm.name: row for row, gm in enumerate(gms)}
    own = [name for name, n in zip(benchmark.index, benchmark.n_images, strict=True) if n]
    shards = cached_shards(folder, taken, gms=own, progress=progress)
    for one in extra:
        names = [gm.name for gm in one.gms]
        shards |= cached_shards(one.folder, taken, gms=names, progress=progress)
    parts = [shard.mapped()[:, : FEATURES[features]] for shard in shards.values()]
    return FeatureTable(
        features=np.concatenate(parts),
        gms=np.repeat([row_of[name] for name in shards], [len(part) for part in parts]),
        labels=np.array([gm.values for gm in gms]),
    )


def feature_rows(images: Iterator[Pixels]) -> Iterator[Features]:
    """Yields all features of images, in their order, those of one size together.

    Args:
        images: RGB pixels, each of shape (height, width, 3).

    Yields:
        Features of the next images, shape (images, `N_FEATURES`).
    """
    for (height, width, _), alike in groupby(images, np.shape):
        at_once = max(1, _MOST_PIXELS // (height * width))
        while some := list(islice(alike, at_once)):
            yield features_of(np.stack(some)).astype("<f4")
