"""Time of `gmbench parse` from the start of the process, and of each further image.

    python benchmarks/parse_speed.py
    python benchmarks/parse_speed.py --side 512 --json

The package's own parser is measured or, with `--network small|paper`, a network trained for one
epoch on images that the script makes. `gmbench parse` runs in separate processes, with one image
and with many; the time of each further image is computed from their difference. Times are the best
of several runs each. Processor time is given too, which other work on the machine does not stretch.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from loader_speed import make_dataset

from gmbench.benchmark.benchmark import read_benchmark
from gmbench.training.folds import MODEL, TrainingJob, read_images, run_fold
from gmbench.training.recipes import find_recipe

AIM_START, AIM_FURTHER = 2.5, 0.020


def trained_parser(work: Path, preset: str) -> Path:
    """Trains for one epoch and returns the folder of the parser."""
    _, dataset = make_dataset(work, 4, 8, 64)
    job = TrainingJob(
        recipe=find_recipe("full"),
        benchmark=read_benchmark(dataset),
        folder=dataset,
        preset=preset,
        changes={"epochs": 1, "batch_size": 8},
        device="cpu",
        runs=work / "runs",
    )
    run_fold(job, "set_1", read_images(job))
    place = job.place("set_1")
    assert place is not None
    return place / MODEL


def best_run(model: Path | None, images: list[Path], runs: int) -> tuple[float, float]:
    """Returns the lowest wall-clock and the lowest processor seconds of several runs."""
    command = [sys.executable, "-m", "gmbench", "parse", *map(str, images)]
    command += ["--model", str(model)] if model else []
    found = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        subprocess.run([*command, "--json"], check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append((seconds, used))
    return min(wall for wall, _ in found), min(used for _, used in found)


def main() -> None:
    """Trains, measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", metavar="PRESET", help="small or paper")
    parser.add_argument("--side", type=int, default=128, help="side of the images, px")
    parser.add_argument("--images", type=int, default=100, help="further images")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        os.environ["GMBENCH_HOME"] = str(work / "home")
        model = trained_parser(work, arguments.network) if arguments.network else None
        folder, _ = make_dataset(work / "parsed", 1, arguments.images + 1, arguments.side)
        images = sorted(folder.rglob("*.png"))
        one, one_used = best_run(model, images[:1], arguments.runs)
        many, many_used = best_run(model, images, arguments.runs)
    facts = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "parser": f"network, {arguments.network}" if arguments.network else "the package's own",
        "side": arguments.side,
        "first_image_s": one,
        "first_image_processor_s": one_used,
        "further_image_s": (many - one) / arguments.images,
        "further_image_processor_s": (many_used - one_used) / arguments.images,
    }
    if arguments.json:
        print(json.dumps(facts, indent=2))
        return
    print(f"parse of {arguments.side} px images, {facts['parser']}, {facts['machine']}")
    print(f"{'':32} {'s':>8} {'processor s':>12} {'aim':>8}")
    print(f"{'one image, process start to end':32} {one:8.2f} {one_used:12.2f} {AIM_START:8.2f}")
    print(
        f"{'each further image':32} {facts['further_image_s']:8.4f} "
        f"{facts['further_image_processor_s']:12.4f} {AIM_FURTHER:8.4f}"
    )


if __name__ == "__main__":
    main()
