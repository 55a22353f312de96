"""Diffusion GMs: DDPM with ancestral sampling, and DDIM.

Both train a network to remove Gaussian noise (Ho, Jain and Abbeel, "Denoising Diffusion
Probabilistic Models", 2020). The network estimates the clean image, so that its last non-linearity
can be any of the schema's; the objective is defined on the noise that follows from the estimate.
With a^2 and s^2 the shares of image and noise in x = a image + s noise, the error of the noise is
a/s times that of the image. The factor is clipped at `LARGEST_FACTOR`, since noise can hardly be
estimated where there is almost none (Hang et al., "Efficient Diffusion Training via Min-SNR",
2023).

The distance between noises is L1, the L2 norm or the mean squared error, alone or together. In
addition to one of them, the variational bound may be included with a small weight; its terms are
divergences between Gaussians (`loss_kl`; Nichol and Dhariwal, "Improved DDPM", 2021). Images are
sampled with an exponential moving average of the weights. DDIM (Song, Meng and Ermon, 2021) adds no
noise during sampling.

`diffusion_unet` follows a row of labels (`row` in the options). It may be conditioned on the class
of an image and trained with further losses (`diffusion_guides`); it samples like DDIM. Its
distances are those of the velocity (Salimans and Ho, "Progressive Distillation", 2022), whose error
is 1/s times that of the image, clipped in the same way; the layout of an image is then learnt
sooner.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from gmbench.errors import require_known
from gmbench.zoo.kinds.diffusion_guides import Guides
from gmbench.zoo.kinds.diffusion_networks import DenoisingUNet
from gmbench.zoo.kinds.diffusion_row_network import RowBlock, RowUNet
from gmbench.zoo.kinds.draw import Draw
from gmbench.zoo.kinds.fit import Schedule, fit
from gmbench.zoo.kinds.k_means import cluster
from gmbench.zoo.kinds.trained import SamplingGM
from gmbench.zoo.layers import start_at_unit_variance
from gmbench.zoo.losses import DISTANCES, LossSum, in_schema_order
from gmbench.zoo.pixels import count_channels, to_pixels, to_values
from gmbench.zoo.reproducible import reproducible
from gmbench.zoo.specification import Specification

FAMILIES: tuple[str, ...] = ("ddpm", "ddim")
"""The families that are drawn."""

ROW_FAMILIES: tuple[str, ...] = ("diffusion_unet",)
"""The families that follow a row of labels."""

STEPS: Mapping[str, int] = {"ddpm": 350, "ddim": 350}
"""Training steps of each family; they take 20 to 40 s on one core."""

LARGEST_FACTOR = 5.0**0.5
BOUND_WEIGHT = 1e-3
MEMORY = 0.99
BATCHES = {32: 32, 64: 16}
"""Images per step of a network that follows a row, by their size; 32 for all others."""

Denoiser = DenoisingUNet | RowUNet


def noise_schedule(steps: int) -> torch.Tensor:
    """Returns the image's share a^2 after each step (cosine schedule; Nichol and Dhariwal, 2021).

    Args:
        steps: T, the number of steps from the image to noise.

    Returns:
        Shape (steps + 1,); the first value is 1, the image without noise.
    """
    time = torch.arange(steps + 1, dtype=torch.float64) / steps
    share = ((time + 0.008) / 1.008 * math.pi / 2).cos().square()
    return (share / share[0]).clamp(min=1e-4).float()


def draw_options(
    family: str, size: int, generator: np.random.Generator
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Draws the options and the losses of a GM of `family` for images of `size` pixels."""
    require_known("Family", FAMILIES, family)
    draw = Draw(generator)
    one = draw.one
    options: dict[str, Any] = {
        "width": one(20, 24, 32),
        "levels": one(3, 4),
        "blocks": one(1, 2),
        "layers_per_block": one(1, 2),
        "time_layers": one(1, 2, 3),
        "time_width": one(32, 64),
        **draw.classes(
            "normalization",
            "block_nonlinearity",
            "last_nonlinearity",
            "upsampling",
            "downsampling",
        ),
        "skip_connection": "yes" if draw.chance(0.75) else "no",
        "noise_steps": one(100, 200, 500, 1000),
        "sampling_steps": one(50, 100) if family == "ddpm" else one(20, 30, 50),
        "learning_rate": one(1e-3, 2e-3),
    }
    name = one(*DISTANCES)
    chosen = {name}
    extra = generator.random()
    if extra < 0.2:
        chosen.add(one(*(other for other in DISTANCES if other != name)))
    elif extra < 0.4:
        chosen.add("loss_kl")
    return options, in_schema_order(chosen)


def train(specification: Specification, real: torch.Tensor) -> SamplingGM:
    """Trains a diffusion GM; see `gmbench.zoo.specification.Trainer`."""
    family, options, size = specification.family, specification.options, specification.size
    require_known("Family", (*FAMILIES, *ROW_FAMILIES), family)
    follows = family in ROW_FAMILIES
    shares = noise_schedule(options["noise_steps"])
    number = BATCHES.get(size, 32) if follows else 32
    with reproducible(specification.seed) as generator:
        channels = count_channels(real)
        values = to_values(real, "tanh", channels)
        classes = torch.zeros(len(values), dtype=torch.int64)
        if options.get("classes") or ("loss_ce" in specification.losses and follows):
            classes = cluster(values, max(options["classes"], 2), generator)
        network = (RowUNet if follows else DenoisingUNet)(channels, size, options)
        network.train()
        guides = Guides(
            specification.losses if follows else (), channels, size, int(classes.max()) + 1
        )

        def told(chosen: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return (classes[chosen],) if options.get("classes") else ()

        def batch() -> torch.Tensor:
            return torch.randint(len(values), (number,), generator=generator)

        time = torch.linspace(0.05, 1.0, number)
        noise = _noise(number, channels, size, generator)
        start_at_unit_variance(network, noise, time, *told(torch.arange(number) % len(values)))
        for module in network.modules():
            if isinstance(module, RowBlock):
                module.quieten()
        losses = LossSum()

        def objective() -> torch.Tensor:
            chosen = batch()
            images = values[chosen]
            terms, estimates = _noise_terms(
                network, images, told(chosen), shares, specification, generator
            )
            return losses.add(*terms, *guides.terms(estimates, images, classes[chosen]))

        def draw_inputs() -> tuple[torch.Tensor, ...]:
            chosen = batch()
            noisy, _, time = _add_noise(values[chosen], shares, generator)
            return noisy, time, *told(chosen)

        average, history = fit(
            network,
            objective,
            specification.steps,
            Schedule(rate=2 * options["learning_rate"], memory=MEMORY),
            partners=[guides.classifier] if guides.classifier else [],
            opponents=[guides.adam] if guides.adam else [],
            draw_inputs=draw_inputs,
        )
        assert isinstance(average, Denoiser)

    def make(n: int, generator: torch.Generator) -> torch.Tensor:
        noise = _noise(n, channels, size, generator)
        extra = 1.0 if family == "ddpm" else 0.0
        # Classes are as frequent as among the real images.
        known = told(torch.randint(len(values), (n,), generator=generator))
        images = denoise(
            average, noise, shares, options["sampling_steps"], extra, generator, *known
        )
        return to_pixels(images, "tanh")

    example = (values[:1], torch.full((1,), 0.5), *told(torch.zeros(1, dtype=torch.int64)))
    return SamplingGM(average, example, losses.recorded, history, make)


def _noise(n: int, channels: int, size: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(n, channels, size, size, generator=generator)


def _add_noise(
    images: torch.Tensor, shares: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Returns noisy images, the step of each, and that step as a time in (0, 1]."""
    steps = len(shares) - 1
    # From step 2: step 1 of the bound is not a divergence, and it is the step with the least noise.
    step = torch.randint(2, steps + 1, (len(images),), generator=generator)
    share = shares[step][:, None, None, None]
    noise = torch.randn(images.shape, generator=generator)
    return share.sqrt() * images + (1 - share).sqrt() * noise, step, step / steps


def _noise_terms(
    network: Denoiser,
    images: torch.Tensor,
    told: tuple[torch.Tensor, ...],
    shares: torch.Tensor,
    specification: Specification,
    generator: torch.Generator,
) -> tuple[list[tuple[str, float, torch.Tensor]], torch.Tensor]:
    """Returns the noise distances, any variational bound, and the estimated clean images."""
    noisy, step, time = _add_noise(images, shares, generator)
    estimate = network.clean(noisy, time, *told)
    share = shares[step][:, None, None, None]
    # For the velocity, which combines noise and image, errors count where there is most noise too.
    scale = torch.ones_like(share) if specification.family in ROW_FAMILIES else share
    factor = (scale / (1 - share)).sqrt().clamp(max=LARGEST_FACTOR)
    terms = []
    for name in specification.losses:
        if name in DISTANCES:
            distance = DISTANCES[name](factor * estimate, factor * images)
            terms.append((name, 1.0, distance))
        elif name == "loss_kl":
            # KL of the two Gaussian steps = half the gain in signal-to-noise ratio times the
            # squared error (Kingma et al., "Variational Diffusion Models", 2021).
            ratios = shares[1:] / (1 - shares[1:])
            gain = ratios[step - 2] - ratios[step - 1]
            errors = (estimate - images).square().flatten(1).mean(1)
            bound = (len(shares) - 1) * (0.5 * gain * errors).mean()
            terms.append((name, BOUND_WEIGHT, bound))
    return terms, estimate


@torch.no_grad()
def denoise(
    network: Denoiser,
    noise: torch.Tensor,
    shares: torch.Tensor,
    sampling_steps: int,
    extra: float,
    generator: torch.Generator,
    *told: torch.Tensor,
) -> torch.Tensor:
    """Generates images from noise, in a subset of the training steps.

    Args:
        network: Estimates clean images.
        noise: Shape (n, channels, size, size), standard Gaussian.
        shares: Result of `noise_schedule`.
        sampling_steps: Number of steps to take.
        extra: 1 for ancestral sampling (DDPM), 0 for no noise between the steps (DDIM); this is eta
            of Song, Meng and Ermon, 2021, equation 16.
        generator: Source of the noise between the steps.
        told: Inputs of the network besides images and time: classes, shape (n,), or nothing.

    Returns:
        Images with black at -1 and white at 1, same shape as `noise`.
    """
    last = len(shares) - 1
    steps = torch.linspace(last, 0, min(sampling_steps, last) + 1).round().long().tolist()
    x = noise
    for step, following in pairwise(steps):
        share, next_share = shares[step], shares[following]
        clean = network.clean(x, torch.full((len(x),), step / last), *told).clamp(-1, 1)
        seen_noise = (x - share.sqrt() * clean) / (1 - share).sqrt()
        variance = extra**2 * (1 - next_share) / (1 - share) * (1 - share / next_share)
        kept = (1 - next_share - variance).clamp(min=0).sqrt()
        x = next_share.sqrt() * clean + kept * seen_noise
        if extra:
            x = x + variance.sqrt() * torch.randn(x.shape, generator=generator)
    return x
