"""From the counts of a row of labels to blocks: how many layers, and which, each block has.

A row asks for so many blocks of so many layers, and for more layers than these hold. Blocks may
differ in size, as the most common size is what counts (docs/labels.md), so the other layers go into
the lesser part of the blocks, which are larger.

Options of families that follow a row hold it as `row`: counts, and classes by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from gmbench.errors import GmbenchError


def block_sizes(layers: int, blocks: int, size: int) -> list[int]:
    """Returns the layers of each block, so that `size` is the most common, in an even order.

    Args:
        layers: Layers of all blocks together.
        blocks: Number of blocks.
        size: The most common number of layers; of equally common ones the smallest counts.

    Raises:
        GmbenchError: There are no such blocks.
    """
    for usual in range(1, blocks + 1):
        others = blocks - usual
        left = layers - usual * size
        if left < others or (left and not others):
            continue
        each, more = divmod(left, others) if others else (0, 0)
        # The larger ones last: in a network that grows coarser they stand where maps are small.
        sizes = [size] * usual + [each] * (others - more) + [each + 1] * more
        counts = Counter(sizes)
        most = max(counts.values())
        if min(n for n, count in counts.items() if count == most) == size:
            return [sizes[place] for place in _spread(blocks, usual)]
    raise GmbenchError(f"{layers} layers make no {blocks} blocks, most of which have {size}.")


def shared(number: int, sizes: Sequence[int]) -> list[int]:
    """Returns `number` things shared among blocks in proportion to their sizes."""
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
    """Returns how many layers of each kind every block has.

    Args:
        counts: Layers of all blocks together by kind.
        blocks: Number of blocks.
        size: Their most common number of layers.
        kinds: Kinds of layers; what rounding leaves is of the first.
        least: Layers of the first kind that every block has at least.

    Raises:
        GmbenchError: There are no such blocks, or one would have too few of the first kind.
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
    """Returns the places 0 to number - 1, the `first` ones of them in even distances."""
    early, late = list(range(first)), list(range(first, number))
    order = []
    for place in range(number):
        wanted = (place + 1) * first / number
        order.append(early.pop(0) if early and first - len(early) < wanted else late.pop(0))
    return order
