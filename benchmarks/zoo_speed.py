"""How fast `gmbench zoo build` is: GMs per hour with one and with two jobs.

    python benchmarks/zoo_speed.py                     # 12 GMs of every kind, 48 images each
    python benchmarks/zoo_speed.py --gms 24 --jobs 1 2 4

Each row is a whole build from nothing, in processes of its own: population, training, gate, images,
dataset. Memory is the largest sum over all processes of the pages that each has for itself plus
its share of common ones (Linux alone). Retries count as time, not as GMs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """One build: wall time in seconds, largest memory in bytes, and its report."""

    seconds: float
    memory: int
    report: dict[str, Any]


def measure(n_gms: int, images_per_gm: int, size: int, jobs: int) -> Measurement:
    """Builds a zoo and measures it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "gmbench", "zoo", "build", "--gms", str(n_gms),
            "--images-per-gm", str(images_per_gm), "--size", str(size), "--jobs", str(jobs),
            "--out", f"{folder}/zoo", "--json",
        ]  # fmt: skip
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        largest = [0]
        watcher = threading.Thread(target=_watch, args=(process, largest))
        watcher.start()
        out, _ = process.communicate()
        watcher.join()
        seconds = time.perf_counter() - start
        if process.returncode:
            raise SystemExit(f"the build failed with exit code {process.returncode}")
    return Measurement(seconds, largest[0], json.loads(out))


def _watch(process: subprocess.Popen[bytes], largest: list[int]) -> None:
    while process.poll() is None:
        largest[0] = max(largest[0], _memory(os.getpgid(process.pid)))
        time.sleep(0.5)


def _memory(group: int) -> int:
    """Returns the memory of all processes of a group, in bytes; 0 where it cannot be told."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) != group:
                continue
            text = (folder / "smaps_rollup").read_text()
        except (OSError, ValueError):
            continue  # It ended while we looked.
        total += sum(int(x.split()[1]) for x in text.splitlines() if x.startswith("Pss:"))
    return total * 1024


def main() -> None:
    """Measures each number of jobs and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--gms", type=int, default=12)
    parser.add_argument("--images", type=int, default=48)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    print(f"{options.gms} GMs x {options.images} images of {options.size} px")
    heads = ("jobs", "minutes", "GMs/hour", "memory, GB", "retried", "failed")
    print("{:>4} {:>8} {:>9} {:>11} {:>8} {:>7}".format(*heads))
    for jobs in options.jobs:
        found = measure(options.gms, options.images, options.size, jobs)
        print(
            f"{jobs:>4} {found.seconds / 60:>8.1f} {options.gms / found.seconds * 3600:>9.0f} "
            f"{found.memory / 1e9:>11.2f} {len(found.report['retried']):>8} "
            f"{len(found.report['failed']):>7}",
            flush=True,
        )


if __name__ == "__main__":
    main()
