"""The images on which the benchmarks of the parser train."""

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
    """Returns the options that name the images, the same as those of `gmbench train known_gms`.

    Args:
        about: Docstring of the script; its first line is shown.
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
        named: The parsed options.
    """
    benchmark = read_benchmark(named.data)
    extra, files = read_extra(benchmark, named.extra), image_files(named.real)
    return benchmark, read_known_images(
        benchmark, named.data, extra, files, copies=COPIES, seed=named.seed
    )


def reader(images: KnownImages, benchmark: Benchmark, unseen: Unseen) -> KnownGMs:
    """Returns a parser that reads labels off shares, and cannot look at images.

    Args:
        images: Images that parsers are trained on.
        benchmark: The benchmark of the dataset.
        unseen: What was said of some of them while they were unseen, from which it learns how much
            to doubt.
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
