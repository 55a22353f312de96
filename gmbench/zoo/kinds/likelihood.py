"""What flows are trained on: pixels that noise has made continuous, and how likely they are."""

from __future__ import annotations

import math

import torch

from gmbench.zoo.pixels import VALUE_RANGES


def dequantise(real: torch.Tensor, last: str, generator: torch.Generator) -> torch.Tensor:
    """8-bit images as numbers strictly inside the value range of `last`, spread evenly."""
    black, white = VALUE_RANGES[last]
    # In doubles: in single precision a number just under 256 is rounded to it.
    noise = torch.rand(real.shape, generator=generator, dtype=torch.float64)
    unit = (real.double() + noise.clamp(1e-6, 1 - 1e-6)) / 256
    return (unit * (white - black) + black).float()


def negative_log_likelihood(z: torch.Tensor, determinant: torch.Tensor) -> torch.Tensor:
    """Mean over images and dimensions, in nats, up to the constant of the value range.

    Args:
        z: Noise that gives the images, shape (n, dimensions).
        determinant: Log-determinant of the way from images to noise, shape (n,).
    """
    log_density = -0.5 * (z.square() + math.log(2 * math.pi)).sum(1) + determinant
    return -log_density.mean() / z.shape[1]
