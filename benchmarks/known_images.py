"""The images that `parser_robustness.py`, `parser_unseen.py` and `parser_copies.py` learn from."""

from __future__ import annotations

import argparse
from pathlib import Path

from gmbench.benchmark.benchmark import Benchmark, read_benchmark
from gmbench.benchmark.extra import read_extra
from gmbench.parsing.files import image_files
from gmbench.parsing.fitting import KnownImages, read_known_images
from gmbench.parsing.train import COPIES


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
