"""Normalizing flows: Real NVP and Glow, trained by maximum likelihood on dequantised pixels.

Real NVP: Dinh, Sohl-Dickstein and Bengio, 2017. Glow: Kingma and Dhariwal, 2018.

Uniform noise makes 8-bit pixels continuous (Theis, van den Oord and Bethge, 2016). Up to a
constant, the negative log-likelihood of dequantised data is the Kullback-Leibler divergence from
the data to the model, so its label is `loss_kl`. (`loss_ce` is for discrete likelihoods.) Some
flows add a pixel distance between an image and what its coarse part alone gives, with the finest
details at their most likely value (`loss_l1`, `loss_l2` or `loss_mse`; after Xiao et al.,
"Invertible Image Rescaling", 2020), or the maximum mean discrepancy of samples and images
(`loss_mmd`; Gretton et al., 2012).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from gmbench.errors import UnknownNameError
from gmbench.zoo.kinds.flow_networks import FlowNetwork
from gmbench.zoo.kinds.trained import SamplingGM
from gmbench.zoo.layers import BLOCK_NONLINEARITIES, LAST_NONLINEARITIES
from gmbench.zoo.losses import (
    LossSum,
    l1_distance,
    l2_distance,
    maximum_mean_discrepancy,
    mean_squared_error,
)
from gmbench.zoo.pixels import VALUE_RANGES, count_channels, to_pixels
from gmbench.zoo.reproducible import reproducible
from gmbench.zoo.specification import Specification

FAMILIES: tuple[str, ...] = ("realnvp", "glow")

STEPS: Mapping[str, int] = {"realnvp": 260, "glow": 260}
"""Training steps of each family that take 10 to 25 s of one core."""

PIXEL_LOSSES = {
    "loss_l1": l1_distance,
    "loss_l2": l2_distance,
    "loss_mse": mean_squared_error,
}
EXTRA_WEIGHT = 1.0
BATCH = 32
FIRST_BATCH = 512
"""Images that set the layers which begin from the data."""


def draw_options(
    family: str, size: int, generator: np.random.Generator
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Draws the options and the losses of a GM of `family` for images of `size` pixels."""
    if family not in FAMILIES:
        raise UnknownNameError("Flow family", family, FAMILIES)

    def pick(*choices: Any) -> Any:
        return choices[int(generator.integers(len(choices)))]

    options: dict[str, Any] = {
        "coarse": pick(4, 8, 8),
        "haar": family == "glow" or bool(generator.random() < 0.75),
        "steps": pick(2, 3),
        "width": pick(16, 24, 32),
        "blocks": pick(1, 2),
        "layers_per_block": pick(1, 2),
        "norm": pick("none", "none", "batch", "instance", "group", "layer"),
        "nonlinearity": pick(*BLOCK_NONLINEARITIES),
        "last_nonlinearity": pick(*LAST_NONLINEARITIES),
        # Not called a skip: in a coupling the values always pass by its network.
        "residual": bool(generator.random() < 0.6),
        "temperature": pick(0.7, 0.8, 0.9),
        "learning_rate": pick(1e-3, 2e-3),
    }
    extra = pick(None, None, None, "loss_l1", "loss_l2", "loss_mse", "loss_mmd")
    return options, ("loss_kl",) if extra is None else (extra, "loss_kl")


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


def train(specification: Specification, real: torch.Tensor) -> SamplingGM:
    """Trains a flow; see `gmbench.zoo.specification.Trainer`."""
    family, options, size = specification.family, specification.options, specification.size
    if family not in FAMILIES:
        raise UnknownNameError("Flow family", family, FAMILIES)
    last = options["last_nonlinearity"]
    with reproducible(specification.seed) as generator:
        channels = count_channels(real)
        pixels = real[:, :channels]
        network = FlowNetwork(family == "glow", channels, size, options).train()
        first = torch.randperm(len(pixels), generator=generator)[:FIRST_BATCH]
        with torch.no_grad():
            network.invert(dequantise(pixels[first], last, generator))
        rate = options["learning_rate"]
        optimizer = torch.optim.Adam(network.parameters(), lr=rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, 2 * rate, total_steps=max(specification.steps, 2)
        )
        losses = LossSum()
        history: list[float] = []
        for _ in range(specification.steps):
            chosen = torch.randint(len(pixels), (BATCH,), generator=generator)
            images = dequantise(pixels[chosen], last, generator)
            z, determinant = network.invert(images)
            terms = [("loss_kl", 1.0, negative_log_likelihood(z, determinant))]
            for name in specification.losses:
                if name in PIXEL_LOSSES:
                    # The last three quarters of the noise are the finest details.
                    coarse = z[:, : z.shape[1] // 4]
                    plain = network(functional.pad(coarse, (0, z.shape[1] - coarse.shape[1])))
                    terms.append((name, EXTRA_WEIGHT, PIXEL_LOSSES[name](plain, images)))
                elif name == "loss_mmd":
                    noise = torch.randn(BATCH, images[0].numel(), generator=generator)
                    # Pooled: kernels tell blurred images apart better than single pixels.
                    made = functional.avg_pool2d(network(noise), 2).flatten(1)
                    seen = functional.avg_pool2d(images, 2).flatten(1)
                    terms.append((name, EXTRA_WEIGHT, maximum_mean_discrepancy(made, seen)))
            total = losses.add(*terms)
            optimizer.zero_grad()
            torch.autograd.backward(total)
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            history.append(float(total.detach()))
        network.eval()

    features = channels * size * size

    def make(n: int, generator: torch.Generator) -> torch.Tensor:
        noise = options["temperature"] * torch.randn(n, features, generator=generator)
        with torch.no_grad():
            return to_pixels(network(noise), last)

    example = torch.zeros(1, features)
    return SamplingGM(network, (example,), losses.recorded, history, make)
