"""GMs of an existing dataset as a source of images for another one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.features import shard_path
from gmbench.data.listing import GMFiles
from gmbench.data.sources import SourceFile
from gmbench.errors import SourceError, first_line

_IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
"""How `datasets` stores an image."""


class ShardReader:
    """Reads the images of one GM's shard by row."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes = _images(path).field("bytes")

    def read(self, file: SourceFile) -> bytes:
        """Returns the bytes of an image; see `sources.Reader`."""
        data: bytes = self._bytes[int(file.key)].as_py()
        if len(data) != file.size:
            raise _damaged(self._path, f"{file.path} has changed")
        return data


def built_gms(benchmark: Benchmark, folder: Path) -> dict[str, tuple[GMFiles, str, Path]]:
    """Returns the images of each GM of a dataset folder: files, kind of source, and shard.

    Args:
        benchmark: The benchmark of the folder.
        folder: The dataset folder.

    Raises:
        SourceError: A shard is missing or cannot be read.
    """
    found = {}
    for gm, n_images in zip(benchmark.gms, benchmark.n_images, strict=True):
        if not n_images:
            continue
        shard = folder / shard_path(benchmark, gm.name)
        images = _images(shard)
        sizes = pc.binary_length(images.field("bytes")).to_pylist()
        files = tuple(
            SourceFile(f"{gm.name}/{name}", size, 0, row)
            for row, (name, size) in enumerate(
                zip(images.field("path").to_pylist(), sizes, strict=True)
            )
        )
        found[gm.name] = (GMFiles(gm.name, gm.name, files), "shard", shard)
    return found


def _images(shard: Path) -> pa.StructArray:
    try:
        column = pq.read_table(shard, columns=["image"]).column("image")
        if column.type != _IMAGE:
            raise _damaged(shard, f"its images are stored as {column.type}")
        images = column.combine_chunks()
    except (OSError, pa.ArrowException, KeyError) as error:
        raise _damaged(shard, first_line(error)) from error
    if images.field("bytes").null_count:
        raise _damaged(shard, "it lacks the bytes of an image")
    return images


def _damaged(shard: Path, why: str) -> SourceError:
    return SourceError(
        f"{shard} is not what its dataset says ({why}). `gmbench data verify` looks at all of it."
    )
