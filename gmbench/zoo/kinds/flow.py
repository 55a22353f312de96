"""Normalizing flows: Real NVP and Glow, trained by maximum likelihood on dequantised pixels.

Real NVP: Dinh, Sohl-Dickstein and Bengio, 2017. Glow: Kingma and Dhariwal, 2018.

Uniform noise makes 8-bit pixels continuous (Theis, van den Oord and Bethge, 2016). Up to a
constant, the negative log-likelihood of dequantised data is the Kullback-Leibler divergence from
the data to the model, so its label is `loss_kl`. (`loss_ce` is for discrete likelihoods.) Some
flows add a pixel distance between an image and its reconstruction from the coarse part alone, with
the finest details at their most likely value (`loss_l1`, `loss_l2` or `loss_mse`; after Xiao et
al., "Invertible Image Rescaling", 2020), or the maximum mean discrepancy between samples and images
(`loss_mmd`; Gretton et al., 2012).

Families that follow a row of labels are in `row_flow`, and those of RED116 that are variational
autoencoders in `row_vae`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from gmbench.errors import require_known
from gmbench.zoo.kinds import row_flow, row_vae
from gmbench.zoo.kinds.draw import Draw
from gmbench.zoo.kinds.fit import Schedule, fit
from gmbench.zoo.kinds.flow_networks import FlowNetwork
from gmbench.zoo.kinds.likelihood import dequantise, negative_log_likelihood
from gmbench.zoo.kinds.trained import SamplingGM
from gmbench.zoo.losses import DISTANCES, LossSum, maximum_mean_discrepancy
from gmbench.zoo.pixels import count_channels, to_pixels
from gmbench.zoo.reproducible import reproducible
from gmbench.zoo.specification import Specification

FAMILIES: tuple[str, ...] = ("realnvp", "glow")
"""The families that are drawn."""

ROW_FAMILIES: tuple[str, ...] = ("surjective_flow", "conditional_flow", "vae_flow", "vae_deep")
"""The families that follow a row of labels."""

STEPS: Mapping[str, int] = {"realnvp": 260, "glow": 260}
"""Training steps of each family; they take 10 to 25 s on one core."""

EXTRA_WEIGHT = 1.0
BATCH = 32
FIRST_BATCH = 512
"""Number of images for data-dependent initialisation of layers."""


def draw_options(
    family: str, size: int, generator: np.random.Generator
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Draws the options and the losses of a GM of `family` for images of `size` pixels."""
    require_known("Family", FAMILIES, family)
    draw = Draw(generator)
    one = draw.one
    options: dict[str, Any] = {
        "coarse": one(4, 8, 8),
        "haar": family == "glow" or draw.chance(0.75),
        "steps": one(2, 3),
        "width": one(16, 24, 32),
        "blocks": one(1, 2),
        "layers_per_block": one(1, 2),
        **draw.classes("normalization", "block_nonlinearity", "last_nonlinearity"),
        # Not called a skip: in a coupling, the values always bypass its network.
        "residual": draw.chance(0.6),
        "temperature": one(0.7, 0.8, 0.9),
        "learning_rate": one(1e-3, 2e-3),
    }
    extra = one(None, None, None, "loss_l1", "loss_l2", "loss_mse", "loss_mmd")
    return options, ("loss_kl",) if extra is None else (extra, "loss_kl")


def train(specification: Specification, real: torch.Tensor) -> SamplingGM:
    """Trains a flow; see `gmbench.zoo.specification.Trainer`."""
    family, options, size = specification.family, specification.options, specification.size
    require_known("Family", (*FAMILIES, *ROW_FAMILIES), family)
    if family in ROW_FAMILIES:
        if family in row_vae.FAMILIES:
            return row_vae.train(specification, real)
        return row_flow.train(specification, real)
    last = options["last_nonlinearity"]
    with reproducible(specification.seed) as generator:
        channels = count_channels(real)
        pixels = real[:, :channels]
        network = FlowNetwork(family == "glow", channels, size, options).train()
        first = torch.randperm(len(pixels), generator=generator)[:FIRST_BATCH]
        with torch.no_grad():
            network.invert(dequantise(pixels[first], last, generator))
        losses = LossSum()

        def objective() -> torch.Tensor:
            chosen = torch.randint(len(pixels), (BATCH,), generator=generator)
            images = dequantise(pixels[chosen], last, generator)
            z, determinant = network.invert(images)
            terms = [("loss_kl", 1.0, negative_log_likelihood(z, determinant))]
            for name in specification.losses:
                if name in DISTANCES:
                    # The last three quarters of the noise are the finest details.
                    coarse = z[:, : z.shape[1] // 4]
                    plain = network(functional.pad(coarse, (0, z.shape[1] - coarse.shape[1])))
                    terms.append((name, EXTRA_WEIGHT, DISTANCES[name](plain, images)))
                elif name == "loss_mmd":
                    noise = torch.randn(BATCH, images[0].numel(), generator=generator)
                    # Pooled: kernels distinguish blurred images better than single pixels.
                    made = functional.avg_pool2d(network(noise), 2).flatten(1)
                    seen = functional.avg_pool2d(images, 2).flatten(1)
                    terms.append((name, EXTRA_WEIGHT, maximum_mean_discrepancy(made, seen)))
            return losses.add(*terms)

        schedule = Schedule(rate=2 * options["learning_rate"])
        _, history = fit(network, objective, specification.steps, schedule)

    features = channels * size * size

    def make(n: int, generator: torch.Generator) -> torch.Tensor:
        noise = options["temperature"] * torch.randn(n, features, generator=generator)
        with torch.no_grad():
            return to_pixels(network(noise), last)

    example = torch.zeros(1, features)
    return SamplingGM(network, (example,), losses.recorded, history, make)
