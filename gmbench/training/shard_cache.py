"""A cache of what is taken from a dataset's images: an array for each GM, named by its content.

Decoded pixels and features are kept this way. Each GM has one `.npy` file in the folder of what is
taken; its name has a hash of the shard's SHA-256, of what is taken and of the version of Pillow. A
record beside it, written last, says what it must hold; what does not match its record is made
again. Work on a GM is done under a lock, so processes that need the same arrays share the work. All
of it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image
from PIL import __version__ as _pillow_version

from gmbench.benchmark.benchmark import Benchmark, read_benchmark
from gmbench.data.checksums import CHECKSUMS, read_checksums, sha256_of
from gmbench.data.features import shard_path
from gmbench.data.image_files import fault_of, open_image
from gmbench.data.parallel import all_cores, in_processes
from gmbench.data.rgb import Pixels
from gmbench.errors import DatasetError, SourceError, first_line
from gmbench.files import parse_json, rename_durably, write_durably
from gmbench.progress import Progress

_BLOCK = 2**24
_FILE_FORMAT = 1


@dataclass(frozen=True)
class Taken:
    """What is taken from every image.

    Attributes:
        folder: Where it is kept.
        facts: What it depends on besides the image: different facts lead to different files.
        shape: Shape of what is taken from one image.
        dtype: Its dtype, as numpy describes it.
        pixels: Takes an image, as opened by Pillow, and its id; returns what is needed of it.
        rows: Takes the result of `pixels` for each image in turn; returns arrays of what is taken
            from the next ones, each of shape (some images, *shape). Like `pixels`, importable by
            name.
        counted: What a progress callback counts.
    """

    folder: Path
    facts: Mapping[str, Any]
    shape: tuple[int, ...]
    dtype: str
    pixels: Callable[[Image.Image, str], Pixels]
    rows: Callable[[Iterator[Pixels]], Iterator[NDArray[Any]]]
    counted: str = "images"


@dataclass(frozen=True, slots=True)
class CachedShard:
    """One GM in the cache, with everything that a process needs to put it there.

    Attributes:
        gm: Its name.
        shard: The file of its images.
        sha256: Checksum of that file, according to the dataset.
        n_images: Number of its images.
        taken: What is taken from them.
        array: The file that holds the array.
    """

    gm: str
    shard: Path
    sha256: str
    n_images: int
    taken: Taken
    array: Path

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return (self.n_images, *self.taken.shape)

    @property
    def record(self) -> Path:
        """The file that says what the array must hold."""
        return self.array.with_suffix(".json")

    def mapped(self) -> NDArray[Any]:
        """Returns the array, memory-mapped and read-only.

        Raises:
            DatasetError: Its file has vanished, or cannot be read any more.
        """
        try:
            array: NDArray[Any] = np.load(self.array, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DatasetError(
                f"What was kept of {self.gm} in {self.array} cannot be read any more ({error}). "
                "Start again: it is made anew."
            ) from error
        return array


def cached_shards(
    folder: Path,
    taken: Taken,
    *,
    gms: Sequence[str] | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> dict[str, CachedShard]:
    """Makes what is to be taken from a dataset's images, or reuses what is in the cache.

    Cached arrays are read once and checked against their records; their shards are not read again,
    as `checksums.sha256` says what is in them.

    Args:
        folder: The dataset folder.
        taken: What to take from every image.
        gms: Names of GMs; all that have images when None.
        jobs: Number of processes; all cores when None.
        progress: Progress callback, with the number of images done.

    Returns:
        The cached shard of each GM, in the order requested.

    Raises:
        BenchmarkError: The folder is not a dataset.
        UnknownNameError: The dataset has no such GM.
        DatasetError: A GM has no images, a shard is missing or does not match its checksum, an
            image does not decode, the cache cannot be written, or a process died.
        SourceError: There is no rule for converting an image to RGB.
    """
    shards = named_shards(folder, taken, gms=gms)
    # Threads suffice, as the checksum is computed without holding Python's global lock.
    with ThreadPoolExecutor(all_cores()) as pool:
        whole = list(pool.map(_is_whole, shards.values()))
    missing = [shard for shard, good in zip(shards.values(), whole, strict=True) if not good]
    total = sum(shard.n_images for shard in shards.values())
    done = total - sum(shard.n_images for shard in missing)
    try:
        if missing:
            taken.folder.mkdir(parents=True, exist_ok=True)
        for shard, _ in in_processes(
            _make_once, missing, jobs or all_cores(), lambda shard: shard.gm
        ):
            done += shard.n_images
            if progress:
                progress(taken.counted, done, total)
    except OSError as error:
        raise DatasetError(
            f"{taken.folder} cannot be written: {error.strerror or error}. Make room, or set "
            "GMBENCH_HOME to another folder; what is made is kept."
        ) from error
    return shards


def named_shards(
    folder: Path, taken: Taken, *, gms: Sequence[str] | None = None
) -> dict[str, CachedShard]:
    """Returns what `cached_shards` does, but makes nothing: arrays may be missing or damaged.

    Args:
        folder: The dataset folder.
        taken: What to take from every image.
        gms: Names of GMs; all that have images when None.

    Raises:
        BenchmarkError: The folder is not a dataset.
        UnknownNameError: The dataset has no such GM.
        DatasetError: A GM has no images, or a shard is not in the list of checksums.
    """
    benchmark, sums = read_benchmark(folder), read_checksums(folder)
    if gms is None:
        gms = [name for name, n in zip(benchmark.index, benchmark.n_images, strict=True) if n]
    names = dict.fromkeys(benchmark.gm(name).name for name in gms)
    return {name: _shard_of(folder, benchmark, name, taken, sums) for name in names}


def n_lacking(folder: Path, taken: Taken, gms: Sequence[str]) -> int:
    """Returns for how many images nothing has been made yet; existing files are not read.

    Args and Raises: As of `named_shards`.
    """
    shards = named_shards(folder, taken, gms=gms).values()
    return sum(shard.n_images for shard in shards if not shard.array.exists())


def _shard_of(
    folder: Path, benchmark: Benchmark, gm: str, taken: Taken, sums: dict[str, str]
) -> CachedShard:
    # The path of a shard depends on the test sets that the folder was built with.
    shard, n_images = shard_path(benchmark, gm), benchmark.n_images[benchmark.index[gm]]
    if not n_images:
        raise DatasetError(f"{gm} has no images in {folder}. Leave it out, or add its images.")
    if shard not in sums:
        raise DatasetError(
            f"{shard} is not in {folder / CHECKSUMS}. Build the dataset again, or fetch it again."
        )
    facts = {
        **taken.facts,
        "shard": sums[shard],
        # JPEG decoding and resize filters are those of Pillow, and change with it.
        "pillow": _pillow_version,
        "format": _FILE_FORMAT,
    }
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
    array = taken.folder / f"{gm}-{key}.npy"
    return CachedShard(gm, folder / shard, sums[shard], n_images, taken, array)


def _is_whole(shard: CachedShard) -> bool:
    """Returns whether a GM's file matches its record, down to the last byte."""
    try:
        record = parse_json(shard.record.read_text(encoding="utf-8"))
        if shard.array.stat().st_size != record["bytes"]:
            return False
        check = 0
        with shard.array.open("rb") as file:
            while block := file.read(_BLOCK):
                check = zlib.crc32(block, check)
        return bool(check == record["crc32"] and record["shape"] == list(shard.shape))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _make_once(shard: CachedShard) -> None:
    """Puts a GM into the cache, unless another process has done so in the meantime."""
    with FileLock(shard.array.with_suffix(".lock")):
        if not _is_whole(shard):
            _make(shard)


def _make(shard: CachedShard) -> None:
    _check(shard)
    # A process killed here has left this file; the lock ensures that no other writes to it.
    beside = shard.array.with_suffix(".part")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": shard.taken.dtype, "fortran_order": False, "shape": shard.shape}
    )
    rows = (block.tobytes() for block in shard.taken.rows(_pixels(shard)))
    try:
        with beside.open("wb") as file:
            check, size = 0, 0
            for block in chain((header.getvalue(),), rows):
                check, size = zlib.crc32(block, check), size + file.write(block)
            file.flush()
            os.fsync(file.fileno())
        rename_durably(beside, shard.array)
        record = {"shape": shard.shape, "bytes": size, "crc32": check}
        write_durably(shard.record, json.dumps(record) + "\n")
    finally:
        beside.unlink(missing_ok=True)


def _check(shard: CachedShard) -> None:
    """Rejects a shard that does not match its checksum, under which it would be cached."""
    try:
        sha256 = sha256_of(shard.shard)
    except OSError as error:
        raise _damaged(shard, error.strerror or str(error)) from error
    if sha256 != shard.sha256:
        raise _damaged(shard, f"it is not what {CHECKSUMS} says")


def _pixels(shard: CachedShard) -> Iterator[Pixels]:
    """Yields what is needed of each image of a shard."""
    row = 0
    try:
        with pq.ParquetFile(shard.shard) as file:
            for batch in file.iter_batches(batch_size=100, columns=["image_id", "image"]):
                images = batch.column("image").field("bytes")
                for name, data in zip(batch.column("image_id").to_pylist(), images, strict=True):
                    if name != f"{shard.gm}/{row:06d}":
                        raise _damaged(shard, f"row {row} is {name}")
                    yield _decoded(shard, name, data.as_py())
                    row += 1
    except (pa.ArrowException, KeyError) as error:
        raise _damaged(shard, first_line(error)) from error
    if row != shard.n_images:
        raise _damaged(shard, f"it has {row:,} images, gms.csv says {shard.n_images:,}")


def _decoded(shard: CachedShard, image_id: str, data: bytes) -> Pixels:
    try:
        with open_image(io.BytesIO(data)) as image:
            return shard.taken.pixels(image, image_id)
    except SourceError:
        raise
    except Exception as error:  # Decoders may raise anything for damaged data.
        raise _damaged(shard, f"{image_id} does not decode: {fault_of(error)}") from error


def _damaged(shard: CachedShard, fault: str) -> DatasetError:
    return DatasetError(
        f"{shard.shard} cannot be used: {fault}. `gmbench data verify` says what else is wrong; "
        "build the dataset again with --overwrite, or fetch it again."
    )
