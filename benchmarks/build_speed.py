"""How fast `gmbench data build` is, compared with the plain way with `datasets`, in one run.

    python benchmarks/build_speed.py                 # 116 GMs x 1000 images, as in red116
    python benchmarks/build_speed.py --images 100    # fewer images per GM

All ways read the same PNG files of 64 px and write Parquet. The plain way is the `imagefolder`
loader followed by `to_parquet`. Since that alone stores the paths of the images and not their
bytes, the row used for comparison embeds them first, as `push_to_hub` does. gmbench also decodes
every image once, looks for duplicates, and adds the labels and the checksums. Making the images is
not counted. Memory is the largest sum, over all processes of a way, of private pages plus a
proportional share of common ones.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from gmbench.benchmark.catalog import names, red116

SIDE = 64

OURS = """
import sys
from pathlib import Path
from gmbench.benchmark.benchmark import load_benchmark
from gmbench.data.build import build_dataset
if __name__ == "__main__":
    build_dataset(load_benchmark("red116"), Path(sys.argv[1]), Path(sys.argv[2]),
                  allow_missing=True, jobs=int(sys.argv[3]))
"""

PLAIN = """
import sys
from pathlib import Path
import datasets
from datasets.table import embed_table_storage
if __name__ == "__main__":
    images = datasets.load_dataset("imagefolder", data_dir=sys.argv[1], split="train",
                                   cache_dir=sys.argv[2] + "-cache", num_proc=int(sys.argv[3]))
    Path(sys.argv[2]).mkdir()
    if sys.argv[4] == "embed":
        images = images.with_format("arrow").map(embed_table_storage, batched=True, batch_size=1000,
                                                 num_proc=int(sys.argv[3]))
    images.to_parquet(sys.argv[2] + "/train.parquet")
"""

WAYS = (
    ("gmbench data build", OURS, "build"),
    ("imagefolder, bytes, to_parquet", PLAIN, "embed"),
    ("imagefolder, to_parquet (paths)", PLAIN, "paths"),
)


@dataclass(frozen=True)
class Measurement:
    """Wall time in seconds, peak memory and size of the output in bytes."""

    seconds: float
    memory: int
    size: int


def make_images(folder: Path, seed: int, count: int) -> None:
    """Writes `count` PNGs that look like noisy photographs: smooth shapes and sensor noise."""
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for number in range(count):
        coarse = generator.uniform(0, 255, (6, 6, 3)).astype(np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        noisy = smooth + generator.normal(0, 6, smooth.shape)
        buffer = BytesIO()
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(buffer, "PNG", compress_level=3)
        (folder / f"{number:05d}.png").write_bytes(buffer.getvalue())


def measure(script: str, images: Path, out: Path, jobs: int, *options: str) -> Measurement:
    """Runs a script in a separate process and monitors it."""
    os.sync()  # Pending writes of other processes should not count.
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(images), str(out), str(jobs), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"},
    )
    memory = 0
    while process.poll() is None:
        memory = max(memory, sum(_memory(pid) for pid in _tree(process.pid)))
        time.sleep(0.1)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        assert process.stderr is not None
        sys.exit(process.stderr.read().decode())
    size = sum(path.stat().st_size for path in out.rglob("*.parquet"))
    return Measurement(seconds, memory, size)


def _tree(root: int) -> list[int]:
    """Returns a process and all its descendants, from /proc."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # It has ended in the meantime.
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def _memory(pid: int) -> int:
    """Returns the proportional set size of a process in bytes; 0 if it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def main() -> None:
    """Makes the images, runs all ways, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000, help="images for each of 116 GMs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeat", type=int, default=1, help="runs of each; the fastest counts")
    parser.add_argument("--work", type=Path, help="where to put the files; a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.work) as temporary:
        work = Path(temporary)
        tasks = [
            (work / "images" / gm, seed, arguments.images)
            for seed, gm in enumerate(names(red116()))
        ]
        with multiprocessing.Pool(arguments.jobs) as pool:
            pool.starmap(make_images, tasks)
        best: dict[str, Measurement] = {}
        for number in range(arguments.repeat):
            for name, script, option in WAYS:
                out = work / f"{option}-{number}"
                found = measure(script, work / "images", out, arguments.jobs, option)
                best[name] = min(best.get(name, found), found, key=lambda m: m.seconds)
    plain = best[WAYS[1][0]]
    print(f"{116 * arguments.images:,} PNGs of {SIDE} px, {arguments.jobs} processes")
    print(f"{'':32} {'seconds':>8} {'memory MB':>10} {'Parquet MB':>11} {'times faster':>13}")
    for name, found in best.items():
        print(
            f"{name:32} {found.seconds:8.1f} {found.memory / 1e6:10.0f} {found.size / 1e6:11.0f} "
            f"{plain.seconds / found.seconds:13.1f}"
        )


if __name__ == "__main__":
    main()
