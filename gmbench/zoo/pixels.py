"""Conversion between 8-bit images and network outputs: a fixed rule per last non-linearity.

| last non-linearity | black (0) | white (255) | beyond |
|---|---|---|---|
| tanh | -1 | 1 | cannot occur |
| sigmoid | 0 | 1 | cannot occur |
| relu | 0 | 1 | above 1 is clipped to white |
| leaky_relu | -1 | 1 | clipped to black and white |

Between black and white the rule is linear, and the last step rounds to whole numbers.
"""

from __future__ import annotations

import math

import torch

from gmbench.zoo.layers import LEAKY_SLOPE

#: Network values that represent black and white, by the last non-linearity.
VALUE_RANGES: dict[str, tuple[float, float]] = {
    "tanh": (-1.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "relu": (0.0, 1.0),
    "leaky_relu": (-1.0, 1.0),
}


def count_channels(real: torch.Tensor) -> int:
    """Returns 1 for grey content (three equal channels in every image), else 3.

    Args:
        real: Shape (images, 3, size, size), uint8.
    """
    grey = bool((real[:, :1] == real[:, 1:]).all())
    return 1 if grey else 3


def to_values(pixels: torch.Tensor, last: str, channels: int = 3) -> torch.Tensor:
    """Returns 8-bit images in the value range of a network.

    Args:
        pixels: Shape (images, 3, height, width), uint8.
        last: Last non-linearity of the network, a key of `VALUE_RANGES`.
        channels: 3, or 1 to keep one channel of grey images.

    Returns:
        Shape (images, channels, height, width), float32.
    """
    black, white = VALUE_RANGES[last]
    return pixels[:, :channels].to(torch.float32) * ((white - black) / 255.0) + black


def to_pixels(values: torch.Tensor, last: str) -> torch.Tensor:
    """Returns a network's output as 8-bit images; one channel becomes three equal ones.

    Args:
        values: Shape (images, 1 or 3, height, width).
        last: Last non-linearity of the network, a key of `VALUE_RANGES`.

    Returns:
        Shape (images, 3, height, width), uint8.
    """
    unit = to_unit(values.detach(), last).clamp(0.0, 1.0)
    pixels = (unit * 255.0).round().to(torch.uint8)
    return pixels.expand(-1, 3, -1, -1).contiguous()


def to_unit(values: torch.Tensor, last: str) -> torch.Tensor:
    """Returns a network's output with black at 0 and white at 1, without clipping."""
    black, white = VALUE_RANGES[last]
    return (values - black) / (white - black)


def first_values(last: str, brightness: float) -> tuple[float, float]:
    """Returns the mean and standard deviation that the last layer should start with.

    They make the first images as bright as the real ones, within the range where the last
    non-linearity has a slope. Starting elsewhere, a generator overshoots into black or white, where
    ReLU, tanh and sigmoid pass no gradient back.

    Args:
        last: Last non-linearity, a key of `VALUE_RANGES`.
        brightness: Mean of the real images, in [0, 1].
    """
    m = min(max(brightness, 0.05), 0.95)
    if last in ("tanh", "sigmoid"):
        logit = math.log(m / (1.0 - m))
        return (logit, 0.5) if last == "sigmoid" else (0.5 * logit, 0.25)
    if last == "relu":
        return max(m, 0.15), 0.1
    centred = 2.0 * m - 1.0
    return centred if centred > 0.0 else centred / LEAKY_SLOPE, 0.3
