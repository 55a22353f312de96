"""How fast `gmbench zoo build` is: GMs per hour, by jobs and by engine.

    python benchmarks/zoo_speed.py                     # 12 GMs of all kinds, 48 images each
    python benchmarks/zoo_speed.py --gms 24 --jobs 1 2 4
    python benchmarks/zoo_speed.py --gms 48 --device cuda --jobs 1 4 8 16
    python benchmarks/zoo_speed.py --gms 6 --like red116 --jobs 1 --engine local ray --kill 60

Each row is a whole build from scratch, in separate processes: population, training, gate, images,
dataset. Core seconds are processor seconds of all processes of the build together: other work on
the machine stretches the wall clock, but these only little. Memory is the largest sum, over all
processes, of private pages plus a proportional share of common ones. Both are measured on Linux
only. Retries count as time, not as GMs. `--kill` builds with Ray once more and ends a worker that
is training with SIGKILL after the given number of seconds. All builds on a CPU must end with the
same bytes; those on a GPU are not repeatable, and its own memory is not counted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Measurement:
    """One build.

    Attributes:
        report: Its report.
        seconds: Wall-clock seconds.
        core_seconds: Processor seconds, by process.
        memory: Peak memory in bytes.
        killed: What was killed, and after how many seconds.
        sha256: SHA-256 over all files of the folder.
    """

    report: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    core_seconds: dict[tuple[int, int], float] = field(default_factory=dict)
    memory: int = 0
    killed: str = ""
    sha256: str = ""


def measure(arguments: Sequence[str], kill_after: float | None = None) -> Measurement:
    """Builds a zoo and measures it."""
    found = Measurement()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "gmbench", "zoo", "build", *arguments, "--json"]
        start = time.perf_counter()
        process = subprocess.Popen([*command, "--out", f"{folder}/zoo"], stdout=subprocess.PIPE)
        watcher = threading.Thread(target=_watch, args=(process, found, kill_after))
        watcher.start()
        out, _ = process.communicate()
        watcher.join()
        found.seconds = time.perf_counter() - start
        if process.returncode:
            raise SystemExit(f"the build failed with exit code {process.returncode}")
        found.report = json.loads(out)
        digest = hashlib.sha256()
        for path in sorted(Path(folder, "zoo").rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
        found.sha256 = digest.hexdigest()
    return found


def _watch(process: subprocess.Popen[bytes], found: Measurement, kill_after: float | None) -> None:
    start = time.perf_counter()
    while process.poll() is None:
        own = list(_processes(process.pid))
        found.memory = max(found.memory, sum(_memory(pid) for pid, *_ in own))
        for pid, since, seconds in own:
            found.core_seconds[pid, since] = seconds
        passed = time.perf_counter() - start
        if kill_after is not None and not found.killed and passed > kill_after:
            for pid, *_ in own:
                if _name(pid).startswith("ray::train_gm"):
                    os.kill(pid, signal.SIGKILL)
                    found.killed = f"{_name(pid)} after {passed:.0f} s"
                    break
        time.sleep(0.5)


def _processes(root: int) -> Iterator[tuple[int, int, float]]:
    """Yields a process and all its descendants: process ID, start time, processor seconds."""
    known: dict[int, tuple[int, int, float]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            facts = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It has ended in the meantime.
        used = (int(facts[11]) + int(facts[12])) / _TICKS
        known[int(folder.name)] = (int(facts[1]), int(facts[19]), used)
    own = [root] if root in known else []
    for parent in own:  # The list grows during the loop.
        own += [pid for pid, (its_parent, *_) in known.items() if its_parent == parent]
    yield from ((pid, *known[pid][1:]) for pid in own)


def _memory(pid: int) -> int:
    """Returns the memory of a process in bytes; 0 if it cannot be determined."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return 1024 * sum(int(x.split()[1]) for x in text.splitlines() if x.startswith("Pss:"))


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode(errors="replace")
    except OSError:
        return ""


def main() -> None:
    """Measures each number of jobs with each engine and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--gms", type=int, default=12)
    parser.add_argument("--images", type=int, default=48)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--like")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--engine", nargs="+", default=["local"])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--kill", type=float)
    options = parser.parse_args()
    more = ["--device", options.device, *(["--like", options.like] if options.like else [])]
    print(f"{options.gms} GMs x {options.images} images of {options.size} px {' '.join(more)}")
    heads = "engine", "jobs", "minutes", "GMs/hour", "core s/GM", "memory, GB", "retried", "failed"
    print("{:>6} {:>4} {:>8} {:>9} {:>10} {:>11} {:>8} {:>7}".format(*heads), flush=True)
    rows: list[tuple[str, int, float | None]] = [
        (engine, jobs, None) for engine in options.engine for jobs in options.jobs
    ]
    if options.kill is not None:
        rows.append(("ray", max(options.jobs), options.kill))
    sums = set()
    for engine, jobs, kill_after in rows:
        arguments = [
            "--gms", str(options.gms), "--images-per-gm", str(options.images),
            "--size", str(options.size), "--jobs", str(jobs), "--engine", engine, *more,
        ]  # fmt: skip
        found = measure(arguments, kill_after)
        sums.add(found.sha256)
        print(
            f"{engine:>6} {jobs:>4} {found.seconds / 60:>8.1f} "
            f"{options.gms / found.seconds * 3600:>9.0f} "
            f"{sum(found.core_seconds.values()) / options.gms:>10.1f} "
            f"{found.memory / 1e9:>11.2f} {len(found.report['retried']):>8} "
            f"{len(found.report['failed']):>7}  {found.killed}",
            flush=True,
        )
        if len(sums) > 1 and options.device == "cpu":
            raise SystemExit("these builds differ in their bytes")


if __name__ == "__main__":
    main()
