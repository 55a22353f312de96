"""Pairs of images for the coordinated attack, drawn evenly from the paper's five categories.

Every category contributes the same number of pairs. Within a category, they are spread over the
pairs of GMs (a GM with itself, for the categories of one GM) as evenly as the numbers of images
allow. The draw depends on the seed alone. No pair is drawn twice, and no image is paired with
itself.
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
"""Section 4.5: one GM, seen or unseen in training; two GMs, both seen, both unseen, or one each."""

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class AttackImages:
    """Images whose pairs are compared. A GM parsed by two parsers is listed twice.

    Attributes:
        names: Name of each GM, shape (GMs,).
        contents: Content of each GM's images, shape (GMs,).
        seen: Whether the parser was trained on each GM, bool of shape (GMs,).
        parsers: Index of the parser of each GM, shape (GMs,); pairs never mix parsers.
        gms: GM index of each image, shape (images,).
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
        first: First image of each pair, an index into `AttackImages.gms`, shape (pairs,).
        second: Second image of each pair, likewise.
        categories: Category of each pair, an index into `CATEGORIES`, shape (pairs,).
    """

    first: Whole
    second: Whole
    categories: Whole

    def __len__(self) -> int:
        return len(self.first)

    @property
    def same(self) -> NDArray[np.bool_]:
        """Whether the two images come from the same GM, shape (pairs,)."""
        return self.categories < 2


def draw_pairs(images: AttackImages, n_pairs: int, seed: int = 0) -> Pairs:
    """Draws the same number of pairs from each category that has any.

    Args:
        images: The images to pair.
        n_pairs: Pairs per category; fewer in all categories if one of them has fewer.
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
    """Distributes pairs as evenly as capacities allow; who gets a remaining one is random.

    Args:
        wanted: Number to distribute, at most the sum of `room`.
        room: Capacity of each recipient, shape (n,).
        generator: Random generator that draws who gets the remaining ones.
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
    # The two entries of a GM that is listed twice are not a pair of different GMs.
    of_one_parser = images.parsers[one] == images.parsers[other]
    one, other = one[of_one_parser], other[of_one_parser]
    n_seen = seen[one].astype(int) + seen[other]
    return [
        (every[seen], every[seen]),
        (every[~seen], every[~seen]),
        *((one[n_seen == wanted], other[n_seen == wanted]) for wanted in (2, 0, 1)),
    ]
