"""The hand-made features of a dataset's images, as a table for trees to learn from."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark, read_benchmark
from gmbench.benchmark.extra import ExtraGMs
from gmbench.data.features import shard_path
from gmbench.data.parallel import all_cores, in_processes
from gmbench.data.rgb import Pixels, decode_rgb
from gmbench.errors import DatasetError, SourceError
from gmbench.training.spectral_features import features_of, features_with_size_and_colour

Array = NDArray[np.float64]

FeaturesOf = Callable[[Pixels], Array]
"""Takes the RGB pixels of an image, shape (height, width, 3), returns its features."""

FEATURES: Mapping[str, FeaturesOf] = {
    "spectral": features_of,
    "spectral_size_colour": features_with_size_and_colour,
}
"""What each baseline of trees takes of an image."""


@dataclass(frozen=True)
class FeatureTable:
    """The features of images, and the labels of their GMs.

    Attributes:
        features: Shape (images, features).
        gms: Row of each image's GM in the labels, shape (images,).
        labels: Label values, shape (GMs, 25): first the benchmark's GMs, then extra ones.
    """

    features: Array
    gms: NDArray[np.int64]
    labels: Array


def read_features(
    benchmark: Benchmark,
    folder: Path,
    extra: Sequence[ExtraGMs] = (),
    features: FeaturesOf = features_of,
) -> FeatureTable:
    """Reads the images of a dataset folder, and of extra ones, GM by GM.

    Args:
        benchmark: The benchmark of the folder, or one of its GMs with other sets.
        folder: The dataset folder.
        extra: GMs to train on beside those of the benchmark.
        features: What is taken of each image.
    """
    # Where a shard lies follows from the test sets that the folder was built with.
    built = read_benchmark(folder)
    gms, shards, rows = list(benchmark.gms), [], []
    for row, (gm, n_images) in enumerate(zip(gms, benchmark.n_images, strict=True)):
        if n_images:
            shards.append(folder / shard_path(built, gm.name))
            rows.append(row)
    for one in extra:
        shards += [one.folder / shard_path(one.dataset, gm.name) for gm in one.gms]
        rows += range(len(gms), len(gms) + len(one.gms))
        gms += one.gms
    read = partial(_shard_features, features)
    found = dict(in_processes(read, shards, all_cores(), lambda shard: shard.stem))
    parts = [found[shard] for shard in shards]
    return FeatureTable(
        features=np.concatenate(parts),
        gms=np.repeat(rows, [len(part) for part in parts]),
        labels=np.array([gm.values for gm in gms]),
    )


def _shard_features(features: FeaturesOf, shard: Path) -> Array:
    try:
        return np.array([features(decode_rgb(data, shard.stem)) for data in _images(shard)])
    except SourceError:
        raise
    except Exception as error:  # Decoders raise whatever damaged data leads them to.
        raise DatasetError(
            f"{shard} cannot be read ({error}). `gmbench data verify` says what else is wrong."
        ) from error


def _images(shard: Path) -> Iterator[bytes]:
    with pq.ParquetFile(io.BytesIO(shard.read_bytes())) as file:
        for batch in file.iter_batches(batch_size=100, columns=["image"]):
            yield from batch.column("image").field("bytes").to_pylist()
