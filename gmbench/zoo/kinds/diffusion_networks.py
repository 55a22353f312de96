"""The network of the diffusion models: a small U-Net conditioned on how noisy its input is."""

from __future__ import annotations

import math

import torch
from torch import nn

from gmbench.zoo.layers import Block, Options, downsampling, nonlinearity, upsampling
from gmbench.zoo.pixels import to_unit

TIME_FEATURES = 32


def time_features(time: torch.Tensor) -> torch.Tensor:
    """Returns sines and cosines of times in (0, 1], shape (n,), as in Vaswani et al., 2017.

    Returns:
        Shape (n, `TIME_FEATURES`).
    """
    half = TIME_FEATURES // 2
    steps = torch.arange(half, dtype=time.dtype) / (half - 1)
    # From one to five hundred half turns over the whole time range.
    angles = time[:, None] * math.pi * (500.0**steps)[None]
    return torch.cat([angles.sin(), angles.cos()], 1)


class TimedBlock(Block):
    """A block whose output is shifted by features of the time.

    Args:
        width: Number of channels in and out.
        options: The options of the GM.
    """

    def __init__(self, width: int, options: Options) -> None:
        super().__init__(width, options)
        self.time = nn.Linear(options["time_width"], width)

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Maps (n, width, height, width) and (n, time width) to the shape of the first."""
        made: torch.Tensor = super().forward(x) + self.time(time)[:, :, None, None]
        return made


class DenoisingUNet(nn.Module):
    """Estimates the clean image from a noisy one (after Ronneberger et al., 2015).

    The first layer already halves height and width, since full size would cost the most; where the
    options ask for skips, the noisy image itself is concatenated again before the last convolution.

    Args:
        channels: 1 or 3.
        size: Height and width of the images.
        options: The options of the GM.
    """

    def __init__(self, channels: int, size: int, options: Options) -> None:
        super().__init__()
        width, time_width = options["width"], options["time_width"]
        levels = options["levels"]
        # At 64 pixels one more halving comes first, so that the blocks again see maps of 16 x 16.
        self.extra = max(size // 32, 1).bit_length() - 1
        widths = [width // 2] * self.extra + [width * min(2**i, 2) for i in range(levels)]
        time_layers: list[nn.Module] = []
        features = TIME_FEATURES
        for _ in range(options["time_layers"]):
            time_layers += [
                nn.Linear(features, time_width),
                nonlinearity(options["block_nonlinearity"]),
            ]
            features = time_width
        self.time = nn.Sequential(*time_layers)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        self.down_blocks = nn.ModuleList()
        self.up_blocks = nn.ModuleList()
        before = channels
        for level, filters in enumerate(widths):
            # The largest maps cost the most; the layout of the image is decided on the small ones.
            blocks = 0 if level < self.extra else 1 if level == self.extra else options["blocks"]
            self.down.append(downsampling(options["downsampling"], before, filters))
            self.down_blocks.append(_blocks(blocks, filters, options))
            after = width // 2 if level == 0 else widths[level - 1]
            self.up_blocks.append(_blocks(blocks, filters, options))
            self.up.append(upsampling(options["upsampling"], filters, after))
            before = filters
        self.nonlinearity = nonlinearity(options["block_nonlinearity"])
        self.skip = options["skip_connection"] == "yes"
        joined = channels if self.skip else 0
        self.last = nn.Conv2d(width // 2 + joined, channels, 3, padding=1)
        self.last_name = options["last_nonlinearity"]
        self.last_nonlinearity = nonlinearity(self.last_name)

    def forward(self, noisy: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """Estimates clean images in the value range of the last non-linearity.

        Args:
            noisy: Shape (n, channels, size, size).
            time: How noisy the images are, as times in (0, 1], shape (n,).
        """
        known = self.time(time_features(time))
        x, kept = noisy, []
        for down, blocks in zip(self.down, self.down_blocks, strict=True):
            x = down(x)
            for block in _list(blocks):
                x = block(x, known)
            kept.append(x)
        for level in reversed(range(len(self.up))):
            if self.skip and level + 1 < len(self.up):
                x = x + kept[level]
            for block in _list(self.up_blocks[level]):
                x = block(x, known)
            x = self.nonlinearity(self.up[level](x))
        if self.skip:
            x = torch.cat([x, noisy], 1)
        image: torch.Tensor = self.last_nonlinearity(self.last(x))
        return image

    def clean(self, noisy: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """Estimates clean images with black at -1 and white at 1."""
        return to_unit(self(noisy, time), self.last_name) * 2.0 - 1.0


def _blocks(number: int, width: int, options: Options) -> nn.ModuleList:
    return nn.ModuleList(TimedBlock(width, options) for _ in range(number))


def _list(blocks: nn.Module) -> nn.ModuleList:
    assert isinstance(blocks, nn.ModuleList)
    return blocks
