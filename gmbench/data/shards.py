"""Turns each GM into one Parquet file: every image is decoded once, its bytes stored unchanged.

This runs in a separate process, so it takes and returns plain values, and imports neither
`datasets` nor pandas.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gmbench.data.archives import TarReader, ZipReader
from gmbench.data.built_gms import ShardReader
from gmbench.data.checksums import sha256_of
from gmbench.data.image_files import image_fault
from gmbench.data.listing import GMFiles
from gmbench.data.sources import FolderReader, Reader
from gmbench.files import disk_full, is_full, parse_json, rename_durably, write_durably

if TYPE_CHECKING:
    from gmbench.data.features import LabelValue

ROWS_PER_GROUP = 100
BYTES_PER_GROUP = 32 * 2**20
"""A row group is closed at this many rows or bytes of images, whichever comes first."""

_READERS: dict[str, Callable[[Path], Reader]] = {
    "folder": FolderReader,
    "zip": ZipReader,
    "tar": TarReader,
    "shard": ShardReader,
}


@dataclass(frozen=True, slots=True)
class ShardTask:
    """Everything that a process needs to make the shard of one GM.

    Attributes:
        files: The GM's image files.
        source_kind: `folder`, `zip`, `tar`, or `shard` of another dataset.
        source_path: The path that is read.
        expected: Maximum number of images to keep.
        max_pixels: Largest image that is decoded, width times height.
        labels: Value of each column after `image_id`.
        schema: Arrow schema of all columns.
        shard: The Parquet file to make.
        record: The JSON file that marks the shard as complete.
    """

    files: GMFiles
    source_kind: str
    source_path: Path
    expected: int
    max_pixels: int
    labels: dict[str, LabelValue]
    schema: pa.Schema
    shard: Path
    record: Path


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """The result for one GM.

    Attributes:
        n_images: Number of images in the shard; without any, no file is made.
        n_bytes: Size of the shard's file.
        arrow_bytes: Size of its rows in memory.
        sha256: SHA-256 of the file; empty without a file.
        corrupt: Name and fault of each image that was left out.
        surplus: Names of the images beyond the expected number.
        names: Names of the images kept, in order.
        digests: First half of the SHA-256 of the bytes of each image kept.
    """

    n_images: int
    n_bytes: int
    arrow_bytes: int
    sha256: str
    corrupt: tuple[tuple[str, str], ...]
    surplus: tuple[str, ...]
    names: tuple[str, ...]
    digests: tuple[str, ...]


def make_shard(task: ShardTask) -> ShardRecord:
    """Makes the shard of one GM and then the record beside it.

    Raises:
        SourceError: A file of the source cannot be read.
        DatasetError: The disk is full.
    """
    try:
        return _ShardMaker(task).make()
    except OSError as error:
        if is_full(error):
            raise disk_full(task.shard.parent, error) from error
        raise


def read_record(path: Path, shard: Path) -> ShardRecord | None:
    """Returns the record of a shard, or None if the shard is not complete yet."""
    if not path.is_file():
        return None
    data = parse_json(path.read_text(encoding="utf-8"))
    record = ShardRecord(
        **{**data, "corrupt": tuple((name, fault) for name, fault in data["corrupt"])}
    )
    if record.n_images and not (shard.is_file() and shard.stat().st_size == record.n_bytes):
        return None
    return record


@lru_cache(maxsize=1)
def _reader(kind: str, path: Path) -> Reader:
    """Opens a source once per process: the list of a large ZIP takes seconds to read."""
    return _READERS[kind](path)


class _ShardMaker:
    def __init__(self, task: ShardTask) -> None:
        self._task = task
        self._corrupt: list[tuple[str, str]] = []
        self._names: list[str] = []
        self._digests: list[str] = []
        self._surplus: list[str] = []

    def make(self) -> ShardRecord:
        task = self._task
        beside = task.record.with_name(f"{task.record.stem}.{os.getpid()}.parquet")
        arrow_bytes = 0
        try:
            with beside.open("wb") as file:
                writer = None
                for group in self._row_groups():
                    writer = writer or _open_writer(file, task.schema)
                    writer.write_table(group)
                    arrow_bytes += group.nbytes
                if writer:
                    writer.close()
                file.flush()
                os.fsync(file.fileno())
                n_bytes = file.tell()
            sha256 = sha256_of(beside)
            if self._names:
                task.shard.parent.mkdir(parents=True, exist_ok=True)
                rename_durably(beside, task.shard)
        finally:
            beside.unlink(missing_ok=True)
        record = ShardRecord(
            n_images=len(self._names),
            n_bytes=n_bytes,
            arrow_bytes=arrow_bytes,
            sha256=sha256 if self._names else "",
            corrupt=tuple(self._corrupt),
            surplus=tuple(self._surplus),
            names=tuple(self._names),
            digests=tuple(self._digests),
        )
        write_durably(task.record, json.dumps(asdict(record)))
        return record

    def _row_groups(self) -> Iterator[pa.Table]:
        rows: list[tuple[bytes, str]] = []
        size = 0
        for data, name in self._good_images():
            rows.append((data, name))
            size += len(data)
            if len(rows) == ROWS_PER_GROUP or size >= BYTES_PER_GROUP:
                yield self._table(rows)
                rows, size = [], 0
        if rows:
            yield self._table(rows)

    def _good_images(self) -> Iterator[tuple[bytes, str]]:
        task = self._task
        reader = _reader(task.source_kind, task.source_path)
        for file in task.files.files:
            name = task.files.name_of(file)
            if file.size == 0:
                continue  # The report takes it from the list of files.
            if len(self._names) == task.expected:
                self._surplus.append(name)
                continue
            data = reader.read(file)
            if fault := image_fault(data, task.max_pixels):
                self._corrupt.append((name, fault))
                continue
            self._names.append(name)
            self._digests.append(hashlib.sha256(data).hexdigest()[:32])
            yield data, name

    def _table(self, rows: list[tuple[bytes, str]]) -> pa.Table:
        schema, n = self._task.schema, len(rows)
        first = len(self._names) - n
        images = pa.StructArray.from_arrays(
            [pa.array([d for d, _ in rows], pa.binary()), pa.array([p for _, p in rows])],
            fields=list(schema.field("image").type),
        )
        ids = pa.array([f"{self._task.files.gm}/{first + row:06d}" for row in range(n)])
        columns = [images, ids]
        for name, value in self._task.labels.items():
            kind = schema.field(name).type
            if isinstance(value, tuple):
                flat = pa.array(np.tile(np.array(value, np.float32), n))
                columns.append(pa.FixedSizeListArray.from_arrays(flat, type=kind))
            else:
                columns.append(pa.repeat(pa.scalar(value, kind), n))
        return pa.Table.from_arrays(columns, schema=schema)


def _open_writer(output: io.BufferedWriter, schema: pa.Schema) -> pq.ParquetWriter:
    """Opens a Parquet file that stores images as they are: they are compressed already."""
    small = [name for name in schema.names if name not in ("image", "target")]
    target = "target.list.element"
    return pq.ParquetWriter(
        pa.PythonFile(output, mode="w"),
        schema,
        compression={"image.bytes": "none"} | dict.fromkeys([*small, target, "image.path"], "zstd"),
        use_dictionary=[*small[1:], target],  # Not `image_id`: no two are equal.
        # All rows of a shard have the same labels; their minima and maxima would only take space.
        write_statistics=False,
    )
