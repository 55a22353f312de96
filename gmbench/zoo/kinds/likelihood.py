"""Training data of flows: pixels that noise has made continuous, and their likelihood."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from gmbench.zoo.pixels import VALUE_RANGES


def dequantise(real: torch.Tensor, last: str, generator: torch.Generator) -> torch.Tensor:
    """Returns 8-bit images with uniform noise, strictly inside the value range of `last`."""
    # In double precision: in single precision, a number just under 256 is rounded to it.
    noise = torch.rand(real.shape, generator=generator, dtype=torch.float64)
    return in_range(real.double() + noise.clamp(1e-6, 1 - 1e-6), last).float()


def in_range(levels: torch.Tensor, last: str) -> torch.Tensor:
    """Maps numbers from 0 to 256, pixels plus noise, to the value range of `last`."""
    black, white = VALUE_RANGES[last]
    return levels / 256 * (white - black) + black


class Dequantiser(nn.Module):
    """Noise between the 256 steps of pixels, learnt to suit a flow best (Ho et al., 2019)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.ELU(),
            nn.Conv2d(width, 2 * channels, 3, padding=1),
        )
        nn.init.zeros_(self.net[2].weight)  # type: ignore[arg-type]

    def forward(
        self, unit: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns noise in (0, 1) for images in [0, 1], and its divergence from uniform noise.

        Returns:
            Same shape as the images, and a scalar, in nats per value.
        """
        mean, log_scale = self.net(2 * unit - 1).chunk(2, 1)
        # Starts nearly uniform: a logistic of standard deviation pi / sqrt 3 is uniform in (0, 1).
        log_scale = log_scale.clamp(-3.0, 1.0) + 0.5
        noise = torch.randn(unit.shape, generator=generator)
        y = mean + log_scale.exp() * noise
        log_density = -0.5 * (noise.square() + math.log(2 * math.pi)) - log_scale
        log_density = log_density - functional.logsigmoid(y) - functional.logsigmoid(-y)
        return torch.sigmoid(y), log_density.mean()


def negative_log_likelihood(z: torch.Tensor, determinant: torch.Tensor) -> torch.Tensor:
    """Returns the mean over images and dimensions, in nats, up to a constant of the value range.

    Args:
        z: Noise of the images, shape (n, dimensions).
        determinant: Log-determinant of the mapping from images to noise, shape (n,).
    """
    log_density = -0.5 * (z.square() + math.log(2 * math.pi)).sum(1) + determinant
    return -log_density.mean() / z.shape[1]
