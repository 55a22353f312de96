"""Networks that have what a row of labels asks for.

What is measured of them is the row's, where that can be: `gmbench.zoo.kinds.row_plan` distributes
the layers, and here they are put in order. Layers are narrow, and what is deep is either a sum or
stands side by side, so that any row can be trained in seconds.

Every network takes one tensor: noise (and a class), or an image with a map for each feature of
noise or class beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from gmbench.errors import GmbenchError
from gmbench.zoo.kinds.row_parts import Modulation, Parts, Resize, shares
from gmbench.zoo.kinds.row_plan import Ends, Plan, Row, Unit, plan_row
from gmbench.zoo.layers import SCORE_SCALES, nonlinearity, sequence

WIDTHS: tuple[int, ...] = (32, 24, 16, 8)
"""Filters at 16 x 16 pixels that a network may have."""
MOST_PRODUCTS = 10_000_000
"""Multiplications an image that a network of one of these widths may take."""

FIRST_SIZE = 4
"""Height and width of the first maps that are made of noise."""
MOST_STAGES, MOST_SIDE_BY_SIDE = 8, 4
"""Convolutions outside of blocks that stand one after the other; more stand side by side."""
MOST_MAPPINGS = 7
"""Fully connected layers one after the other that make a style, or a map, of noise."""
SHIFT = 0.1
"""How much noise shifts the colours, where a row has a connection that nothing else makes."""
THUMBNAIL = 8
"""Height and width of the pixels that a style is taken from, where nothing comes with an image."""

Stage = Unit | tuple[int, ...]
"""A bypassed block, or the norms behind each of some convolutions that stand side by side."""


def build(
    row: Row, size: int, channels: int, inputs: int, width: int = 0, input_size: int = 0
) -> nn.Module:
    """Returns a generator with fresh weights.

    Args:
        row: What is asked for. Its `upsampling` needs an image to be enlarged.
        size: Height and width of the images that it makes, 32 or 64.
        channels: Their channels, 1 (grey) or 3.
        inputs: Features of the noise, or channels of the images that it starts from: first those
            of an image, then maps of noise or a class.
        width: Filters at 16 x 16 pixels, one of `WIDTHS`; 0 for as many as cost little. Without
            convolutions, an eighth of the features of a layer.
        input_size: Height and width of the images that it starts from: `size`, a half or a
            quarter of it; 0 for noise.

    Raises:
        GmbenchError: No network can have so few layers.
    """
    least = 2 if input_size else 0
    if row.conv_layers < least or row.conv_layers + row.fc_layers < 1:
        raise GmbenchError(
            f"{row.conv_layers} convolutions and {row.fc_layers} fully connected layers make no "
            f"network from {'an image' if input_size else 'noise'} to an image: give it "
            f"{'two convolutions' if input_size else 'a layer with weights'} at least."
        )
    width = width or affordable_width(row, size, channels, inputs, input_size)
    if input_size:
        plan = plan_row(row, Ends(convs=2, fcs=min(row.fc_layers, 1)))
        if "yes" == row.skip_connection == row.downsampling:
            # What is lost on small maps comes back from before; a connection that makes no block.
            plan = replace(plan, connected=True)
        return ImageGenerator(row, plan, size, channels, inputs, width, input_size)
    if not row.conv_layers:
        return FullGenerator(row, plan_row(row, Ends(0, 1)), size, channels, inputs, 8 * width)
    plan = plan_row(row, Ends(convs=1, fcs=min(row.fc_layers, 1)))
    return NoiseGenerator(row, plan, size, channels, inputs, width)


def build_classifier(row: Row, size: int, channels: int, classes: int, width: int) -> nn.Module:
    """Returns a network from images to scores of classes, with fresh weights; see `build`."""
    return Classifier(row, plan_row(row, Ends(1, 1)), size, channels, classes, width)


def affordable_width(row: Row, size: int, channels: int, inputs: int, input_size: int = 0) -> int:
    """Returns the largest of `WIDTHS` with which an image takes at most `MOST_PRODUCTS`."""
    shape = (1, inputs, input_size, input_size) if input_size else (1, inputs)
    for width in WIDTHS:
        with torch.device("meta"):
            network = build(row, size, channels, inputs, width, input_size).eval()
            if products(network, torch.zeros(shape)) <= MOST_PRODUCTS:
                return width
    return WIDTHS[-1]


def products(network: nn.Module, example: torch.Tensor) -> int:
    """Returns the multiplications that a network's layers with weights take on an example."""
    found: list[int] = []

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        if isinstance(module, nn.ConvTranspose2d):
            # Each weight meets each position that comes in; four times as many go out.
            found.append(weight.numel() * output[0, 0].numel() // 4)
        elif isinstance(module, nn.Conv2d):
            found.append(weight.numel() * output[0, 0].numel())
        else:
            found.append(weight.numel())

    weighted = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    handles = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, weighted)
    ]
    with torch.no_grad():
        network(example)
    for handle in handles:
        handle.remove()
    return sum(found)


class FullGenerator(nn.Module):
    """Fully connected layers from noise to an image (Goodfellow et al., 2014)."""

    def __init__(
        self, row: Row, plan: Plan, size: int, channels: int, inputs: int, width: int
    ) -> None:
        super().__init__()
        parts, self.shape = Parts(row), (channels, size, size)
        # The last layer has no norm, and nor has the first where there is another one without.
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


class Trunk(nn.Module):
    """Stages one after the other, with what stands between them.

    Args:
        parts: Makes the stages.
        plan: Its pooling layers and connections.
        order: The stages.
        changes: `up`, `down` or empty, for each stage.
        channels: Channels that come in.
        side: Height and width of what comes in.
        width: Filters at 16 x 16 pixels; see `filters_at`.
        last: Channels of an image that the last stage makes; 0 where it makes maps like any other.
        style: Features of the style.
        modulations: Fully connected layers that bring the style in.

    Attributes:
        filters: Channels that go out.
        side: Height and width of what goes out.
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


class NoiseGenerator(nn.Module):
    """From noise to an image: a small map of it, then convolutions that enlarge.

    Where a connection past all of them is asked for, the noise shifts the colours.
    """

    shift: torch.Tensor

    def __init__(
        self, row: Row, plan: Plan, size: int, channels: int, inputs: int, width: int
    ) -> None:
        super().__init__()
        parts, fcs = Parts(row), list(plan.fcs)
        blocks, groups = stages(plan, plan.convs[:-1])
        number = len(blocks) + len(groups)
        wanted = (size // FIRST_SIZE).bit_length() - 1
        # The last convolution enlarges only where the stages before it are too few.
        at_end = number < wanted
        ups = min(number, wanted - at_end)
        side = size >> (ups + at_end)
        changes = [""] * number
        for up in range(ups):
            changes[up * number // ups] = "up"
        order = arranged(groups, blocks, changes, group_first=not fcs)
        # A map of twice the size that is scaled down: there is no other place for that.
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
        styled = bool(plan.full_blocks) or len(fcs) > MOST_MAPPINGS
        mapped = [norms for norms in fcs if norms or not styled]
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
        self.register_buffer("shift", SHIFT * shift)
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
    """From an image to an image.

    Fully connected layers make a style of the maps that come beside the image, or of a few of its
    pixels where nothing does; it scales and shifts what the stages make.
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
        self.register_buffer("selection", torch.eye(channels, inputs)[..., None, None])
        self.last = nonlinearity(row.last_nonlinearity)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns images, shape (images, channels, size, size).

        Args:
            x: An image in [0, 1] and maps of the same value everywhere, shape (images, inputs,
                input size, input size).
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


class Classifier(nn.Module):
    """From an image to scores of classes: what an attack is on."""

    def __init__(
        self, row: Row, plan: Plan, size: int, channels: int, classes: int, width: int
    ) -> None:
        super().__init__()
        parts = Parts(row)
        blocks, groups = stages(plan, plan.convs[1:])
        number = len(blocks) + len(groups)
        downs = min(2, number) if row.downsampling == "yes" else 0
        changes = [""] * number
        for down in range(downs):
            changes[down * number // downs] = "down"
        whole = plan.pools > 0
        self.trunk = Trunk(
            parts,
            replace(plan, pools=plan.pools - whole),
            [plan.convs[:1], *arranged(groups, blocks, changes)],
            ["down" if downs else "", *changes],
            channels,
            size,
            width,
        )
        self.pool = nn.AdaptiveAvgPool2d(1) if whole else nn.Identity()
        features = self.trunk.filters * (1 if whole else self.trunk.side**2)
        layers: list[nn.Module] = []
        for norms in plan.fcs[:-1]:
            layers += [nn.Linear(features, 4 * width), *parts.flat_norms(4 * width, norms)]
            layers.append(parts.nonlinearity())
            features = 4 * width
        self.body = sequence(layers)
        self.outer = nn.Linear(features, classes)
        self.scale = SCORE_SCALES[row.last_nonlinearity]
        self.last = nonlinearity(row.last_nonlinearity)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Returns scores, shape (images, classes), of images with values in [0, 1]."""
        features = self.pool(self.trunk(2.0 * images - 1.0)).flatten(1)
        scores: torch.Tensor = self.scale * self.last(self.outer(self.body(features)))
        return scores


def filters_at(side: int, width: int) -> int:
    """Returns the filters on maps of a size: fewer on large ones, so that all cost the same."""
    return max(min(2 * width, width * 16 // side), 4)


def stages(plan: Plan, convs: Sequence[int]) -> tuple[list[Stage], list[Stage]]:
    """Returns the blocks, and the convolutions outside of them, some of them side by side."""
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
        groups: Stages that are no blocks: where the size changes, as long as there are any.
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
    """Returns the plan's blocks and so many layers, all of which keep the number of features."""
    layers: list[nn.Module] = [
        parts.full_block(unit, features, partial=plan.partial) for unit in plan.full_blocks
    ]
    for norms in fcs:
        layers += [nn.Linear(features, features), *parts.flat_norms(features, norms)]
        layers.append(parts.nonlinearity())
    return sequence(layers)


def connections(changes: Sequence[str], side: int) -> dict[int, int]:
    """Returns which stage hears of which earlier one, past smaller maps (Isola et al., 2017).

    Args:
        changes: `up`, `down` or empty, for each stage.
        side: Height and width of what comes in.

    Returns:
        Place of the stage that hears, by the place of the one that is heard.
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
