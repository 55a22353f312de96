"""Networks that match a row of labels.

Their measured labels are those of the row, where possible: `row_plan` distributes the layers, and
`row_networks` arranges them. Layers are narrow, and deep parts are either sums or parallel, so that
any row can be trained in seconds.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from gmbench.errors import GmbenchError
from gmbench.zoo.kinds.row_networks import FullGenerator, ImageGenerator, NoiseGenerator
from gmbench.zoo.kinds.row_plan import WIDTHS, Ends, Row, plan_row

MOST_PRODUCTS = 10_000_000
"""Maximum number of multiplications per image; a wide network may not be affordable."""


def build(
    row: Row,
    size: int,
    channels: int,
    inputs: int,
    width: int = 0,
    input_size: int = 0,
    *,
    styled: bool = False,
) -> nn.Module:
    """Returns a generator with fresh weights.

    Args:
        row: Row to build. Its `upsampling` needs an image to be enlarged.
        size: Height and width of the generated images, 32 or 64.
        channels: Their channels, 1 (grey) or 3.
        inputs: Features of the noise, or channels of the images that it starts from: first those
            of an image, then maps of noise or a class.
        width: Filters at 16 x 16 pixels, one of `WIDTHS`; fewer where they would cost too much, and
            0 for as many as are affordable. Without convolutions, an eighth of a layer's features.
        input_size: Height and width of the images that it starts from: `size`, a half or a
            quarter of it; 0 for noise.
        styled: Whether noise enters each stage, where the row has layers for that.

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
    width = affordable_width(row, size, channels, inputs, width, input_size)
    return _built(row, size, channels, inputs, width, input_size, styled)


def _built(
    row: Row,
    size: int,
    channels: int,
    inputs: int,
    width: int,
    input_size: int,
    styled: bool = False,
) -> nn.Module:
    if input_size:
        plan = plan_row(row, Ends(convs=2, fcs=min(row.fc_layers, 1)))
        if "yes" == row.skip_connection == row.downsampling:
            # A connection restores what is lost on small maps from before; it forms no block.
            plan = replace(plan, connected=True)
        return ImageGenerator(row, plan, size, channels, inputs, width, input_size)
    if not row.conv_layers:
        return FullGenerator(row, plan_row(row, Ends(0, 1)), size, channels, inputs, 8 * width)
    plan = plan_row(row, Ends(convs=1, fcs=min(row.fc_layers, 1)))
    return NoiseGenerator(row, plan, size, channels, inputs, width, styled)


def affordable_width(
    row: Row, size: int, channels: int, inputs: int, most: int = 0, input_size: int = 0
) -> int:
    """Returns the largest of `WIDTHS` with at most `MOST_PRODUCTS` per image, or else the smallest.

    Args:
        row: Row to build.
        size: Height and width of the generated images.
        channels: Their channels.
        inputs: Input features or channels; see `build`.
        most: The largest width to consider; 0 for all.
        input_size: See `build`.
    """
    shape = (1, inputs, input_size, input_size) if input_size else (1, inputs)
    for width in WIDTHS[:-1]:
        if width <= (most or width):
            with torch.device("meta"):
                network = _built(row, size, channels, inputs, width, input_size).eval()
                if products(network, torch.zeros(shape)) <= MOST_PRODUCTS:
                    return width
    return WIDTHS[-1]


def products(network: nn.Module, example: torch.Tensor) -> int:
    """Counts the multiplications of a network's layers with weights on an example."""
    found: list[int] = []

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        # Each weight meets each position, of which a transposed convolution puts out four times as
        # many as go in.
        larger = 4 if isinstance(module, nn.ConvTranspose2d) else 1
        found.append(weight.numel() * output[0, 0].numel() // larger)

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
