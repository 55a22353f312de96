"""The images of a dataset, decoded once into memory-mapped files.

Each GM has one `.npy` in `CACHE/pixels/VIEW/`, named by its content: the SHA-256 of its shard, the
view, the rule to pixels and the version of Pillow. A record beside it, written last, says what it
must hold; what does not agree with its record is made again. Work on a GM is done under a lock, so
processes that need the same images share the work. All of `pixels` may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

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
from gmbench.data.loading import cache_folder
from gmbench.data.parallel import all_cores, in_processes
from gmbench.data.rgb import Pixels
from gmbench.errors import DatasetError, SourceError
from gmbench.files import rename_durably, write_durably
from gmbench.progress import Progress
from gmbench.training.views import View

MEMORY_LIMIT = 4 * 2**30
"""Bytes of pixels that are read into memory unless told otherwise."""

_BLOCK = 2**24
_FILE_FORMAT = 1


@dataclass(frozen=True, slots=True)
class _Entry:
    """One GM in the cache, and all that a process needs to put it there."""

    gm: str
    shard: Path
    sha256: str
    n_images: int
    view: View
    array: Path

    @property
    def record(self) -> Path:
        return self.array.with_suffix(".json")

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        return (self.n_images, self.view.views, self.view.size, self.view.size, 3)


class LazyPixels:
    """The images of several GMs, mapped one after the other, read when they are asked for.

    Attributes:
        shape: (images, views, size, size, 3), of uint8.
    """

    def __init__(self, parts: Sequence[Pixels], shape: tuple[int, int, int, int]) -> None:
        self._parts = tuple(parts)
        self._ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
        self.shape = (int(self._ends[-1]) if parts else 0, *shape)

    @property
    def nbytes(self) -> int:
        """Size of all pixels in bytes."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Sequence[int] | NDArray[np.int64]) -> Pixels:
        """Reads images, given as a slice or by their rows; shape (rows, views, size, size, 3)."""
        wanted = np.arange(len(self))[rows].ravel()
        found = np.empty((len(wanted), *self.shape[1:]), np.uint8)
        for part, here, inside in self._by_part(wanted):
            found[here] = part[inside]
        return found

    def take(self, rows: NDArray[np.int64], views: NDArray[np.int64]) -> Pixels:
        """Reads one view of each of some images, and no other; shape (rows, size, size, 3)."""
        found = np.empty((len(rows), *self.shape[2:]), np.uint8)
        for part, here, inside in self._by_part(rows):
            found[here] = part[inside, views[here]]
        return found

    def _by_part(
        self, rows: NDArray[np.int64]
    ) -> Iterator[tuple[Pixels, NDArray[np.int64], NDArray[np.int64]]]:
        """Yields each part that is needed, where its images go, and their rows inside it."""
        part_of = np.searchsorted(self._ends, rows, side="right")
        for number in np.unique(part_of):
            part = self._parts[number]
            here = np.flatnonzero(part_of == number)
            yield part, here, rows[here] - (self._ends[number] - len(part))

    def read(self) -> Pixels:
        """Reads all into one contiguous array."""
        found = np.empty(self.shape, np.uint8)
        for part, end in zip(self._parts, self._ends, strict=True):
            found[end - len(part) : end] = part
        return found


@dataclass(frozen=True, slots=True)
class Stack:
    """The images of several GMs as one.

    Attributes:
        pixels: Shape (images, views, size, size, 3), uint8: an array in memory, or read lazily.
        gm_rows: Position of each image's GM in the GMs asked for, shape (images,), int64.
        image_ids: Id of each image.
    """

    pixels: Pixels | LazyPixels
    gm_rows: NDArray[np.int64]
    image_ids: list[str]


@dataclass(frozen=True)
class CachedImages:
    """The decoded images of some GMs of a dataset.

    Attributes:
        view: What was taken of every image.
        gms: Names of the GMs, in the order asked for.
    """

    view: View
    gms: tuple[str, ...]
    _entries: dict[str, _Entry]

    @cached_property
    def n_images(self) -> int:
        """Number of images of all GMs."""
        return sum(entry.n_images for entry in self._entries.values())

    @cached_property
    def sha256(self) -> str:
        """Changes whenever a GM, an image or the view does: for the state of a training."""
        names = "\n".join(entry.array.name for entry in self._entries.values())
        return hashlib.sha256(names.encode()).hexdigest()

    def joined(self, others: Sequence[CachedImages]) -> CachedImages:
        """Returns these images and those of other datasets, decoded to the same view.

        Args:
            others: Images of GMs that have other names.
        """
        entries = dict(self._entries)
        for other in others:
            assert other.view == self.view
            assert not entries.keys() & other._entries.keys()
            entries |= other._entries
        return CachedImages(self.view, tuple(entries), entries)

    def pixels(self, gm: str) -> Pixels:
        """Returns the pixels of a GM, mapped and not to be written to.

        Returns:
            Shape (images, views, size, size, 3), in the order of `image_ids`.

        Raises:
            DatasetError: The GM is not among those that were cached, or its file has vanished.
        """
        entry = self._entry(gm)
        try:
            mapped: Pixels = np.load(entry.array, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DatasetError(
                f"The pixels of {gm} in {entry.array} cannot be read any more ({error}). "
                "Start again: they are made anew."
            ) from error
        return mapped

    def image_ids(self, gm: str) -> tuple[str, ...]:
        """Returns the ids of a GM's images, such as `DCGAN/000000`.

        Raises:
            DatasetError: The GM is not among those that were cached.
        """
        return tuple(f"{gm}/{number:06d}" for number in range(self._entry(gm).n_images))

    def stack(self, gms: Sequence[str] | None = None, memory_limit: int = MEMORY_LIMIT) -> Stack:
        """Returns the images of several GMs as one, GM by GM in the order given.

        Args:
            gms: Names of GMs; all that were cached when None.
            memory_limit: Most bytes to read into memory. Up to it the pixels are one contiguous
                array; beyond it they are a `LazyPixels` that reads what is asked for.

        Raises:
            DatasetError: A GM is not among those that were cached.
        """
        names = self.gms if gms is None else tuple(gms)
        parts = [self.pixels(gm) for gm in names]
        lazy = LazyPixels(parts, (self.view.views, self.view.size, self.view.size, 3))
        return Stack(
            pixels=lazy.read() if lazy.nbytes <= memory_limit else lazy,
            gm_rows=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
            image_ids=[image_id for gm in names for image_id in self.image_ids(gm)],
        )

    def _entry(self, gm: str) -> _Entry:
        if gm not in self._entries:
            raise DatasetError(
                f"The pixels of {gm} were not asked for. Name it in the gms of `cached_images`."
            )
        return self._entries[gm]


def cached_images(
    folder: Path,
    view: View,
    *,
    gms: Sequence[str] | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> CachedImages:
    """Decodes the images of a dataset, or finds them decoded.

    Whatever is found is read once and held against its record; shards are not looked at again, as
    `checksums.sha256` says what is in them. A script that calls this needs
    `if __name__ == "__main__":`, as processes are started where there is something to decode.

    Args:
        folder: The dataset folder.
        view: What to take of every image.
        gms: Names of GMs; all that have images when None.
        jobs: Number of processes; all cores when None.
        progress: Told how many images are decoded.
        cache: Where decoded images lie; `pixels` in gmbench's cache folder when None.

    Raises:
        BenchmarkError: The folder is not a dataset.
        UnknownNameError: The dataset has no such GM.
        DatasetError: A GM has no images, a shard is missing or is not what its checksum says, an
            image does not decode, the cache cannot be written, or a process died.
        SourceError: An image has no rule to RGB.
    """
    benchmark = read_benchmark(folder)
    place = (cache or cache_folder() / "pixels") / _view_name(view)
    if gms is None:
        gms = [name for name, n in zip(benchmark.index, benchmark.n_images, strict=True) if n]
    sums = read_checksums(folder)
    names = dict.fromkeys(benchmark.gm(name).name for name in gms)
    entries = {name: _entry_of(folder, benchmark, name, view, sums, place) for name in names}
    with ThreadPoolExecutor(
        all_cores()
    ) as pool:  # The check sum is computed outside Python's lock.
        whole = list(pool.map(_is_whole, entries.values()))
    missing = [entry for entry, good in zip(entries.values(), whole, strict=True) if not good]
    total = sum(entry.n_images for entry in entries.values())
    done = total - sum(entry.n_images for entry in missing)
    try:
        if missing:
            place.mkdir(parents=True, exist_ok=True)
        for entry, _ in in_processes(
            _decode_once, missing, jobs or all_cores(), lambda entry: entry.gm
        ):
            done += entry.n_images
            if progress:
                progress("images", done, total)
    except OSError as error:
        raise DatasetError(
            f"{place} cannot be written: {error.strerror or error}. Make room, or set "
            "GMBENCH_HOME to another folder; what is decoded is kept."
        ) from error
    return CachedImages(view, tuple(entries), entries)


def _view_name(view: View) -> str:
    """Names a view's folder so that a person can tell what to delete."""
    described = view.to_dict()
    return "-".join(str(described[key]) for key in described if key != "rule")


def _entry_of(
    folder: Path, benchmark: Benchmark, gm: str, view: View, sums: dict[str, str], place: Path
) -> _Entry:
    shard, n_images = shard_path(benchmark, gm), benchmark.n_images[benchmark.index[gm]]
    if not n_images:
        raise DatasetError(f"{gm} has no images in {folder}. Leave it out, or add its images.")
    if shard not in sums:
        raise DatasetError(
            f"{shard} is not in {folder / CHECKSUMS}. Build the dataset again, or fetch it again."
        )
    facts = {
        "shard": sums[shard],
        "view": view.to_dict(),
        # Decoders of JPEG and the filter of a resize are Pillow's, and change with it.
        "pillow": _pillow_version,
        "format": _FILE_FORMAT,
    }
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
    return _Entry(gm, folder / shard, sums[shard], n_images, view, place / f"{gm}-{key}.npy")


def _is_whole(entry: _Entry) -> bool:
    """Returns whether a GM's file is what its record says, down to the last byte."""
    try:
        record = json.loads(entry.record.read_text(encoding="utf-8"))
        if entry.array.stat().st_size != record["bytes"]:
            return False
        check = 0
        with entry.array.open("rb") as file:
            while block := file.read(_BLOCK):
                check = zlib.crc32(block, check)
        return bool(check == record["crc32"] and record["shape"] == list(entry.shape))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _decode_once(entry: _Entry) -> None:
    """Puts a GM into the cache, unless another process has done so meanwhile."""
    with FileLock(entry.array.with_suffix(".lock")):
        if not _is_whole(entry):
            _decode(entry)


def _decode(entry: _Entry) -> None:
    _check_shard(entry)
    # Whoever was killed here has left this file, and the lock says that nobody writes to it.
    beside = entry.array.with_suffix(".part")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": entry.shape}
    )
    try:
        with beside.open("wb") as file:
            check, size = 0, 0
            for block in chain((header.getvalue(),), _views(entry)):
                check, size = zlib.crc32(block, check), size + file.write(block)
            file.flush()
            os.fsync(file.fileno())
        rename_durably(beside, entry.array)
        record = {"shape": entry.shape, "bytes": size, "crc32": check}
        write_durably(entry.record, json.dumps(record) + "\n")
    finally:
        beside.unlink(missing_ok=True)


def _check_shard(entry: _Entry) -> None:
    """Refuses a shard that is not what the dataset says, which would be kept under its name."""
    try:
        sha256 = sha256_of(entry.shard)
    except OSError as error:
        raise _damaged(entry, error.strerror or str(error)) from error
    if sha256 != entry.sha256:
        raise _damaged(entry, f"it is not what {CHECKSUMS} says")


def _views(entry: _Entry) -> Iterator[bytes]:
    """Yields the bytes of the views of each image of a shard."""
    row = 0
    try:
        with pq.ParquetFile(entry.shard) as shard:
            for batch in shard.iter_batches(batch_size=100, columns=["image_id", "image"]):
                images = batch.column("image").field("bytes")
                for name, data in zip(batch.column("image_id").to_pylist(), images, strict=True):
                    if name != f"{entry.gm}/{row:06d}":
                        raise _damaged(entry, f"row {row} is {name}")
                    yield _view_of(entry, name, data.as_py())
                    row += 1
    except (pa.ArrowException, KeyError) as error:
        raise _damaged(entry, str(error).splitlines()[0]) from error
    if row != entry.n_images:
        raise _damaged(entry, f"it has {row:,} images, gms.csv says {entry.n_images:,}")


def _view_of(entry: _Entry, image_id: str, data: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return entry.view.apply(image, image_id).tobytes()
    except SourceError:
        raise
    except Exception as error:  # Decoders raise whatever damaged data leads them to.
        raise _damaged(entry, f"{image_id} does not decode: {error}") from error


def _damaged(entry: _Entry, fault: str) -> DatasetError:
    return DatasetError(
        f"{entry.shard} cannot be used: {fault}. `gmbench data verify` says what else is wrong; "
        "build the dataset again with --overwrite, or fetch it again."
    )
