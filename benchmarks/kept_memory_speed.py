"""Time per training step of the preset `small`, with and without keeping freed memory, in one run.

    python benchmarks/kept_memory_speed.py --rounds 3

Each round trains in a fresh process for each way, on one thread, with pixels drawn at random; the
best round of each way counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import torch

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.data.kept_memory import keep_freed_memory
from gmbench.models.targets import TrainingTargets
from gmbench.training.config import SMALL
from gmbench.training.methods import build_method

WARM, STEPS = 10, 60
WAYS = ("plain", "kept")


def seconds_a_step(way: str) -> float:
    """Trains in this process and returns the seconds per step.

    Args:
        way: One of `WAYS`.
    """
    if way == "kept" and not keep_freed_memory():
        raise SystemExit("This machine's C library does not keep memory: there is nothing to time.")
    torch.set_num_threads(1)
    benchmark = load_benchmark("mini116")
    gms = [gm.name for gm in benchmark.gms]
    network, objective = build_method(SMALL, TrainingTargets.of(benchmark, gms), 0)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=SMALL.learning_rate)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(SMALL.batch_size, 32, 32, 3, generator=generator).permute(0, 3, 1, 2)
    rows = torch.randint(len(gms), (SMALL.batch_size,), generator=generator)
    started = 0.0
    for step in range(WARM + STEPS):
        if step == WARM:
            started = time.perf_counter()
        objective(network(pixels), rows)["total"].backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return (time.perf_counter() - started) / STEPS


def main() -> None:
    """Times both ways in turn, and prints the best of each and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help="one process's part")
    arguments = parser.parse_args()
    if arguments.way:
        print(seconds_a_step(arguments.way))
        return
    best = dict.fromkeys(WAYS, float("inf"))
    for _ in range(arguments.rounds):
        for way in WAYS:
            command = [sys.executable, __file__, "--way", way]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            best[way] = min(best[way], float(ran.stdout))
    for way, seconds in best.items():
        print(f"{way:>6}  {1000 * seconds:.1f} ms a step")
    print(f"plain / kept: {best['plain'] / best['kept']:.2f}")


if __name__ == "__main__":
    main()
