"""The images of a dataset, decoded once into memory-mapped files.

They are kept in `CACHE/pixels/VIEW/` by `gmbench.training.shard_cache`, in different files if the
shard, the view, the rule to pixels or the version of Pillow differs.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmbench.data.loading import cache_folder
from gmbench.data.rgb import Pixels
from gmbench.errors import DatasetError
from gmbench.progress import Progress
from gmbench.training.shard_cache import CachedShard, Taken, cached_shards, named_shards
from gmbench.training.views import View

MEMORY_LIMIT = 4 * 2**30
"""Most bytes of pixels that are read into memory by default."""


class LazyPixels:
    """The images of several GMs one after the other, memory-mapped and read on demand.

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
        """Reads a single view of each of some images, shape (rows, size, size, 3)."""
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
        """Reads all images into one contiguous array."""
        found = np.empty(self.shape, np.uint8)
        for part, end in zip(self._parts, self._ends, strict=True):
            found[end - len(part) : end] = part
        return found


@dataclass(frozen=True, slots=True)
class Stack:
    """The images of several GMs as one stack.

    Attributes:
        pixels: Shape (images, views, size, size, 3), uint8: an array in memory, or read lazily.
        gm_rows: Position of each image's GM among the GMs requested, shape (images,), int64.
    """

    pixels: Pixels | LazyPixels
    gm_rows: NDArray[np.int64]


@dataclass(frozen=True)
class CachedImages:
    """The decoded images of some GMs of a dataset.

    Attributes:
        view: The view taken of every image.
        gms: Names of the GMs, in the order requested.
        most: By name of a GM, how many of its images are kept, the first ones; all if not named.
    """

    view: View
    gms: tuple[str, ...]
    _shards: dict[str, CachedShard]
    most: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def n_images(self) -> int:
        """Number of images of all GMs."""
        return sum(len(self.image_ids(gm)) for gm in self._shards)

    @cached_property
    def sha256(self) -> str:
        """Hash that changes whenever a GM, an image or the view does: for a training's state."""
        names = [shard.array.name for shard in self._shards.values()]
        names += [f"{gm}:{most}" for gm, most in sorted(self.most.items())]
        return hashlib.sha256("\n".join(names).encode()).hexdigest()

    def first(self, most: Mapping[str, int]) -> CachedImages:
        """Returns these images, limited to the first ones of some GMs.

        Args:
            most: By name of a GM, how many of its images to keep.
        """
        return replace(self, most={**self.most, **most})

    def joined(self, others: Sequence[CachedImages]) -> CachedImages:
        """Returns these images together with those of other datasets, decoded to the same view.

        Args:
            others: Images of GMs with different names.
        """
        shards = dict(self._shards)
        for other in others:
            assert other.view == self.view
            assert not shards.keys() & other._shards.keys()
            shards |= other._shards
        return CachedImages(self.view, tuple(shards), shards, self.most)

    def pixels(self, gm: str) -> Pixels:
        """Returns the pixels of a GM, memory-mapped and read-only.

        Returns:
            Shape (images, views, size, size, 3), in the order of `image_ids`.

        Raises:
            DatasetError: The GM is not among those that were cached, or its file has vanished.
        """
        mapped: Pixels = self._shard(gm).mapped()
        return mapped[: self.most.get(gm)]

    def image_ids(self, gm: str) -> tuple[str, ...]:
        """Returns the ids of a GM's images, such as `DCGAN/000000`.

        Raises:
            DatasetError: The GM is not among those that were cached.
        """
        return _image_ids(gm, self._shard(gm).n_images)[: self.most.get(gm)]

    def stack(self, gms: Sequence[str] | None = None, memory_limit: int = MEMORY_LIMIT) -> Stack:
        """Returns the images of several GMs as one stack, GM by GM in the order given.

        Args:
            gms: Names of GMs; all that were cached when None.
            memory_limit: Most bytes to read into memory. Up to it the pixels are one contiguous
                array; beyond it they are a `LazyPixels`, which reads on demand.

        Raises:
            DatasetError: A GM is not among those that were cached.
        """
        names = self.gms if gms is None else tuple(gms)
        return _stacked([self.pixels(name) for name in names], self.view, memory_limit)

    def _shard(self, gm: str) -> CachedShard:
        if gm not in self._shards:
            raise DatasetError(
                f"The pixels of {gm} were not asked for. Name it in the gms of `cached_images`."
            )
        return self._shards[gm]


@dataclass(frozen=True)
class HeldImages:
    """Pixels of classes composed of any images, to train a classifier on.

    Attributes:
        view: The view taken of every image.
        arrays: Pixels of each class, by its name; shape (images, views, size, size, 3).
    """

    view: View
    arrays: Mapping[str, Pixels]

    @property
    def gms(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.arrays)

    @cached_property
    def sha256(self) -> str:
        """Hash that changes whenever a class or a pixel does: for a training's state."""
        digest = hashlib.sha256()
        for name, pixels in self.arrays.items():
            digest.update(f"{name} {pixels.shape}".encode())
            digest.update(np.ascontiguousarray(pixels).data)
        return digest.hexdigest()

    def image_ids(self, name: str) -> tuple[str, ...]:
        """Returns the ids of a class's images."""
        return _image_ids(name, len(self.arrays[name]))

    def stack(self, names: Sequence[str] | None = None, memory_limit: int = MEMORY_LIMIT) -> Stack:
        """Returns the images of several classes as one stack, as `CachedImages.stack` does."""
        chosen = self.gms if names is None else names
        return _stacked([self.arrays[name] for name in chosen], self.view, memory_limit)


def _image_ids(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}/{number:06d}" for number in range(count))


def _stacked(parts: Sequence[Pixels], view: View, memory_limit: int) -> Stack:
    lazy = LazyPixels(parts, (view.views, view.size, view.size, 3))
    return Stack(
        pixels=lazy.read() if lazy.nbytes <= memory_limit else lazy,
        gm_rows=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
    )


def cached_images(
    folder: Path,
    view: View,
    *,
    gms: Sequence[str] | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> CachedImages:
    """Decodes the images of a dataset, or reuses those already decoded.

    Cached arrays are read once and checked against their records; their shards are not read again,
    as `checksums.sha256` says what is in them. A script that calls this needs
    `if __name__ == "__main__":`, as processes are started if there is something to decode.

    Args:
        folder: The dataset folder.
        view: The view to take of every image.
        gms: Names of GMs; all that have images when None.
        jobs: Number of processes; all cores when None.
        progress: Progress callback, with the number of decoded images.
        cache: Folder of decoded images; `pixels` in gmbench's cache folder when None.

    Raises:
        BenchmarkError: The folder is not a dataset.
        UnknownNameError: The dataset has no such GM.
        DatasetError: A GM has no images, a shard is missing or does not match its checksum, an
            image does not decode, the cache cannot be written, or a process died.
        SourceError: There is no rule for converting an image to RGB.
    """
    taken = _taken(view, cache)
    shards = cached_shards(folder, taken, gms=gms, jobs=jobs, progress=progress)
    return CachedImages(view, tuple(shards), shards)


def named_images(folder: Path, view: View) -> CachedImages:
    """Returns what `cached_images` does, but decodes nothing: good for names, counts and hash.

    Args:
        folder: The dataset folder.
        view: The view to take of every image.

    Raises:
        BenchmarkError: The folder is not a dataset.
        DatasetError: A shard is not in the list of checksums.
    """
    shards = named_shards(folder, _taken(view))
    return CachedImages(view, tuple(shards), shards)


def _taken(view: View, cache: Path | None = None) -> Taken:
    return Taken(
        folder=(cache or cache_folder() / "pixels") / _view_name(view),
        facts={"view": view.to_dict()},
        shape=(view.views, view.size, view.size, 3),
        dtype="|u1",
        pixels=view.apply,
        rows=iter,
    )


def _view_name(view: View) -> str:
    """Returns the name of a view's folder, from which users can tell what to delete."""
    described = view.to_dict()
    return "-".join(str(described[key]) for key in described if key != "rule")
