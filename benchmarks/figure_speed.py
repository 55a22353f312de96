"""How long `gmbench figure` takes for existing results, compared with matplotlib alone.

    python benchmarks/figure_speed.py

Each figure is made from the committed predictions of mini116 in a separate process, as from a
shell. Reported are its processor seconds from start to file, and how many times as long that is as
a process that imports matplotlib and saves an empty figure of a page's width. A busy machine
increases the seconds, but hardly the ratio. Figures 10 and 11 show a checkpoint, whose fingerprints
are not an existing result: for these, the time to draw made-up fingerprints is reported.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gmbench import figures
from gmbench.benchmark.benchmark import load_benchmark

ROOT = Path(__file__).resolve().parents[1]
SUBMISSIONS = ROOT / "leaderboard" / "submissions"
METHODS = ("random_gt", "no_fingerprint", "one_parser", "full")

EMPTY = """
from matplotlib.figure import Figure
Figure(figsize=(7.16, 3.0)).savefig("empty.png", dpi=300)
"""


def seconds_of(arguments: list[str], folder: Path) -> float:
    """Returns the processor time of a Python process and of all processes that it started."""
    # One thread: time that a second core takes over is not saved.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments], cwd=folder, check=True, capture_output=True, env=environment
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def drawing() -> dict[str, float]:
    """Returns the processor time of Figures 10 and 11 of all GMs, each 25 images of four views."""
    benchmark = load_benchmark("mini116")
    generator = np.random.default_rng(0)
    made = {
        gm: generator.normal(size=(25, 4, 3, 32, 32)).astype(np.float32) for gm in benchmark.index
    }
    draws: dict[str, Callable[[], Figure]] = {
        "10": lambda: figures.fingerprint_spectra(made),
        "11": lambda: figures.fingerprint_similarity(benchmark, made),
    }
    taken = {}
    with tempfile.TemporaryDirectory() as place:
        for number, draw in draws.items():
            start = time.process_time()
            figures.save_figure(draw(), Path(place) / "figure.png")
            taken[number] = time.process_time() - start
    return taken


def main() -> None:
    """Prints processor seconds and ratios."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = []
        for name in METHODS:
            files.append(f"{name}.parquet")
            (folder / files[-1]).symlink_to(SUBMISSIONS / f"mini116_{name}" / "predictions.parquet")
        seconds_of(["-m", "gmbench", "attack", "full.parquet", "-o", "attack.json"], folder)
        empty = min(seconds_of(["-c", EMPTY], folder) for _ in range(3))
        given = {
            "3": ["--data", "mini116"],
            "6": files,
            "7": files,
            "8": ["full.parquet"],
            "9": ["no_fingerprint.parquet", "full.parquet"],
            "12": ["attack.json"],
        }
        taken = {}
        for number, arguments in given.items():
            command = ["-m", "gmbench", "figure", number, *arguments, "--overwrite"]
            taken[number] = min(seconds_of(command, folder) for _ in range(3))
    print(f"an empty figure by matplotlib: {empty:.2f} s of processor")
    for number, seconds in taken.items():
        print(f"figure {number:>2}: {seconds:.2f} s, {seconds / empty:.1f} times the empty one")
    for number, seconds in drawing().items():
        print(f"figure {number:>2}: {seconds:.2f} s to draw fingerprints that are there")


if __name__ == "__main__":
    main()
