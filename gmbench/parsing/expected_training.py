"""Expected duration of training the parser of known GMs, from some images and from counts."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from threadpoolctl import threadpool_limits

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.extra import ExtraGMs
from gmbench.data.features import shard_path
from gmbench.data.image_streams import images_of_files, images_of_shard
from gmbench.data.parallel import all_cores
from gmbench.data.real_images import REAL
from gmbench.data.streamed_image import StreamedImage
from gmbench.errors import GmbenchError
from gmbench.parsing.looking import decoded
from gmbench.training.changed_images import Change
from gmbench.training.feature_table import (
    feature_rows,
    images_without_features,
    residual_rows,
)
from gmbench.training.relatives import IMAGES

_GMS, _IMAGES = 3, 16
"""Number of GMs, and of images of each, that are timed: half a second's work."""

_FILES = 4
"""Number of further real images that are timed; they may be large."""

_SIDE = 32
"""Side of the synthetic images that measure how fast this machine is now."""

_SECONDS_THEN = 0.001
"""Seconds that one of these took on a core of the machine that measured the following."""

_BEGUN, _GROWN, _LEARNT, _SAID, _COMPARED = 3.0, 6e-4, 2.5e-4, 2.1e-3, 2e-6
"""Seconds of that core, over all folds: to start; to grow trees, per image learnt from times the
depth of a tree of them, shared by all cores; to learn everything else, per the same unit but not
shared; to predict, per image and copy; and to compare, per image and GM. Fitted to trainings on 40,
80 and 123 GMs of mini116, with 16 and 48 images each and with none and two copies."""


def expected_training(
    benchmark: Benchmark,
    folder: Path,
    extra: Sequence[ExtraGMs],
    real_files: Sequence[Path],
    copies: int,
    seed: int,
) -> float | None:
    """Returns roughly how long `train_known_gms` will take.

    Features that already exist are not computed again, and not counted.

    Args:
        benchmark: The benchmark of the dataset.
        folder: The dataset folder.
        extra: GMs of other datasets.
        real_files: Further real images.
        copies: Number of changed copies of each image.
        seed: Seed of the changes.

    Returns:
        Seconds, or None if images cannot be read: the training says what is wrong.
    """
    ways = [None, *(Change(number, seed) for number in range(copies))]
    try:
        with threadpool_limits(1):
            now = _pace(_made_up, None) / _SECONDS_THEN
            seconds = _of_features(benchmark, folder, extra, real_files, ways)
        n_real = _n_real(folder, extra) + len(real_files)
    except (GmbenchError, OSError, pa.ArrowException, ValueError):
        return None
    counts = [n for n in benchmark.n_images if n]
    for one in extra:
        counts += [one.dataset.n_images[one.dataset.index[gm.name]] for gm in one.gms]
    n_images = sum(counts) + n_real
    learnt = len(ways) * (sum(min(n, IMAGES) for n in counts) + min(n_real, IMAGES))
    return seconds + now * (
        _BEGUN
        + learnt * math.log2(1 + learnt) * (_GROWN / all_cores() + _LEARNT)
        + n_images * (len(ways) * _SAID + _COMPARED * len(counts))
    )


def _of_features(
    benchmark: Benchmark,
    folder: Path,
    extra: Sequence[ExtraGMs],
    real_files: Sequence[Path],
    ways: Sequence[Change | None],
) -> float:
    """Returns the seconds that features take: for GMs on all cores, for real images on one."""
    own = [name for name, n in zip(benchmark.index, benchmark.n_images, strict=True) if n]
    chosen = [own[row] for row in np.linspace(0, len(own) - 1, _GMS).astype(int)]
    n_real = _n_real(folder, extra)
    seconds = 0.0
    for way in ways[:2]:
        # All copies take the same time: how an image is changed is drawn for each.
        paths = [str(folder / shard_path(benchmark, name)) for name in chosen]
        paces = [_pace(partial(images_of_shard, path), way) for path in paths]
        alike = [one for one in ways if (one is None) == (way is None)]
        lacking = [images_without_features(benchmark, folder, extra, one) for one in alike]
        pace = float(np.mean(paces))
        seconds += pace * (sum(lacking) / all_cores() + len(alike) * n_real)
        if real_files:
            some = list(map(str, real_files[:_FILES]))
            seconds += _pace(partial(images_of_files, some), way) * len(alike) * len(real_files)
    return seconds


def _n_real(folder: Path, extra: Sequence[ExtraGMs]) -> int:
    """Returns the number of real images in the datasets."""
    places = [folder, *(one.folder for one in extra)]
    paths = [path for place in places for path in (place / REAL).glob("*.parquet")]
    return sum(pq.read_metadata(path).num_rows for path in paths)


def _made_up() -> Iterator[StreamedImage]:
    """Yields images of noise, always the same ones."""
    generator = np.random.default_rng(0)
    for number in range(_IMAGES):
        file = io.BytesIO()
        Image.fromarray(generator.integers(0, 256, (_SIDE, _SIDE, 3), np.uint8)).save(file, "PNG")
        yield StreamedImage(str(number), file.getvalue())


def _pace(images: Callable[[], Iterator[StreamedImage]], way: Change | None) -> float:
    """Returns the seconds that the features of an image take, with decoding and changing it."""
    for _ in range(2):  # One-time work is not part of the pace.
        first = list(islice(images(), _IMAGES))
        started = time.perf_counter()
        pixels = [found for _, found, _ in map(decoded, first) if found is not None]
        if way:
            pixels = [way(Image.fromarray(one), str(n)) for n, one in enumerate(pixels)]
        for rows in (feature_rows, residual_rows):
            list(rows(iter(pixels)))
        seconds = time.perf_counter() - started
    return seconds / max(1, len(first))
