"""Pairs of images for the coordinated attack, drawn evenly from the paper's five categories.

The rule: every category gives as many pairs, and within a category every pair of GMs (a GM with
itself, for the categories of one GM) as many as its images allow. Which ones follows from the seed
alone. No pair comes twice, and no image is paired with itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmbench.errors import BenchmarkError

CATEGORIES: tuple[str, ...] = (
    "same_seen",
    "same_unseen",
    "different_seen",
    "different_unseen",
    "seen_and_unseen",
)
"""Section 4.5: one GM, seen or unseen in training; two GMs, both seen, both unseen, one of each."""

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class AttackImages:
    """Images whose pairs are compared. A GM that two parsers spoke of stands here twice.

    Attributes:
        names: Name of each GM, shape (GMs,).
        contents: What each GM's images show.
        seen: Whether the parser was trained on each GM, bool of shape (GMs,).
        parsers: Number of the parser that spoke of each GM; pairs are of one parser, (GMs,).
        gms: GM of each image, shape (images,).
    """

    names: tuple[str, ...]
    contents: tuple[str, ...]
    seen: NDArray[np.bool_]
    parsers: Whole
    gms: Whole


@dataclass(frozen=True)
class Pairs:
    """Pairs of images, category by category.

    Attributes:
        first: One image of each pair, a row of `AttackImages.gms`, shape (pairs,).
        second: The other.
        categories: Index in `CATEGORIES`, shape (pairs,).
    """

    first: Whole
    second: Whole
    categories: Whole

    def __len__(self) -> int:
        return len(self.first)

    @property
    def same(self) -> NDArray[np.bool_]:
        """Whether the two images are of one GM, shape (pairs,)."""
        return self.categories < 2


def draw_pairs(images: AttackImages, n_pairs: int, seed: int = 0) -> Pairs:
    """Draws as many pairs of each category that there is.

    Args:
        images: What is paired.
        n_pairs: Pairs of each category; fewer where a category has fewer.
        seed: Seed of the draw.

    Raises:
        BenchmarkError: There is no pair of one GM, or none of two.
    """
    rows = [np.flatnonzero(images.gms == gm) for gm in range(len(images.names))]
    counts = np.array([len(one) for one in rows])
    found: list[tuple[int, Whole, Whole, Whole]] = []
    for number, (one, other) in enumerate(_gm_pairs(images)):
        same = one == other
        room = np.where(same, counts[one] * (counts[one] - 1) // 2, counts[one] * counts[other])
        if room.sum():
            found.append((number, one[room > 0], other[room > 0], room[room > 0]))
    if len({number < 2 for number, *_ in found}) < 2:
        raise BenchmarkError(
            f"The attack compares pairs of one GM with pairs of two; there are images of "
            f"{np.count_nonzero(counts)} GMs that one parser spoke of, at most "
            f"{counts.max(initial=0)} of one. Give at least two images of each of two GMs."
        )
    each = min(n_pairs, *(int(room.sum()) for *_, room in found))
    first, second, categories = [], [], []
    for number, one, other, room in found:
        generator = np.random.default_rng([seed, number])
        for a, b, n, share in zip(one, other, room, deal(each, room, generator), strict=True):
            chosen = generator.choice(n, share, replace=False)
            if a == b:
                # The pairs 0-1, 0-2, 1-2, 0-3 ... in this order.
                high = ((1 + np.sqrt(1 + 8 * chosen)) // 2).astype(np.int64)
                low = chosen - high * (high - 1) // 2
            else:
                low, high = np.divmod(chosen, counts[b])
            first.append(rows[a][low])
            second.append(rows[b][high])
            categories.append(np.full(share, number))
    return Pairs(np.concatenate(first), np.concatenate(second), np.concatenate(categories))


def deal(wanted: int, room: Whole, generator: np.random.Generator) -> Whole:
    """Deals out pairs as evenly as there is room; who gets one more is drawn.

    Args:
        wanted: How many, at most the sum of the room.
        room: Most that each can take, shape (n,).
        generator: Draws who gets one more.
    """
    shares = np.zeros_like(room)
    while (left := wanted - int(shares.sum())) > 0:
        open_ = np.flatnonzero(shares < room)
        if left < len(open_):
            shares[generator.choice(open_, left, replace=False)] += 1
        else:
            shares[open_] = np.minimum(room[open_], shares[open_] + left // len(open_))
    return shares


def _gm_pairs(images: AttackImages) -> list[tuple[Whole, Whole]]:
    """Returns the pairs of GMs of each category, in the order of `CATEGORIES`."""
    n, seen = len(images.names), images.seen
    every = np.arange(n)
    one, other = np.triu_indices(n, 1)
    # A GM that stands here twice is no pair of different GMs with itself.
    of_one_parser = images.parsers[one] == images.parsers[other]
    one, other = one[of_one_parser], other[of_one_parser]
    n_seen = seen[one].astype(int) + seen[other]
    return [
        (every[seen], every[seen]),
        (every[~seen], every[~seen]),
        *((one[n_seen == wanted], other[n_seen == wanted]) for wanted in (2, 0, 1)),
    ]
