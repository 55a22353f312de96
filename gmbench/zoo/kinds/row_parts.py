"""Parts of the networks that are built from rows of labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn
from torch.nn import functional

from gmbench.zoo.kinds.row_plan import Row, Unit
from gmbench.zoo.layers import flat_normalization, nonlinearity, normalization, sequence

MOST_IN_A_ROW = 3
"""Maximum number of consecutive layers with weights in a block; more of them are parallel."""

GAIN = 0.5
"""Weight of the output of a block's layers in its sum: a deep network starts near the identity."""


class CentredSigmoid(nn.Module):
    """A sigmoid around 0 with slope 1 there; a plain one would let no image through."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the same shape, in (-2, 2)."""
        return 4.0 * (torch.sigmoid(x) - 0.5)


class FeatureNorm(nn.InstanceNorm1d):
    """Instance norm of an image's features as if they were the pixels of one channel."""

    def __init__(self) -> None:
        super().__init__(1, affine=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalizes a tensor of shape (images, features)."""
        return super().forward(x[:, None]).squeeze(1)


class Resize(nn.Module):
    """Interpolates to `factor` times the height and width: repeats pixels, or averages them."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns shape (images, channels, factor * height, factor * width)."""
        mode = "nearest" if self.factor > 1 else "area"
        return functional.interpolate(x, scale_factor=self.factor, mode=mode)


class SideBySide(nn.Module):
    """Parallel branches with the same input; their channels or features are concatenated."""

    def __init__(self, branches: Iterable[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the outputs of all branches, concatenated along the second axis."""
        return torch.cat([branch(x) for branch in self.branches], 1)


class Fit(nn.Module):
    """Changes the size and the number of channels without a layer.

    Maps are interpolated; groups of channels are summed, or channels are repeated.

    Args:
        channels: Input channels.
        filters: Output channels; one of the two is a multiple of the other.
        factor: Scale factor of height and width.
    """

    def __init__(self, channels: int, filters: int, factor: float = 1.0) -> None:
        super().__init__()
        self.filters, self.groups = filters, channels // filters
        self.times = max(1, filters // channels)
        self.resize = nn.Identity() if factor == 1.0 else Resize(factor)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns shape (images, filters, factor * height, factor * width)."""
        x = self.resize(x)
        if self.groups > 1:
            n, _, *sides = x.shape
            x = x.view(n, self.filters, self.groups, *sides).sum(2) / self.groups**0.5
        return x.tile((1, self.times, 1, 1)) if self.times > 1 else x


class Bypass(nn.Module):
    """The sum of a value and a body's output for it.

    Args:
        body: Maps a value to another one.
        around: Makes a value of the same shape, without a layer.
    """

    def __init__(self, body: nn.Module, around: nn.Module) -> None:
        super().__init__()
        self.body, self.around = body, around

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the value plus `GAIN` times the body's output."""
        made: torch.Tensor = self.around(x) + GAIN * self.body(x)
        return made


class Coupling(nn.Module):
    """Half of a value bypasses a body, which changes the other half; the halves are swapped.

    An additive coupling (Dinh, Krueger and Bengio, "NICE", 2015).

    Args:
        body: Maps half of the channels to the other half.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the same shape."""
        kept, changed = x.chunk(2, 1)
        return torch.cat([changed + GAIN * self.body(kept), kept], 1)


class Modulation(nn.Module):
    """Scales and shifts each channel by a style (Perez et al., "FiLM", 2018).

    Args:
        style: Features of the style.
        channels: Channels of the maps.
        number: Number of fully connected layers, each of which scales and shifts once.
    """

    def __init__(self, style: int, channels: int, number: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(style, 2 * channels) for _ in range(number))

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Returns the same shape as `x`, (images, channels, height, width)."""
        for layer in self.layers:
            scale, shift = layer(style)[:, :, None, None].chunk(2, 1)
            x = x * (1.0 + GAIN * scale) + GAIN * shift
        return x


def shares(number: int, places: int) -> list[int]:
    """Divides a number among places as evenly as possible, with the remainder at the first ones."""
    return [number // places + (place < number % places) for place in range(places)]


class Parts:
    """Makes the parts of a row's network; sizes are changed in the way that the row specifies.

    Args:
        row: Row to build.
    """

    def __init__(self, row: Row) -> None:
        self.row = row

    def convolution(self, channels: int, filters: int, side: int = 3) -> nn.Module:
        """Returns a convolution with a square kernel that keeps the size."""
        return nn.Conv2d(channels, filters, side, padding=side // 2)

    def pooling(self) -> nn.Module:
        """Returns a pooling that keeps the size."""
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)

    def nonlinearity(self) -> nn.Module:
        """Returns the non-linearity of the row's blocks."""
        name = self.row.block_nonlinearity
        return CentredSigmoid() if name == "sigmoid" else nonlinearity(name)

    def norms(self, channels: int, number: int) -> list[nn.Module]:
        """Returns `number` norm layers for maps."""
        return [normalization(self.row.normalization, channels) for _ in range(number)]

    def flat_norms(self, features: int, number: int) -> list[nn.Module]:
        """Returns `number` norm layers for features."""
        name = self.row.normalization
        if name == "instance":
            return [FeatureNorm() for _ in range(number)]
        return [flat_normalization(name, features) for _ in range(number)]

    def changing(self, channels: int, filters: int, change: str) -> nn.Module:
        """Returns a convolution that halves (`down`) or doubles (`up`) height and width.

        Where images are enlarged by interpolation, the convolution follows it and keeps the size.
        """
        if change == "down":
            return nn.Conv2d(channels, filters, 4, stride=2, padding=1)
        if not change or self.row.upsampling == "interpolation":
            return self.convolution(channels, filters)
        return nn.ConvTranspose2d(channels, filters, 4, stride=2, padding=1)

    def group(
        self, norms: Sequence[int], channels: int, filters: int, change: str, *, last: bool = False
    ) -> nn.Module:
        """Returns parallel convolutions, each followed by norms, and a non-linearity.

        Args:
            norms: Number of norms after each convolution.
            channels: Input channels.
            filters: Output channels of all convolutions together.
            change: `up`, `down` or empty.
            last: Whether the group ends the network, so that no non-linearity of the blocks
                follows.
        """
        branches = [
            sequence([self.changing(channels, width, change), *self.norms(width, number)])
            for number, width in zip(norms, shares(filters, len(norms)), strict=True)
        ]
        return sequence(
            [
                self._enlarging(change),
                branches[0] if len(branches) == 1 else SideBySide(branches),
                nn.Identity() if last else self.nonlinearity(),
            ]
        )

    def block(
        self, unit: Unit, channels: int, filters: int, change: str, *, partial: bool
    ) -> nn.Module:
        """Returns a bypassed block of convolutions.

        Args:
            unit: Layers of the block.
            channels: Input channels.
            filters: Output channels.
            change: `up`, `down` or empty.
            partial: Whether only half of the channels bypass the block; size and number of channels
                then change before it.
        """
        make = self._in_a_row if unit.convs <= MOST_IN_A_ROW else self._side_by_side
        factor = {"up": 2.0, "down": 0.5}.get(change, 1.0)
        if partial:
            half = filters // 2
            fit = Fit(channels, filters, factor)
            return nn.Sequential(fit, Coupling(make(unit, half, filters - half, "")))
        enlarging = self._enlarging(change)
        fit = Fit(channels, filters, 1.0 if isinstance(enlarging, Resize) else factor)
        return sequence([enlarging, Bypass(make(unit, channels, filters, change), fit)])

    def full_block(self, unit: Unit, features: int, *, partial: bool) -> nn.Module:
        """Returns a bypassed block of fully connected layers, for shape (images, features)."""
        inputs = features // 2 if partial else features
        number = unit.fcs if unit.fcs <= MOST_IN_A_ROW else 2
        layers: list[nn.Module] = []
        for _ in range(number - 1):
            layers += [nn.Linear(inputs, inputs), self.nonlinearity()]
        between = inputs
        if number < unit.fcs:
            width = max(4, inputs // (unit.fcs - 1))
            between = width * (unit.fcs - 1)
            branches = [nn.Linear(inputs, width) for _ in range(unit.fcs - 1)]
            layers = [SideBySide(branches), self.nonlinearity()]
        body = nn.Sequential(
            *layers, nn.Linear(between, features - inputs if partial else features)
        )
        return Coupling(body) if partial else Bypass(body, nn.Identity())

    def _enlarging(self, change: str) -> nn.Module:
        by_interpolation = change == "up" and self.row.upsampling == "interpolation"
        return Resize(2.0) if by_interpolation else nn.Identity()

    def _in_a_row(self, unit: Unit, channels: int, filters: int, change: str) -> nn.Module:
        """Returns norm, non-linearity and convolution in turn, then remaining norms and pools."""
        slots = shares(unit.norms, unit.convs + 1)
        layers: list[nn.Module] = []
        for number in range(unit.convs):
            before = filters if number else channels
            changes = number == (unit.convs - 1 if change == "up" else 0)
            layers += [
                *self.norms(before, slots[number]),
                self.nonlinearity(),
                self.changing(before, filters, change if changes else ""),
            ]
        pools = [self.pooling() for _ in range(unit.pools)]
        return sequence([*layers, *self.norms(filters, slots[-1]), *pools])

    def _side_by_side(self, unit: Unit, channels: int, filters: int, change: str) -> nn.Module:
        """Returns narrow parallel convolutions, and one that mixes them (Szegedy et al., 2015)."""
        number = unit.convs - 1
        width = max(2, filters // number)
        of_branches = shares(min(unit.norms, number), number)
        more = shares(max(0, unit.norms - number), 2)
        branches = [
            sequence(
                [
                    self.changing(channels, width, "down" if change == "down" else ""),
                    *self.norms(width, norms),
                    *(self.pooling() for _ in range(pools)),
                ]
            )
            for norms, pools in zip(of_branches, shares(unit.pools, number), strict=True)
        ]
        joined = number * width
        mix = (
            self.changing(joined, filters, "up")
            if change == "up"
            else self.convolution(joined, filters, 1)
        )
        return sequence(
            [
                *self.norms(channels, more[0]),
                self.nonlinearity(),
                SideBySide(branches),
                *self.norms(joined, more[1]),
                self.nonlinearity(),
                mix,
            ]
        )
