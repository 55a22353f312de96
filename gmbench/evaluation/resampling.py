"""The GMs and images that each bootstrap replicate of a set draws, and sums over them.

A replicate has as many slots as the set has GMs; each slot takes a GM of the slot's own stratum
and one resample of its images. The sums over all resamples of a GM's images are one matrix
product: the weights (how often each image occurs in each resample) times the images' terms. They
do not depend on the set: a subset of its GMs draws from the same sums.

Arrays of replicates are in Fortran order: all replicates of a number are contiguous in memory, so
that an operation on them is a single sweep.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gmbench.evaluation.statistics import Array, Facts

_MOST_WEIGHTS = 8_000_000
"""Image weights held in memory at once: 64 MB."""

_MOST_TOGETHER = 16
"""GMs whose sums are computed in one product."""

_WHOLE_BITS = 52
"""Bits of an integer that a float64 holds exactly, with some margin."""


@dataclass(frozen=True)
class ResampledImages:
    """Sums over each GM's images for each resample: what the slots of replicates take.

    Attributes:
        sums: Shape (width, resamples of all GMs).
        starts: Where the resamples of each GM begin.
        n_images: Number of images of each GM.
        replicates: Number of replicates that the sums are for.
        seed: Seed of the resamples.
    """

    sums: Array
    starts: NDArray[np.int64]
    n_images: tuple[int, ...]
    replicates: int
    seed: int

    @classmethod
    def of(
        cls, rows: Sequence[Array], whole: int, *, replicates: int, seed: int
    ) -> ResampledImages:
        """Resamples each GM's images.

        GMs with the same number of images share the weights of the resamples: their images are
        unrelated, and the slots of a replicate pick their resamples independently.

        Args:
            rows: Terms of each GM's images, shape (images, width).
            whole: From this column on, terms are 0 or 1. Several of them share one column of the
                product, like the digits of a number: their sums are exact and take a fifth of the
                time.
            replicates: Number of replicates.
            seed: Seed of the resamples.
        """
        n_images = tuple(len(terms) for terms in rows)
        by_size: dict[int, list[int]] = defaultdict(list)
        for gm, count in enumerate(n_images):
            by_size[count].append(gm)
        ends = np.cumsum([0, *(_pool(count, replicates) for count in n_images)])
        sums = np.empty((rows[0].shape[1], ends[-1]))
        for count, members in by_size.items():
            weights = image_weights(count, replicates, seed)
            for start in range(0, len(members), _MOST_TOGETHER):
                together = members[start : start + _MOST_TOGETHER]
                packed = [_packed(rows[gm], whole, count) for gm in together]
                products = np.concatenate(packed, axis=1).T @ weights.T
                for gm, product in zip(together, np.split(products, len(packed)), strict=True):
                    _unpack(product, whole, count, sums[:, ends[gm] : ends[gm + 1]])
        return cls(sums, ends[:-1], n_images, replicates, seed)

    def only(self, gms: Sequence[int]) -> ResampledImages:
        """Returns the sums for a subset of the GMs, given by index."""
        chosen = list(gms)
        n_images = tuple(self.n_images[gm] for gm in chosen)
        return replace(self, starts=self.starts[chosen], n_images=n_images)


@dataclass(frozen=True, eq=False)
class Draws:
    """What the replicates of a set draw.

    Attributes:
        gms: The GM that each slot takes, shape (replicates, GMs).
        resamples: Which resample of that GM's images it takes, same shape.
    """

    gms: NDArray[np.int64]
    resamples: NDArray[np.int64]
    _facts: dict[bytes, Facts] = field(default_factory=dict, init=False, repr=False)

    def facts(self, of: Facts) -> Facts:
        """Returns the facts about the GMs that each slot takes; methods share them."""
        if of.key not in self._facts:
            self._facts.clear()
            self._facts[of.key] = of.take(self.gms)
        return self._facts[of.key]

    def sums(self, images: ResampledImages) -> Array:
        """Returns the sums of the images' terms over what each slot drew.

        Args:
            images: Resamples of the same GMs' images, for the same number of replicates.

        Returns:
            Shape (replicates, slots, width), in Fortran order.
        """
        places = images.starts[self.gms] + self.resamples
        return np.take(images.sums, places.T, axis=1).T


@lru_cache(maxsize=24)
def draws(
    name: str,
    gms: tuple[str, ...],
    strata: tuple[int, ...],
    n_images: tuple[int, ...],
    replicates: int,
    seed: int,
) -> Draws:
    """Draws the replicates of a set.

    Args:
        name: Name of the set.
        gms: Names of its GMs.
        strata: Stratum of each GM.
        n_images: Number of images of each GM.
        replicates: Number of replicates.
        seed: Seed of the draws.
    """
    drawn = bootknife(_generator(seed, name), strata, replicates)
    resamples = np.empty_like(drawn)
    for row, (gm, count) in enumerate(zip(gms, n_images, strict=True)):
        takes = drawn == row
        pool = _pool(count, replicates)
        resamples[takes] = _generator(seed, name, gm).integers(0, pool, size=takes.sum())
    return Draws(drawn, resamples)


def bootknife(
    generator: np.random.Generator, strata: Sequence[int], replicates: int
) -> NDArray[np.int64]:
    """Draws the GM of each slot, shape (replicates, GMs).

    Within a stratum of n GMs, each replicate leaves one out at random and draws n from the other
    n - 1 with replacement; a stratum's only GM is kept. (Hesterberg, Unbiasing the bootstrap:
    bootknife sampling vs. smoothing, 2004.)
    """
    drawn = np.empty((replicates, len(strata)), dtype=np.int64)
    for stratum in sorted(set(strata)):
        members = np.flatnonzero(np.array(strata) == stratum)
        n = len(members)
        if n == 1:
            drawn[:, members] = members
            continue
        left_out = generator.integers(0, n, size=(replicates, 1))
        places = generator.integers(0, n - 1, size=(replicates, n))
        drawn[:, members] = members[places + (places >= left_out)]
    return drawn


def strata_of(kinds: Sequence[str]) -> tuple[int, ...]:
    """Returns the stratum of each GM of a set: its kind, where another GM of the set shares it.

    GMs that are the only ones of their kind form a stratum together; a single such GM joins the
    smallest other kind, or the first of equally small ones. Draws from a single GM would never
    vary.

    Args:
        kinds: Kind of each GM.

    Examples:
        >>> strata_of(["GAN", "GAN", "VAE", "VAE", "AA", "NF"])
        (0, 0, 1, 1, 2, 2)
        >>> strata_of(["GAN", "GAN", "GAN", "VAE", "VAE", "AA"])
        (0, 0, 0, 1, 1, 1)
    """
    sizes = Counter(kinds)
    several = [kind for kind in sizes if sizes[kind] > 1]
    singles = [kind for kind in sizes if sizes[kind] == 1]
    number = {kind: place for place, kind in enumerate(several)}
    shared = len(several)
    if len(singles) == 1 and several:
        shared = number[min(several, key=lambda kind: sizes[kind])]
    return tuple(number.get(kind, shared) for kind in kinds)


@lru_cache(maxsize=4)
def image_weights(n_images: int, replicates: int, seed: int) -> Array:
    """Returns how often each image occurs in each resample, shape (pool, images)."""
    pool = _pool(n_images, replicates)
    chosen = _generator(seed, str(n_images)).integers(0, n_images, size=(pool, n_images))
    chosen += np.arange(0, pool * n_images, n_images)[:, None]
    counts = np.bincount(chosen.ravel(), minlength=pool * n_images)
    return counts.reshape(pool, n_images).astype(np.float64)


def _pool(n_images: int, replicates: int) -> int:
    return max(min(replicates, _MOST_WEIGHTS // n_images), 100)


def _generator(seed: int, *names: str) -> np.random.Generator:
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def _digits(n_images: int) -> tuple[int, int]:
    """Returns the bits that a sum of 0/1 terms takes, and how many such sums a column holds."""
    bits = n_images.bit_length()
    return bits, max(_WHOLE_BITS // bits, 1)


def _packed(terms: Array, whole: int, n_images: int) -> Array:
    """Packs several columns of integers into one; a sum of packed terms is a packed sum."""
    bits, together = _digits(n_images)
    columns = [terms[:, :whole]]
    for start in range(whole, terms.shape[1], together):
        part = terms[:, start : start + together]
        columns.append((part @ 2.0 ** (bits * np.arange(part.shape[1])))[:, None])
    return np.concatenate(columns, axis=1)


def _unpack(packed: Array, whole: int, n_images: int, sums: Array) -> None:
    """Unpacks packed sums, shape (columns, resamples), into `sums`."""
    bits, together = _digits(n_images)
    sums[:whole] = packed[:whole]
    held = packed[whole:].astype(np.int64)
    digits = held[:, None] >> (bits * np.arange(together))[:, None] & ((1 << bits) - 1)
    sums[whole:] = digits.reshape(-1, packed.shape[1])[: len(sums) - whole]
