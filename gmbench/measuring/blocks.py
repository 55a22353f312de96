"""Finds the layers of a network that belong together in repeated blocks.

The definition is in `docs/labels.md`. It depends on the flow of values alone, not on how an author
nested or named modules.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gmbench.measuring.trace import LAYERS, WEIGHT_LAYERS, Bypass, Kind, Trace, as_bits


@dataclass(frozen=True, slots=True)
class Blocks:
    """The repeated blocks of a network.

    Attributes:
        members: Indices of the layers of each block, in order of execution.
        layers_per_block: The most common number of layers in a block; the smallest of equally
            common ones; 0 if there is no block.
    """

    members: tuple[tuple[int, ...], ...]
    layers_per_block: int


def find_blocks(trace: Trace) -> Blocks:
    """Returns the blocks of the sort that covers the most layers of a network.

    The sorts are: bypassed blocks, all together; and groups of a convolutional or fully connected
    layer with the norms that follow it, one sort per sequence of layer types. If two sorts cover
    equally many layers, bypassed blocks take precedence, then the longer group, then the one that
    runs first.
    """
    bypassed = _bypassed_blocks(trace)
    sorts = list(_groups(trace, without={i for block in bypassed for i in block}).values())
    if bypassed:
        sorts.insert(0, bypassed)
    if not sorts:
        return Blocks((), 0)
    chosen = max(
        sorts, key=lambda blocks: (sum(map(len, blocks)), blocks is bypassed, len(blocks[0]))
    )
    sizes = Counter(len(block) for block in chosen)
    most = max(sizes.values())
    return Blocks(tuple(chosen), min(size for size, count in sizes.items() if count == most))


def _bypassed_blocks(trace: Trace) -> list[tuple[int, ...]]:
    """Returns the layers between fork and join of each bypass; no layer is in two blocks."""
    layers, weights = trace.bits(*LAYERS), trace.chosen(*WEIGHT_LAYERS)
    end = 1 << weights[-1].index if weights else 0
    resizing = as_bits(c.index for c in trace.calls if c.upsampling or c.downsampling)

    def is_block(bypass: Bypass) -> bool:
        if bypass.concatenated and not bypass.part and bypass.span & resizing:
            return False  # the long connection of a U-Net
        # A sum around the whole network (it learns what to change) is not a repeated block.
        return not (bypass.from_input and bypass.span & end)

    # Sums before concatenations, and inner before outer: where two spans overlap, the first wins.
    candidates = sorted(
        (bypass for bypass in trace.bypasses if is_block(bypass)),
        key=lambda b: (b.concatenated and not b.part, (b.span & layers).bit_count()),
    )
    taken = 0
    blocks = []
    for bypass in candidates:
        span = bypass.span & layers
        if not span & taken:
            taken |= span
            blocks.append(tuple(call.index for call in trace.calls if span >> call.index & 1))
    return sorted(blocks)


def _groups(trace: Trace, without: set[int]) -> dict[tuple[Kind, ...], list[tuple[int, ...]]]:
    """Returns weight layers with the norms that follow each, by their sequence of layer types."""
    group_of: dict[int | None, list[int]] = {}
    groups: list[list[int]] = []
    for call in trace.calls:
        if call.index in without:
            continue
        if call.kind in WEIGHT_LAYERS:
            group_of[call.index] = [call.index]
            groups.append(group_of[call.index])
        elif call.kind is Kind.NORM and call.after in group_of:
            group_of[call.index] = group_of[call.after]
            group_of[call.after].append(call.index)
    sorts: dict[tuple[Kind, ...], list[tuple[int, ...]]] = {}
    for group in groups:
        types = tuple(trace.calls[index].kind for index in group)
        sorts.setdefault(types, []).append(tuple(group))
    return sorts
