"""Checks the contents of one shard against the label table; runs in its own process."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gmbench.data.image_files import image_fault
from gmbench.errors import first_line

if TYPE_CHECKING:
    from gmbench.data.features import LabelValue

Faults = dict[str, list[str]]
"""What is wrong with a shard, by the name of the check."""


@dataclass(frozen=True, slots=True)
class ShardCheck:
    """Everything that a process needs to check one shard.

    Attributes:
        gm: Name of the GM.
        path: The Parquet file.
        n_images: Number of images that it must hold.
        max_pixels: Largest image that is decoded, width times height.
        labels: Value that each column after `image_id` must have.
        schema: Columns that it must have.
    """

    gm: str
    path: Path
    n_images: int
    max_pixels: int
    labels: dict[str, LabelValue]
    schema: pa.Schema


def check_shard(task: ShardCheck) -> Faults:
    """Returns the faults of a shard; empty if it is sound."""
    faults: Faults = defaultdict(list)
    try:
        with pq.ParquetFile(task.path) as shard:
            if not _columns_equal(shard.schema_arrow, task.schema):
                faults["columns"].append(f"{task.path.name}: not the columns of the benchmark")
                return faults
            if shard.metadata.num_rows != task.n_images:
                faults["row_counts"].append(
                    f"{task.path.name}: {shard.metadata.num_rows:,} rows, not {task.n_images:,}"
                )
            if shard.metadata.num_rows > 2 * max(task.n_images, 1):
                return faults  # The rows are not read: there may be any number of them.
            first = 0
            for batch in shard.iter_batches(batch_size=100):
                _check_batch(task, batch, first, faults)
                first += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:  # Text may be invalid UTF-8.
        faults["columns"].append(f"{task.path.name}: cannot be read ({first_line(error)})")
    return faults


def _columns_equal(found: pa.Schema, expected: pa.Schema) -> bool:
    return bool(found.equals(expected)) and (found.metadata or {}).get(
        b"huggingface"
    ) == expected.metadata.get(b"huggingface")


def _check_batch(task: ShardCheck, batch: pa.RecordBatch, first: int, faults: Faults) -> None:
    for row, image_id in enumerate(batch.column("image_id").to_pylist(), start=first):
        if image_id != f"{task.gm}/{row:06d}":
            faults["image_ids"].append(f"{task.path.name}, row {row}: {image_id}")
    for name, value in task.labels.items():
        column = batch.column(name)
        if isinstance(value, tuple):
            flat = column.flatten().to_numpy(zero_copy_only=False)
            expected = np.tile(np.array(value, np.float32), batch.num_rows)
            if not np.array_equal(flat, expected, equal_nan=True):
                faults["targets"].append(f"{task.path.name}, from row {first}")
        elif value is None:
            if column.null_count < batch.num_rows:
                faults["labels"].append(f"{task.path.name}, from row {first}: {name} is unknown")
        elif (
            column.null_count or not pc.all(pc.equal(column, pa.scalar(value, column.type))).as_py()
        ):
            faults["labels"].append(f"{task.path.name}, from row {first}: {name} is not {value}")
    for row, data in enumerate(batch.column("image").field("bytes"), start=first):
        fault = image_fault(data.as_buffer(), task.max_pixels) if data.is_valid else "no bytes"
        if fault:
            faults["images"].append(f"{task.gm}/{row:06d}: {fault}")
