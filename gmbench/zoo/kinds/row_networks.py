"""Networks built from rows of labels.

Each takes one tensor: noise (and a class), or an image accompanied by a map for each feature of
noise or class.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from gmbench.zoo.kinds.row_parts import Parts, Resize
from gmbench.zoo.kinds.row_plan import Plan, Row
from gmbench.zoo.kinds.row_trunk import Trunk, arranged, filters_at, mapping, stages
from gmbench.zoo.layers import nonlinearity, sequence

FIRST_SIZE = 4
"""Height and width of the first maps that are made from noise."""
MOST_MAPPINGS = 7
"""Maximum number of consecutive fully connected layers that turn noise into a style or a map."""
CONNECTION = 0.1
"""Share of the noise or image that bypasses the whole network.

Used where nothing else makes a connection that the row has. It is small, as a network should not
begin by copying.
"""
THUMBNAIL = 8
"""Height and width of the pixels that provide a style where nothing accompanies an image."""


class FullGenerator(nn.Module):
    """Fully connected layers from noise to an image (Goodfellow et al., 2014)."""

    def __init__(
        self, row: Row, plan: Plan, size: int, channels: int, inputs: int, width: int
    ) -> None:
        super().__init__()
        parts, self.shape = Parts(row), (channels, size, size)
        # The last layer has no norm; nor has the first, where there is another one without.
        norms = sorted(plan.fcs, reverse=plan.fcs.count(0) < 2)
        norms.remove(min(norms))
        layers = list(mapping(parts, plan, (), inputs))
        for number in norms:
            layers += [nn.Linear(inputs, width), *parts.flat_norms(width, number)]
            layers.append(parts.nonlinearity())
            inputs = width
        self.body = sequence([*layers, nn.Linear(inputs, channels * size**2)])
        self.last = nonlinearity(row.last_nonlinearity)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Returns images, shape (images, channels, size, size), from noise (images, inputs)."""
        image: torch.Tensor = self.last(self.body(z).view(-1, *self.shape))
        return image


class NoiseGenerator(nn.Module):
    """Maps noise to an image: a small map is made from it, which convolutions enlarge.

    Where a connection past all of them is required, the noise shifts the colours. With `styled`,
    half of the fully connected layers feed the style into each stage (Karras, Laine and Aila,
    2019); otherwise, those without norms do where there are blocks of such layers or more than
    `MOST_MAPPINGS`.
    """

    shift: torch.Tensor

    def __init__(
        self,
        row: Row,
        plan: Plan,
        size: int,
        channels: int,
        inputs: int,
        width: int,
        styled: bool,
    ) -> None:
        super().__init__()
        parts, fcs = Parts(row), list(plan.fcs)
        blocks, groups = stages(plan, plan.convs[:-1])
        number = len(blocks) + len(groups)
        wanted = (size // FIRST_SIZE).bit_length() - 1
        # The last convolution enlarges only where there are too few stages before it.
        at_end = number < wanted
        ups = min(number, wanted - at_end)
        side = size >> (ups + at_end)
        changes = [""] * number
        for up in range(ups):
            changes[up * number // ups] = "up"
        order = arranged(groups, blocks, changes, group_first=not fcs)
        # A map of twice the size is scaled down: there is no other place for down-sampling.
        shrink = [Resize(0.5)] if row.downsampling == "yes" else []
        self.side = side * 2 ** len(shrink)
        self.project: nn.Module = nn.Identity()
        if fcs:
            self.filters = filters_at(side, width)
            first = [*parts.norms(self.filters, fcs.pop(0) + plan.norms), parts.nonlinearity()]
            self.project = nn.Linear(inputs, self.filters * self.side**2)
        else:
            self.filters = -(-inputs // self.side**2)
            first = parts.norms(self.filters, plan.norms)
        self.first = sequence([*first, *shrink])
        if plan.full_blocks or len(fcs) > MOST_MAPPINGS:
            mapped = [norms for norms in fcs if norms]
        else:
            mapped = fcs[: (len(fcs) + 1) // 2] if styled and not any(fcs) else fcs
        self.mapping = mapping(parts, plan, mapped, inputs)
        self.trunk = Trunk(
            parts,
            plan,
            [*order, plan.convs[-1:]],
            [*changes, "up" if at_end else ""],
            self.filters,
            side,
            width,
            last=channels,
            style=inputs,
            modulations=len(fcs) - len(mapped),
        )
        shift = torch.eye(channels, inputs) if plan.connected else torch.zeros(0)
        self.register_buffer("shift", CONNECTION * shift)
        self.last = nonlinearity(row.last_nonlinearity)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Returns images, shape (images, channels, size, size), from noise (images, inputs)."""
        style = self.mapping(z)
        x = self.project(style)
        x = functional.pad(x, (0, self.filters * self.side**2 - x.shape[1]))
        x = self.first(x.view(-1, self.filters, self.side, self.side))
        made = self.trunk(x, style)
        if len(self.shift):
            made = made + functional.linear(z, self.shift)[..., None, None].expand_as(made)
        image: torch.Tensor = self.last(made)
        return image


class ImageGenerator(nn.Module):
    """Maps an image to an image.

    Fully connected layers make a style from the maps that accompany the image, or from a few of its
    pixels where there are none; it scales and shifts the output of the stages.
    """

    selection: torch.Tensor

    def __init__(
        self,
        row: Row,
        plan: Plan,
        size: int,
        channels: int,
        inputs: int,
        width: int,
        input_size: int,
    ) -> None:
        super().__init__()
        parts = Parts(row)
        blocks, groups = stages(plan, plan.convs[1:-1])
        number = len(blocks) + len(groups)
        deepest = 3 if size > 32 and not plan.blocks else 2
        downs = min(deepest, 1 + number // 2) if row.downsampling == "yes" else 0
        ups = downs + (size // input_size).bit_length() - 1
        changes = [""] * number
        for place in range(max(downs - 1, 0)):
            changes[place] = "down"
        for place in range(max(ups - 1, 0)):
            changes[number - 1 - place] = "up"
        self.channels, self.step = channels, max(1, input_size // THUMBNAIL)
        self.told = inputs > channels
        style = inputs - channels if self.told else inputs * THUMBNAIL**2
        mapped = max(sum(map(bool, plan.fcs)), min(len(plan.fcs) // 3, MOST_MAPPINGS))
        self.mapping = mapping(parts, plan, plan.fcs[:mapped], style) if plan.fcs else None
        self.first = sequence(parts.norms(inputs, plan.norms))
        self.trunk = Trunk(
            parts,
            plan,
            [plan.convs[:1], *arranged(groups, blocks, changes), plan.convs[-1:]],
            ["down" if downs else "", *changes, "up" if ups else ""],
            inputs,
            input_size,
            width,
            last=channels,
            style=style,
            modulations=len(plan.fcs) - mapped,
        )
        self.adds_input = plan.connected and not self.trunk.connections
        self.register_buffer("selection", CONNECTION * torch.eye(channels, inputs)[..., None, None])
        self.last = nonlinearity(row.last_nonlinearity)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns images, shape (images, channels, size, size).

        Args:
            x: An image in [0, 1] and constant maps, shape (images, inputs, input size, input size).
        """
        style = None
        if self.mapping is not None:
            pixels = (
                x[:, self.channels :, 0, 0] if self.told else x[..., :: self.step, :: self.step]
            )
            style = self.mapping(pixels.flatten(1))
        made = self.trunk(self.first(x), style)
        if self.adds_input:
            around = functional.conv2d(x, self.selection)
            made = made + functional.interpolate(around, size=made.shape[2:])
        image: torch.Tensor = self.last(made)
        return image
