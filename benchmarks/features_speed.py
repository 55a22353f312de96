"""How fast the features of `spectral` are computed and reloaded, compared with the plain way.

    python benchmarks/features_speed.py                 # mini116, which comes with the package
    python benchmarks/features_speed.py --data DATASET  # a folder of `gmbench data build`

The job: the features of all images of a dataset, from its shards. The plain way decodes one image
after another and computes its features straightforwardly with numpy and scipy; the tests check
gmbench's features against it. gmbench processes images of the same size together: `one process` is
that alone, `cold cache` is what a baseline does the first time, on all cores, and `warm cache` is
what it does whenever it is run again. All ways are checked to give the same features. Every image
is in the system's cache. Times are wall-clock seconds, the best of some runs of each way in turn,
all in one run, so that other work on the machine affects all alike.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from gmbench.benchmark.benchmark import Benchmark, dataset_folder, load_benchmark
from gmbench.data.features import shard_path
from gmbench.data.rgb import Pixels, decode_rgb
from gmbench.training.feature_table import Features, feature_rows, read_features
from tests.training.plain_features import plain_features


def images_of(benchmark: Benchmark, folder: Path) -> Iterator[Pixels]:
    """Yields the decoded images of a dataset."""
    for name, n_images in zip(benchmark.index, benchmark.n_images, strict=True):
        if n_images:
            column = pq.read_table(folder / shard_path(benchmark, name), columns=["image"])
            for image in column.column("image").to_pylist():
                yield decode_rgb(image["bytes"])


def read_cached(benchmark: Benchmark, folder: Path, home: str) -> Features:
    """Returns the features as a baseline reads them, with a cache in `home`."""
    os.environ["GMBENCH_HOME"] = home
    return read_features(benchmark, folder, features="spectral_size_colour").features


def measure(work: Callable[[], Features]) -> tuple[float, Features]:
    """Returns the seconds of one run, and its result."""
    started = time.perf_counter()
    made = work()
    return time.perf_counter() - started, made


def main() -> None:
    """Measures each way in turn and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="mini116", help="mini116, or a dataset's folder")
    parser.add_argument("--runs", type=int, default=3, help="runs of each way")
    arguments = parser.parse_args()
    folder = dataset_folder(arguments.data)
    if folder is None:
        parser.error(f"{arguments.data} has labels alone: give a dataset's folder.")
    known = load_benchmark(arguments.data)
    seconds: dict[str, float] = {}
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory() as home:
            ways: dict[str, Callable[[], Features]] = {
                "plain, an image at a time": lambda: np.array(
                    [plain_features(pixels) for pixels in images_of(known, folder)], np.float32
                ),
                "gmbench, one process": lambda: np.concatenate(
                    list(feature_rows(images_of(known, folder)))
                ),
                "gmbench, cold cache": lambda: read_cached(known, folder, home),
                "gmbench, warm cache": lambda: read_cached(known, folder, home),
            }
            made = []
            for name, work in ways.items():
                taken, found = measure(work)
                seconds[name] = min(taken, seconds.get(name, taken))
                made.append(found)
        if not all(np.allclose(made[0], found, rtol=1e-5, atol=1e-5) for found in made):
            sys.exit("the ways differ in what they make")
    print(f"{len(made[0]):,} images; {platform.machine()}, {os.cpu_count()} cores\n")
    print(f"{'':28} {'seconds':>8} {'images/s':>10} {'times faster':>13}")
    plain = next(iter(seconds.values()))
    for name, taken in seconds.items():
        rate, times = len(made[0]) / taken, plain / taken
        print(f"{name:28} {taken:8.2f} {rate:10,.0f} {times:13.1f}")


if __name__ == "__main__":
    main()
