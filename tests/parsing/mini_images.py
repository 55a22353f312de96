"""Images of mini116's GMs as files."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from gmbench.benchmark.benchmark import MINI116, load_benchmark
from gmbench.data.features import shard_path


def save_images(gm: str, folder: Path, number: int) -> None:
    """Saves the first images of a GM as `0.png`, `1.png` and so on."""
    folder.mkdir(parents=True)
    shard = MINI116 / shard_path(load_benchmark("mini116"), gm)
    rows = pq.read_table(shard, columns=["image"])["image"].to_pylist()
    for row, image in enumerate(rows[:number]):
        (folder / f"{row}.png").write_bytes(image["bytes"])
