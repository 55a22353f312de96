"""Distribution of a row's layers over blocks: how many layers, and which, each block has.

A row specifies the number of blocks and their number of layers, and more layers than these blocks
hold. Blocks may differ in size, as only the most common size counts (docs/labels.md), so the
remaining layers go into the other blocks, which are larger.

The options of families that follow a row contain it as `row`: counts, and classes by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from gmbench.errors import GmbenchError


def block_sizes(layers: int, blocks: int, size: int) -> list[int]:
    """Returns the number of layers of each block, most commonly `size`, evenly interleaved.

    Args:
        layers: Layers of all blocks together.
        blocks: Number of blocks.
        size: The most common number of layers; of equally common ones, the smallest counts.

    Raises:
        GmbenchError: No such blocks exist.
    """
    for usual in range(1, blocks + 1):
        others = blocks - usual
        left = layers - usual * size
        if left < others or (left and not others):
            continue
        each, more = divmod(left, others) if others else (0, 0)
        # The larger ones come last: in a network that grows coarser, maps are small there.
        sizes = [size] * usual + [each] * (others - more) + [each + 1] * more
        counts = Counter(sizes)
        most = max(counts.values())
        if min(n for n, count in counts.items() if count == most) == size:
            return [sizes[place] for place in _spread(blocks, usual)]
    raise GmbenchError(f"{layers} layers make no {blocks} blocks, most of which have {size}.")


def shared(number: int, sizes: Sequence[int]) -> list[int]:
    """Distributes `number` items among blocks in proportion to their sizes."""
    total, given, seen = max(sum(sizes), 1), 0, 0
    shares = []
    for size in sizes:
        seen += size
        shares.append(round(number * seen / total) - given)
        given += shares[-1]
    return shares


def composition(
    counts: Mapping[str, int], blocks: int, size: int, kinds: Sequence[str], least: int = 1
) -> list[dict[str, int]]:
    """Returns the number of layers of each kind in every block.

    Args:
        counts: Total number of layers in all blocks, by kind.
        blocks: Number of blocks.
        size: Most common number of layers per block.
        kinds: Kinds of layers; the remainder from rounding goes to the first.
        least: Minimum number of layers of the first kind in every block.

    Raises:
        GmbenchError: No such blocks exist, or one would have too few layers of the first kind.
    """
    sizes = block_sizes(sum(counts[kind] for kind in kinds), blocks, size)
    room = [max(size - least, 0) for size in sizes]
    others = {kind: shared(counts[kind], room) for kind in kinds[1:]}
    found = []
    for place, layers in enumerate(sizes):
        of_others = {kind: shares[place] for kind, shares in others.items()}
        first = layers - sum(of_others.values())
        if first < least:
            raise GmbenchError(
                f"A block of {layers} layers would have {first} of type {kinds[0]}, not {least}."
            )
        found.append({kinds[0]: first, **of_others})
    return found


def _spread(number: int, first: int) -> list[int]:
    """Returns the places 0 to number - 1, with the first `first` of them evenly spread."""
    early, late = list(range(first)), list(range(first, number))
    order = []
    for place in range(number):
        wanted = (place + 1) * first / number
        order.append(early.pop(0) if early and first - len(early) < wanted else late.pop(0))
    return order
