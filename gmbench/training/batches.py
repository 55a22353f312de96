"""Batches of pixels for training: a pure function of seed, epoch and step.

Pixels stay 8-bit until a batch is made of them. They are kept on the device if they fit, so that a
batch costs one gather there; otherwise in host memory or in the cache's files, from where each
batch is copied, to CUDA through pinned memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gmbench.errors import GmbenchError
from gmbench.training.cache import MEMORY_LIMIT, CachedImages, HeldImages, LazyPixels

Rows = NDArray[np.int64]

_SHARE_OF_DEVICE = 0.5
"""Share of a GPU's free memory that pixels may take; the rest is for the network."""

_BLOCK = 2**26


class BatchesError(GmbenchError):
    """Batches that cannot be made as asked."""


class Batch(NamedTuple):
    """What a step trains on.

    Attributes:
        pixels: Shape (images, 3, size, size), float32 in [0, 1], on the device.
        gm_rows: Position of each image's GM among the GMs of `Batches`, shape (images,), int64, on
            the device.
    """

    pixels: torch.Tensor
    gm_rows: torch.Tensor


class Batches:
    """Epochs of shuffled batches.

    The order of an epoch depends only on the seed, its number and the images, so that a training
    resumes at any epoch with the batches that it would have had. It is the same on every device and
    for any amount of memory.

    Attributes:
        gms: Names of the GMs, whose positions are the `gm_rows`.
        n_images: Number of images per epoch.
        views: Number of views that the cache has of each image.
        on_device: Whether all pixels are where the batches go.
    """

    def __init__(
        self,
        cached: CachedImages | HeldImages,
        gms: Sequence[str] | None,
        batch_size: int,
        *,
        device: torch.device | str = "cpu",
        seed: int = 0,
        balanced: bool = False,
        drop_last: bool = False,
        share: Callable[[int], slice] | None = None,
        memory_limit: int = MEMORY_LIMIT,
        device_limit: int | None = None,
    ) -> None:
        """Reads the images, or memory-maps them if they do not fit.

        Args:
            cached: The decoded images.
            gms: Names of GMs; all that were cached when None.
            batch_size: Number of images per batch.
            device: Where batches go.
            seed: Seed of the order, at least 0.
            balanced: Draw the same number of images of every GM (or one more), instead of every
                image once. An epoch has the same length either way; images of a GM are drawn
                again only when all of them have been drawn.
            drop_last: Leave out the last batch if it is not full.
            share: Returns which images of a batch of a given size are wanted; all when None. The
                `gm_rows` that come with them are those of the whole batch.
            memory_limit: Most bytes of pixels to read into host memory.
            device_limit: Most bytes of pixels to put on a GPU; half of its free memory when None.

        Raises:
            BatchesError: There are no images, or a number is out of range.
            DatasetError: A GM is not among those that were cached.
        """
        self.gms = cached.gms if gms is None else tuple(gms)
        if batch_size < 1 or seed < 0:
            raise BatchesError(
                f"batch_size is {batch_size} and seed is {seed}. Give a batch_size from 1 on and "
                "a seed from 0 on."
            )
        stack = cached.stack(self.gms, memory_limit)
        self.n_images = len(stack.gm_rows)
        if not self.n_images:
            raise BatchesError("There is nothing to make batches of. Give at least one GM.")
        self.views = cached.view.views
        self._size, self._batch_size = cached.view.size, batch_size
        self._device = torch.device(device)
        self._seed, self._balanced, self._drop_last = seed, balanced, drop_last
        self._gm_rows, self._share = stack.gm_rows, share
        self._lazy, self._held = None, None
        if self._device.type == "cuda" and stack.pixels.nbytes <= _limit(
            self._device, device_limit
        ):
            self._held = self._moved(stack.pixels)
        elif isinstance(stack.pixels, LazyPixels):
            self._lazy = stack.pixels
        else:
            self._held = torch.from_numpy(stack.pixels).flatten(0, 1)
        self.on_device = self._held is not None and self._held.device.type == self._device.type

    def __len__(self) -> int:
        """Returns the number of batches per epoch."""
        full, rest = divmod(self.n_images, self._batch_size)
        return full if self._drop_last or not rest else full + 1

    def order(self, epoch: int) -> tuple[Rows, Rows]:
        """Returns which images an epoch shows, and which view of each.

        Args:
            epoch: Number of the epoch, from 0.

        Returns:
            Rows of the images, numbered GM by GM, and numbers of their views, each of shape
            (images,).
        """
        generator = np.random.default_rng([self._seed, epoch])
        if self._balanced:
            rows = generator.permutation(self._even_draws(generator))
        else:
            rows = generator.permutation(self.n_images)
        return rows, generator.integers(0, self.views, self.n_images)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yields the batches of an epoch.

        Args:
            number: Number of the epoch, from 0.
        """
        rows, views = self.order(number)
        gm_rows = self._to_device(torch.from_numpy(self._gm_rows[rows]))
        flat = torch.from_numpy(rows * self.views + views)
        if self.on_device:
            flat = self._to_device(flat)
        for step in range(len(self)):
            part = slice(step * self._batch_size, (step + 1) * self._batch_size)
            whole = gm_rows[part]
            own = slice(None) if self._share is None else self._share(len(whole))
            if self._held is not None:
                chosen = self._held.index_select(0, flat[part][own])
            else:
                taken = rows[part][own], views[part][own]
                chosen = torch.from_numpy(self._mapped.take(*taken))
            yield Batch(self._as_floats(self._to_device(chosen)), whole)

    @property
    def _mapped(self) -> LazyPixels:
        assert self._lazy is not None
        return self._lazy

    def _even_draws(self, generator: np.random.Generator) -> Rows:
        """Draws rows so that the GMs' numbers of images differ by at most one, shape (images,)."""
        counts = np.bincount(self._gm_rows, minlength=len(self.gms))
        starts = np.cumsum(counts) - counts
        each, rest = divmod(self.n_images, len(counts))
        draws = np.full(len(counts), each)
        draws[generator.permutation(len(counts))[:rest]] += 1
        drawn = []
        for start, count, wanted in zip(starts, counts, draws, strict=True):
            rounds = [generator.permutation(count) for _ in range(-(-wanted // count))]
            drawn.append(start + np.concatenate([*rounds, np.empty(0, np.int64)])[:wanted])
        return np.concatenate(drawn).astype(np.int64)

    def _as_floats(self, chosen: torch.Tensor) -> torch.Tensor:
        # The axes are permuted in name only: the memory is in `channels_last` format already.
        return chosen.permute(0, 3, 1, 2).to(torch.float32).div_(255)

    def _to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        if tensor.device.type == self._device.type:
            return tensor
        if self._device.type == "cuda":
            # The copy continues while the next batch is gathered; torch keeps the pinned memory
            # until it has finished.
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.to(self._device)

    def _moved(self, pixels: NDArray[np.uint8] | LazyPixels) -> torch.Tensor:
        """Moves all pixels to the device, a block at a time: they may not fit in host memory."""
        shape = (self.n_images, self.views, self._size, self._size, 3)
        held = torch.empty(shape, dtype=torch.uint8, device=self._device)
        step = max(1, _BLOCK // max(1, pixels.nbytes // self.n_images))
        for first in range(0, self.n_images, step):
            block = torch.from_numpy(pixels[first : first + step])
            held[first : first + step] = block.to(self._device)
        return held.flatten(0, 1)


def _limit(device: torch.device, given: int | None) -> int:
    if given is not None:
        return given
    free, _ = torch.cuda.mem_get_info(device)
    return int(free * _SHARE_OF_DEVICE)
