"""The attacked classifier that follows a row of labels, and the warping of images.

Where a row has no down-sampling, squares of pixels are folded into channels before the first layer.
This is a mere rearrangement, but lets the layers work on small maps at a fraction of the cost.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional

from gmbench.errors import GmbenchError
from gmbench.zoo.kinds.block_sizes import composition, shared
from gmbench.zoo.layers import SCORE_SCALES, Options, nonlinearity, normalization

BRANCHES = 3
"""Parallel chains in a block of more than `CHAIN` convolutions (as in Szegedy et al., 2017)."""

CHAIN = 5
"""Maximum number of convolutions in a block that is a single chain."""


def fold(x: torch.Tensor, side: int) -> torch.Tensor:
    """Folds squares of pixels into channels: (n, c, h, w) to (n, c side^2, h/side, w/side)."""
    n, channels, height, width = x.shape
    parts = x.reshape(n, channels, height // side, side, width // side, side)
    return parts.permute(0, 1, 3, 5, 2, 4).reshape(n, -1, height // side, width // side)


class _Chain(nn.Sequential):
    """Convolutions with norms and non-linearities; the last convolution has no non-linearity."""

    def __init__(self, before: int, width: int, layers: Mapping[str, int], row: Options) -> None:
        norms = shared(layers.get("norm", 0), [1] * layers["conv"])
        parts: list[nn.Module] = []
        for place in range(layers["conv"]):
            if place:
                parts.append(nonlinearity(row["block_nonlinearity"]))
            # Every second convolution is 1 x 1.
            kernel = 1 if place % 2 else 3
            parts.append(nn.Conv2d(before, width, kernel, padding=kernel // 2))
            parts += [normalization(row["normalization"], width) for _ in range(norms[place])]
            before = width
        super().__init__(*parts)


class _Branched(nn.Module):
    """Parallel chains, joined by a convolution."""

    def __init__(self, width: int, layers: Mapping[str, int], row: Options) -> None:
        super().__init__()
        convs, norms = (
            shared(layers.get(kind, 0) - least, [1] * BRANCHES)
            for kind, least in (("conv", 1), ("norm", 0))
        )
        narrow = max(width // 2, 4)
        self.branches = nn.ModuleList(
            _Chain(width, narrow, {"conv": conv, "norm": norm}, row)
            for conv, norm in zip(convs, norms, strict=True)
        )
        self.nonlinearity = nonlinearity(row["block_nonlinearity"])
        self.join = nn.Conv2d(BRANCHES * narrow, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keeps the shape (n, width, height, width)."""
        made = torch.cat([branch(x) for branch in self.branches], 1)
        out: torch.Tensor = self.join(self.nonlinearity(made))
        return out


class _Residual(nn.Module):
    """A block with a residual connection around it."""

    def __init__(self, width: int, layers: Mapping[str, int], row: Options) -> None:
        super().__init__()
        self.body: nn.Module = (
            _Branched(width, layers, row)
            if layers["conv"] > CHAIN
            else _Chain(width, width, layers, row)
        )
        self.nonlinearity = nonlinearity(row["block_nonlinearity"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keeps the shape (n, width, height, width)."""
        out: torch.Tensor = self.nonlinearity(x + self.body(x))
        return out


class RowClassifier(nn.Module):
    """Residual blocks at a single resolution, then pooling and scores (after Szegedy et al., 2017).

    Args:
        channels: 1 or 3.
        size: Height and width of the images.
        options: `row`, `width`, `classes` and `folded` (height and width of the maps).
    """

    def __init__(self, channels: int, size: int, options: Options) -> None:
        super().__init__()
        row, width = options["row"], options["width"]
        if row["pool_layers"] < 1 or row["fc_layers"] < 1:
            raise GmbenchError("A classifier has a pooling and a fully connected layer at least.")
        self.side = size // options["folded"]
        self.strided = row["downsampling"] == "yes"
        self.first = (
            nn.Conv2d(channels, width, self.side, stride=self.side)
            if self.strided
            else nn.Conv2d(channels * self.side**2, width, 3, padding=1)
        )
        layers = {"conv": row["conv_layers"] - 1, "norm": row["norm_layers"]}
        found = composition(layers, row["blocks"], row["layers_per_block"], tuple(layers))
        self.blocks = nn.Sequential(*(_Residual(width, each, row) for each in found))
        self.pools = nn.Sequential(
            *(nn.MaxPool2d(3, 1, padding=1) for _ in range(row["pool_layers"] - 1)),
            nn.AdaptiveAvgPool2d(1),
        )
        hidden: list[nn.Module] = []
        for _ in range(row["fc_layers"] - 1):
            hidden += [nn.Linear(width, width), nonlinearity(row["block_nonlinearity"])]
        self.hidden = nn.Sequential(*hidden)
        self.last = nn.Linear(width, options["classes"])
        self.last_nonlinearity = nonlinearity(row["last_nonlinearity"])
        self.scale = SCORE_SCALES[row["last_nonlinearity"]]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Returns the class scores, shape (n, classes), of images in [0, 1]."""
        x = 2 * images - 1
        x = self.blocks(self.first(x if self.strided else fold(x, self.side)))
        x = self.hidden(self.pools(x).flatten(1))
        scores: torch.Tensor = self.scale * self.last_nonlinearity(self.last(x))
        return scores


def warp(images: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Warps images by a grid of displacements, interpolated smoothly between its points.

    Args:
        images: Shape (n, channels, size, size).
        points: Where each point takes its value from, relative to itself, in units of half the
            image; shape (n, 2, rows, columns), x before y.

    Returns:
        Same shape as `images`.
    """
    height, width = images.shape[2:]
    smooth = functional.interpolate(points, (height, width), mode="bicubic", align_corners=True)
    rows = torch.linspace(-1, 1, height)[:, None].expand(height, width)
    columns = torch.linspace(-1, 1, width).expand(height, width)
    places = torch.stack([columns, rows], -1) + smooth.permute(0, 2, 3, 1)
    return functional.grid_sample(images, places, padding_mode="border", align_corners=True)
