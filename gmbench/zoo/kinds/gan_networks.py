"""Networks of the GANs: three generators from noise, and one from an image.

Options that the generators read (JSON values):

| option | meaning |
|---|---|
| `latent` | features of the noise |
| `width` | filters at full resolution (features of a hidden layer in `mlp`) |
| `blocks` | blocks at each resolution (`dcgan`, `residual`); hidden or middle blocks otherwise |
| `layers_per_block` | convolutional or fully connected layers in one block |
| `fc_layers` | fully connected layers before the first convolution |
| `pool_layers` | resolutions, from the first on, followed by a 3 x 3 average pool of stride 1 |
| `normalization`, `block_nonlinearity`, `last_nonlinearity`, `upsampling` | names from `layers` |
| `skip_connection` | `no` or `yes` |
| `downsampling` | `no`, or one of `layers.DOWNSAMPLINGS` |

A `row` of labels (`row_plan.Row.to_dict`) among the options determines all of these except `latent`
and, if given, `width`; the network is then one of `row_generator`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from gmbench.zoo.kinds.draw import Draw
from gmbench.zoo.kinds.row_generator import build
from gmbench.zoo.kinds.row_plan import Row
from gmbench.zoo.layers import (
    DOWNSAMPLINGS,
    FLAT_NORMALIZATIONS,
    UPSAMPLINGS,
    Block,
    Options,
    downsampling,
    flat_normalization,
    nonlinearity,
    sequence,
    step,
    upsampling,
)

#: Height and width after the first fully connected layer of a convolutional generator.
FIRST_SIZE = 4
#: Maximum number of filters of one convolution, as a multiple of the width.
MOST_FILTERS = 4
#: Families of replicas whose noise enters each stage of the network.
STYLED: tuple[str, ...] = ("style", "biggan")


class UpBlock(nn.Module):
    """Doubles height and width; a skip adds an up-sampling of the input with smaller kernels."""

    def __init__(self, channels: int, filters: int, options: Options) -> None:
        super().__init__()
        self.body = step(upsampling(options["upsampling"], channels, filters), filters, options)
        self.shortcut: nn.Module | None = None
        if options["skip_connection"] == "yes":
            self.shortcut = (
                nn.ConvTranspose2d(channels, filters, 2, stride=2)
                if options["upsampling"] == "transposed_conv"
                else sequence([nn.Upsample(scale_factor=2), nn.Conv2d(channels, filters, 1)])
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns shape (images, filters, 2 height, 2 width)."""
        y: torch.Tensor = self.body(x)
        return y if self.shortcut is None else y + self.shortcut(x)


class Hourglass(nn.Module):
    """Halves height and width and doubles them again: down-sampling inside a generator."""

    def __init__(self, channels: int, options: Options) -> None:
        super().__init__()
        self.body = nn.Sequential(
            step(downsampling(options["downsampling"], channels, channels), channels, options),
            step(upsampling(options["upsampling"], channels, channels), channels, options),
        )
        self.skip = options["skip_connection"] == "yes"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the same shape, (images, channels, height, width)."""
        y: torch.Tensor = self.body(x)
        return x + y if self.skip else y


class ConvolutionalGenerator(nn.Module):
    """Fully connected layers on noise, then up-sampling from 4 x 4 to the full size.

    Without skips, it follows DCGAN (Radford, Metz and Chintala, 2016); with skips around every
    block, the ResNet generators (Gulrajani et al., 2017; Miyato et al., 2018).
    """

    def __init__(self, inputs: int, size: int, channels: int, options: Options) -> None:
        super().__init__()
        width = int(options["width"])
        resolutions = size.bit_length() - FIRST_SIZE.bit_length()
        filters = [width * min(MOST_FILTERS, 2**k) for k in reversed(range(resolutions + 1))]
        hidden: list[nn.Module] = []
        for _ in range(options["fc_layers"] - 1):
            hidden += [nn.Linear(inputs, inputs), nonlinearity(options["block_nonlinearity"])]
        self.project = nn.Sequential(*hidden, nn.Linear(inputs, filters[0] * FIRST_SIZE**2))
        self.first = step(nn.Identity(), filters[0], options)
        stages: list[nn.Module] = []
        for k in range(resolutions):
            stages.append(UpBlock(filters[k], filters[k + 1], options))
            # Blocks are at the low resolutions only: at full size they would cost the most.
            if k < resolutions - 1:
                stages += [Block(filters[k + 1], options) for _ in range(options["blocks"])]
            if k < options["pool_layers"]:
                stages.append(nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False))
            if k == resolutions - 2 and options["downsampling"] != "no":
                stages.append(Hourglass(filters[k + 1], options))
        self.stages = nn.Sequential(*stages)
        self.last = nn.Sequential(
            nn.Conv2d(filters[-1], channels, 3, padding=1),
            nonlinearity(options["last_nonlinearity"]),
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Returns images, shape (images, channels, size, size), from noise (images, inputs)."""
        x = self.project(z).view(len(z), -1, FIRST_SIZE, FIRST_SIZE)
        y: torch.Tensor = self.last(self.stages(self.first(x)))
        return y


class FullBlock(Block):
    """A block of fully connected layers, for shape (images, features)."""

    def step(self, features: int, options: Options) -> nn.Sequential:
        """Returns a fully connected layer with its norm and non-linearity."""
        return full_step(nn.Linear(features, features), options)


def full_step(layer: nn.Linear, options: Options) -> nn.Sequential:
    """Returns a fully connected layer with its norm and non-linearity."""
    return sequence(
        [
            layer,
            flat_normalization(options["normalization"], layer.out_features),
            nonlinearity(options["block_nonlinearity"]),
        ]
    )


class FullGenerator(nn.Module):
    """Fully connected layers from noise to an image (Goodfellow et al., 2014).

    The option `upsampling` may be `no`; otherwise, the fully connected layers make eight maps of
    half the size, and one up-sampling makes the image.
    """

    MAPS = 8

    def __init__(self, inputs: int, size: int, channels: int, options: Options) -> None:
        super().__init__()
        width = int(options["width"])
        self.first = full_step(nn.Linear(inputs, width), options)
        self.blocks = nn.Sequential(*(FullBlock(width, options) for _ in range(options["blocks"])))
        self.shape = (channels, size, size)
        enlarge: list[nn.Module] = []
        if options["upsampling"] != "no":
            self.shape = (self.MAPS, size // 2, size // 2)
            enlarge = [upsampling(options["upsampling"], self.MAPS, channels)]
        self.project = nn.Linear(width, self.shape[0] * self.shape[1] * self.shape[2])
        self.last = nn.Sequential(*enlarge, nonlinearity(options["last_nonlinearity"]))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Returns images, shape (images, channels, size, size), from noise (images, inputs)."""
        x = self.project(self.blocks(self.first(z)))
        y: torch.Tensor = self.last(x.view(-1, *self.shape))
        return y


class TranslationGenerator(nn.Module):
    """Maps an image to an image of the full size.

    With `downsampling`, it has an encoder, blocks at the low resolution and a decoder; skips join
    encoder and decoder as in pix2pix (Isola et al., 2017) and bypass the blocks. With
    `downsampling` `no`, the input is small, and blocks and up-sampling enlarge it as in SRGAN
    (Ledig et al., 2017).
    """

    def __init__(self, inputs: int, channels: int, options: Options) -> None:
        super().__init__()
        width, steps = int(options["width"]), int(options["resolutions"])
        self.encodes = options["downsampling"] != "no"
        self.joins = self.encodes and options["skip_connection"] == "yes"
        filters = [width * min(MOST_FILTERS, 2**k) for k in range(steps + 1)]
        start = filters[0] if self.encodes else filters[-1]
        # The fewest filters at a high resolution, or the most on a small input.
        self.first = sequence(
            [
                nn.Conv2d(inputs, start, 3, padding=1),
                nonlinearity(options["block_nonlinearity"]),
            ]
        )
        self.down = nn.ModuleList(
            step(
                downsampling(options["downsampling"], filters[k], filters[k + 1]),
                filters[k + 1],
                options,
            )
            for k in range(steps if self.encodes else 0)
        )
        self.blocks = nn.Sequential(
            *(Block(filters[-1], options) for _ in range(options["blocks"]))
        )
        plain = {**options, "skip_connection": "no"}
        self.up = nn.ModuleList(
            UpBlock(filters[k + 1] * (2 if self.joins and k < steps - 1 else 1), filters[k], plain)
            for k in reversed(range(steps))
        )
        self.last = nn.Sequential(
            nn.Conv2d(filters[0] * (2 if self.joins else 1), channels, 3, padding=1),
            nonlinearity(options["last_nonlinearity"]),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns images, shape (images, channels, size, size), from values in [0, 1]."""
        x = self.first(x)
        levels = []
        for down in self.down:
            levels.append(x)
            x = down(x)
        x = self.blocks(x)
        for up in self.up:
            x = up(x)
            if self.joins:
                x = torch.cat([x, levels.pop()], dim=1)
        y: torch.Tensor = self.last(x)
        return y


def build_generator(
    family: str, size: int, channels: int, options: Options, inputs: int
) -> nn.Module:
    """Returns a generator with fresh weights.

    Args:
        family: `mlp`, `dcgan`, `residual` or `image_to_image`; any name where there is a row.
        size: Height and width of the images in pixels.
        channels: 1 (grey) or 3.
        options: See the table of the module.
        inputs: Input features (noise and, if any, the class), or channels of an input image.
    """
    if "row" in options:
        starts = options["input_size"] if "degradation" in options else 0
        row = Row.of(options["row"])
        width = options.get("width", 0)
        return build(row, size, channels, inputs, width, starts, styled=family in STYLED)
    if family == "mlp":
        return FullGenerator(inputs, size, channels, options)
    if family == "image_to_image":
        return TranslationGenerator(inputs, channels, options)
    return ConvolutionalGenerator(inputs, size, channels, options)


def draw_generator(family: str, size: int, draw: Draw) -> dict[str, Any]:
    """Draws the options of a generator that starts from noise.

    Args:
        family: `mlp`, `dcgan` or `residual`.
        size: Height and width of the images in pixels.
        draw: Source of all randomness.
    """
    one, between = draw.one, draw.between
    options: dict[str, Any] = {
        "layers_per_block": between(1, 3),
        **draw.classes("normalization", "last_nonlinearity", "block_nonlinearity", "upsampling"),
    }
    if family == "mlp":
        return options | {
            "width": round(2 ** draw.generator.uniform(6.0, 9.0)),
            "blocks": between(1, 5),
            "fc_layers": 0,
            "pool_layers": 0,
            "normalization": one(*FLAT_NORMALIZATIONS),
            "upsampling": one("no", *UPSAMPLINGS),
            "skip_connection": one("no", "yes"),
            "downsampling": "no",
        }
    # Skips around blocks are identities; those beside up-samplings have weights of their own.
    blocks = between(1 if family == "residual" else 0, 2)
    # More convolutions, fewer filters: every GM takes about the same time to train.
    widest = (24 if size <= 32 else 12) - 3 * blocks * options["layers_per_block"]
    return options | {
        "width": between(8, max(8, widest)),
        "blocks": blocks,
        "fc_layers": between(1, 4),
        "pool_layers": one(0, 0, 1, 2, 3),
        "skip_connection": "yes" if family == "residual" else "no",
        "downsampling": one("no", "no", *DOWNSAMPLINGS),
    }
