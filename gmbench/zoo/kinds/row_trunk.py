"""The common part of networks built from rows of labels: stages, and what lies between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import torch
from torch import nn

from gmbench.zoo.kinds.row_parts import Modulation, Parts, shares
from gmbench.zoo.kinds.row_plan import Plan, Unit
from gmbench.zoo.layers import sequence

MOST_STAGES, MOST_SIDE_BY_SIDE = 8, 4
"""Convolutions outside blocks that run in sequence; more of them run in parallel."""

Stage = Unit | tuple[int, ...]
"""A bypassed block, or the number of norms after each of some parallel convolutions."""


class Trunk(nn.Module):
    """Consecutive stages, with what lies between them.

    Args:
        parts: Makes the stages.
        plan: Provides pooling layers and connections.
        order: The stages.
        changes: `up`, `down` or empty, for each stage.
        channels: Input channels.
        side: Height and width of the input.
        width: Filters at 16 x 16 pixels; see `filters_at`.
        last: Channels of an image that the last stage makes; 0 where it makes maps like the others.
        style: Features of the style.
        modulations: Number of fully connected layers that feed in the style.

    Attributes:
        filters: Output channels.
        side: Height and width of the output.
    """

    def __init__(
        self,
        parts: Parts,
        plan: Plan,
        order: Sequence[Stage],
        changes: Sequence[str],
        channels: int,
        side: int,
        width: int,
        *,
        last: int = 0,
        style: int = 0,
        modulations: int = 0,
    ) -> None:
        super().__init__()
        self.stages, self.pools, self.modulations = (nn.ModuleList() for _ in range(3))
        self.connections = connections(changes, side) if plan.connected else {}
        heard = dict.fromkeys(self.connections, 0)
        inner = max(len(order) - bool(last), 1)
        numbers, pools = [*shares(modulations, inner), 0], [*shares(plan.pools, inner), 0]
        for place, (stage, change) in enumerate(zip(order, changes, strict=True)):
            ends = bool(last) and place == len(order) - 1
            side = {"up": 2 * side, "down": side // 2}.get(change, side)
            filters = last if ends else filters_at(side, width)
            channels += sum(heard[at] for at, to in self.connections.items() if to == place)
            self.stages.append(
                parts.block(stage, channels, filters, change, partial=plan.partial)
                if isinstance(stage, Unit)
                else parts.group(stage, channels, filters, change, last=ends)
            )
            self.pools.append(nn.Sequential(*(parts.pooling() for _ in range(pools[place]))))
            self.modulations.append(Modulation(style, filters, numbers[place]))
            if place in heard:
                heard[place] = filters
            channels = filters
        self.filters, self.side = channels, side

    def forward(self, x: torch.Tensor, style: torch.Tensor | None = None) -> torch.Tensor:
        """Returns maps, shape (images, filters, side, side).

        Args:
            x: Maps, shape (images, channels, height, width).
            style: Shape (images, style).
        """
        kept: dict[int, torch.Tensor] = {}
        for place, stage in enumerate(self.stages):
            heard = [kept[at] for at, to in self.connections.items() if to == place]
            x = self.pools[place](stage(torch.cat([x, *heard], 1) if heard else x))
            if style is not None:
                x = self.modulations[place](x, style)
            if place in self.connections:
                kept[place] = x
        return x


def filters_at(side: int, width: int) -> int:
    """Returns the filters on maps of a size: fewer on large ones, so that all cost the same."""
    return max(min(2 * width, width * 16 // side), 4)


def stages(plan: Plan, convs: Sequence[int]) -> tuple[list[Stage], list[Stage]]:
    """Returns the blocks, and the convolutions outside them, some of them in parallel."""
    number = min(len(convs), max(MOST_STAGES, -(-len(convs) // MOST_SIDE_BY_SIDE)))
    return list(plan.blocks), [tuple(convs[place::number]) for place in range(number)]


def arranged(
    groups: Sequence[Stage],
    blocks: Sequence[Stage],
    changes: Sequence[str],
    *,
    group_first: bool = False,
) -> list[Stage]:
    """Returns the stages in order.

    Args:
        groups: Stages that are not blocks: used where the size changes, as long as there are any.
        blocks: The others.
        changes: `up`, `down` or empty, for each stage.
        group_first: Whether a block cannot be the first.
    """
    waiting, others = deque(groups), deque(blocks)
    order: list[Stage] = []
    for place, change in enumerate(changes):
        later = sum(map(bool, changes[place + 1 :]))
        wants_group = change or (group_first and place == 0) or len(waiting) - later > len(others)
        order.append((waiting if waiting and (wants_group or not others) else others).popleft())
    return order


def mapping(parts: Parts, plan: Plan, fcs: Sequence[int], features: int) -> nn.Sequential:
    """Returns the plan's blocks and the layers of `fcs`, which all keep the number of features."""
    layers: list[nn.Module] = [
        parts.full_block(unit, features, partial=plan.partial) for unit in plan.full_blocks
    ]
    for norms in fcs:
        layers += [nn.Linear(features, features), *parts.flat_norms(features, norms)]
        layers.append(parts.nonlinearity())
    return sequence(layers)


def connections(changes: Sequence[str], side: int) -> dict[int, int]:
    """Returns which stage receives which earlier one, past smaller maps (Isola et al., 2017).

    Args:
        changes: `up`, `down` or empty, for each stage.
        side: Height and width of the input.

    Returns:
        Place of the receiving stage, by the place of the one that it receives.
    """
    sides = [side]
    for change in changes:
        sides.append({"up": 2 * sides[-1], "down": sides[-1] // 2}.get(change, sides[-1]))
    downs = [place for place, change in enumerate(changes) if change == "down"]
    found: dict[int, int] = {}
    for down in downs[1:]:
        hearing = [p for p in range(downs[-1] + 1, len(changes)) if sides[p] == sides[down]]
        found |= {down - 1: hearing[0]} if hearing else {}
    return found
