"""The images that the benchmarks of the parser learn from."""

from __future__ import annotations

import argparse
from pathlib import Path

from gmbench.benchmark.benchmark import Benchmark, read_benchmark
from gmbench.benchmark.extra import read_extra
from gmbench.parsing.files import image_files
from gmbench.parsing.fitting import KnownImages, read_known_images
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.surety import Surety, Unseen
from gmbench.parsing.train import COPIES
from gmbench.training.parsed import LabelSpace


def options(about: str) -> argparse.ArgumentParser:
    """Returns the options that name them, as `gmbench train known_gms` has them.

    Args:
        about: What a script says of itself; its first line is shown.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--extra", type=Path, nargs="*", default=[])
    parser.add_argument("--real", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", "-o", type=Path, required=True)
    return parser


def read(named: argparse.Namespace) -> tuple[Benchmark, KnownImages]:
    """Returns the benchmark of `--data`, and all images with their changed copies.

    Args:
        named: What the options were given.
    """
    benchmark = read_benchmark(named.data)
    extra, files = read_extra(benchmark, named.extra), image_files(named.real)
    return benchmark, read_known_images(
        benchmark, named.data, extra, files, copies=COPIES, seed=named.seed
    )


def reader(images: KnownImages, benchmark: Benchmark, unseen: Unseen) -> KnownGMs:
    """Returns what reads labels off shares, and cannot look at images.

    Args:
        images: What parsers are trained on.
        benchmark: The benchmark of the dataset.
        unseen: What was said of some of them while they were unseen: teaches it how much to doubt.
    """
    return KnownGMs(
        names=images.speaks_for,
        values=images.values,
        labels=LabelSpace.of(benchmark),
        relatives=None,  # type: ignore[arg-type]
        distances=None,  # type: ignore[arg-type]
        surety=Surety.learn(unseen, images.values, images.stated),
        real_from=1.0,
        trained_on={},
    )
