"""Speed and memory of `gmbench evaluate` compared with the plain way, in one run.

The job: 48,000 predictions of red116 as CSV, every metric with its 95% interval from 2000
bootstrap replicates. gmbench runs as users run it, in a separate process. The plain way reads
the file with pandas and, for each replicate, draws GMs and images and calls scikit-learn; some of
its replicates are timed and scaled to 2000. Times are processor seconds, which other work on the
machine changes little.

    python benchmarks/evaluate_speed.py
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, r2_score

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.predictions.writing import write_predictions
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES
from gmbench.training.baselines import run_baseline

REPLICATES = 2000
COMMAND = [sys.executable, "-m", "gmbench", "evaluate", "--json"]


def time_ours(file: Path, replicates: int) -> tuple[float, float]:
    """Returns processor seconds and peak memory in MB of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*COMMAND, str(file), "--replicates", str(replicates)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return seconds, max(before.ru_maxrss, after.ru_maxrss) / 1024


def time_plain(file: Path, benchmark: Benchmark, replicates: int) -> tuple[float, float]:
    """Returns processor seconds of reading the file, and of one replicate of all four sets."""
    start = time.process_time()
    frame = pd.read_csv(file)
    gms = frame["image_id"].str.split("/").str[0]
    rows_of = {gm: rows.to_numpy() for gm, rows in gms.groupby(gms, sort=False).groups.items()}
    row_of_gm = gms.map(benchmark.index).to_numpy()
    truth = benchmark.labels[row_of_gm]
    predicted = np.empty_like(truth)
    predicted[:, :9] = benchmark.normalise(frame[[p.name for p in CONTINUOUS]].to_numpy(float))
    truth[:, :9] = benchmark.normalise(truth[:, :9])
    for column, parameter in enumerate(DISCRETE, start=9):
        classes = {name: index for index, name in enumerate(parameter.classes)}
        predicted[:, column] = frame[parameter.name].map(classes)
    predicted[:, 15:] = frame[[p.name for p in LOSSES]].to_numpy(float) >= 0.5
    reading = time.process_time() - start

    generator = np.random.default_rng(0)
    start = time.process_time()
    for _ in range(replicates):
        for members in benchmark.sets.values():
            drawn = generator.choice(np.array(members), size=len(members))
            rows = np.concatenate([generator.choice(rows_of[g], len(rows_of[g])) for g in drawn])
            score_plainly(truth[rows], predicted[rows])
    return reading, (time.process_time() - start) / replicates


def score_plainly(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> None:
    """Computes all metrics of one set's resampled images, head by head with scikit-learn."""
    y, p = truth[:, :9], predicted[:, :9]
    np.abs(p - y).mean()
    np.corrcoef(p.ravel(), y.ravel())
    r2_score(y.ravel(), p.ravel())
    for head in range(9, 25):
        for average in ("weighted", "macro"):
            f1_score(truth[:, head], predicted[:, head], average=average, zero_division=0)
        accuracy_score(truth[:, head], predicted[:, head])


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plain-replicates", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    benchmark = load_benchmark("red116")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "predictions.csv"
        write_predictions(run_baseline("random_labels", benchmark), file)
        ours = [time_ours(file, REPLICATES) for _ in range(arguments.runs)]
        reading, one = time_plain(file, benchmark, arguments.plain_replicates)
    seconds, memory = min(run[0] for run in ours), max(run[1] for run in ours)
    plain = reading + one * REPLICATES
    print(f"| way | 48,000 rows, {REPLICATES} replicates | peak memory |")
    print("|---|---|---|")
    print(f"| gmbench evaluate, the whole process | {seconds:.2f} s | {memory:.0f} MB |")
    print(
        f"| scikit-learn, {arguments.plain_replicates} replicates scaled to {REPLICATES} "
        f"(without RANSAC) | {plain:.0f} s | |"
    )
    print(f"| ratio | {plain / seconds:.0f} | |")


if __name__ == "__main__":
    main()
