"""Which GMs and images each bootstrap replicate of a set draws, and sums over them.

A replicate has as many slots as the set has GMs; each slot takes a GM, of the slot's own kind, and
one resample of its images. Sums over all resamples of a GM's images are one product of matrices:
weights, how often each image occurs in each resample, times the images' terms. They say nothing of
the set: a part of its GMs draws from the same sums.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gmbench.evaluation.statistics import Array

_MOST_WEIGHTS = 8_000_000
"""Weights of images that are in memory at once: 64 MB."""

_MOST_TOGETHER = 16
"""GMs whose sums are made in one product."""

_WHOLE_BITS = 52
"""Bits that a float64 holds of a whole number, to be on the safe side."""


@dataclass(frozen=True)
class ResampledImages:
    """Sums over each GM's images, resample by resample: what the slots of replicates take.

    Attributes:
        sums: For each GM, shape (resamples, columns); whole numbers are packed.
        n_images: Number of images of each GM.
        whole: From this column on, terms are whole numbers.
        width: Number of terms.
        replicates: Number of replicates that they are for.
        seed: Seed of the resamples.
    """

    sums: tuple[Array, ...]
    n_images: tuple[int, ...]
    whole: int
    width: int
    replicates: int
    seed: int

    @classmethod
    def of(
        cls, rows: Sequence[Array], whole: int, *, replicates: int, seed: int
    ) -> ResampledImages:
        """Resamples each GM's images.

        GMs with as many images share the weights of the resamples: their images have nothing to
        do with one another, and no two slots of a replicate are tied.

        Args:
            rows: For each GM, its images' terms, shape (images, width).
            whole: From this column on, terms are whole numbers from 0 to 9. Several of those share
                one column of the product, as digits do: their sums are exact, in a third to a
                fifth of the time.
            replicates: Number of replicates.
            seed: Seed of the resamples.
        """
        n_images = tuple(len(terms) for terms in rows)
        by_size: dict[int, list[int]] = defaultdict(list)
        for gm, count in enumerate(n_images):
            by_size[count].append(gm)
        sums: dict[int, Array] = {}
        for count, members in by_size.items():
            weights = image_weights(count, replicates, seed)
            for start in range(0, len(members), _MOST_TOGETHER):
                together = members[start : start + _MOST_TOGETHER]
                packed = [_packed(rows[gm], whole, count) for gm in together]
                products = np.split(weights @ np.concatenate(packed, axis=1), len(packed), axis=1)
                sums |= zip(together, products, strict=True)
        ordered = tuple(sums[gm] for gm in range(len(rows)))
        return cls(ordered, n_images, whole, rows[0].shape[1], replicates, seed)

    def only(self, gms: Sequence[int]) -> ResampledImages:
        """Returns those of some of the GMs, given by their places."""
        return replace(
            self,
            sums=tuple(self.sums[gm] for gm in gms),
            n_images=tuple(self.n_images[gm] for gm in gms),
        )


@dataclass(frozen=True)
class Draws:
    """What the replicates of a set draw.

    Attributes:
        gms: The GM that each slot takes, shape (replicates, GMs).
        resamples: For each GM, which resample of its images each slot takes that drew it, in the
            order of replicates and slots.
    """

    gms: NDArray[np.int64]
    resamples: tuple[NDArray[np.int64], ...]

    def sums(self, images: ResampledImages) -> Array:
        """Returns sums of the images' terms over what each slot drew.

        Args:
            images: The resamples of the images of the same GMs, for as many replicates.

        Returns:
            Shape (replicates, slots, width).
        """
        sums = np.empty((*self.gms.shape, images.width))
        for gm, (of_images, n_images) in enumerate(zip(images.sums, images.n_images, strict=True)):
            drawn = of_images[self.resamples[gm]]
            sums[self.gms == gm] = _unpacked(drawn, images.whole, n_images, images.width)
        return sums


@lru_cache(maxsize=16)
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
        strata: The stratum of each.
        n_images: Number of images of each.
        replicates: Number of replicates.
        seed: Seed of the draws.
    """
    drawn = bootknife(_generator(seed, name), strata, replicates)
    resamples = tuple(
        _generator(seed, name, gm).integers(0, _pool(count, replicates), size=(drawn == row).sum())
        for row, (gm, count) in enumerate(zip(gms, n_images, strict=True))
    )
    return Draws(drawn, resamples)


def bootknife(
    generator: np.random.Generator, strata: Sequence[int], replicates: int
) -> NDArray[np.int64]:
    """Draws the GM of each slot, shape (replicates, GMs).

    Within a stratum of n GMs each replicate leaves one out, at random, and draws n of the n - 1
    others with replacement; the only GM of a stratum stays. (Hesterberg, Unbiasing the bootstrap:
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
    """Returns the stratum of each GM of a set: its kind, where another GM of the set has it too.

    The GMs that are the only ones of their kind make up a stratum together; a single such GM joins
    the smallest other kind, of equally small ones the first. What is drawn from one GM alone would
    never vary.

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
    """Returns how often each image occurs in resamples of all images, shape (pool, images)."""
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
    """Returns the bits of one sum of whole terms, and how many such sums a column holds."""
    bits = (9 * n_images).bit_length()
    return bits, max(_WHOLE_BITS // bits, 1)


def _packed(terms: Array, whole: int, n_images: int) -> Array:
    """Puts several columns of whole numbers into one; a sum of packed terms is a packed sum."""
    bits, together = _digits(n_images)
    columns = [terms[:, :whole]]
    for start in range(whole, terms.shape[1], together):
        part = terms[:, start : start + together]
        columns.append((part @ 2.0 ** (bits * np.arange(part.shape[1])))[:, None])
    return np.concatenate(columns, axis=1)


def _unpacked(sums: Array, whole: int, n_images: int, width: int) -> Array:
    bits, together = _digits(n_images)
    made = np.empty((len(sums), width))
    made[:, :whole] = sums[:, :whole]
    held = sums[:, whole:].astype(np.int64)
    for column in range(whole, width):
        place, digit = divmod(column - whole, together)
        made[:, column] = (held[:, place] >> (bits * digit)) & ((1 << bits) - 1)
    return made
