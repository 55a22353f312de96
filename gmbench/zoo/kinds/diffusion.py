"""Diffusion GMs: DDPM with ancestral sampling, and DDIM.

Both train one network to take away Gaussian noise (Ho, Jain and Abbeel, "Denoising Diffusion
Probabilistic Models", 2020). The network estimates the clean image, so that its last non-linearity
can be any of the schema's; the objective is on the noise that follows from the estimate. With
a^2 and s^2 the shares of image and noise in x = a image + s noise, the error of the noise is a/s
times that of the image. The factor is cut at `LARGEST_FACTOR`, since noise can hardly be told where
there is almost none (Hang et al., "Efficient Diffusion Training via Min-SNR", 2023).

The distance of the noise is L1, the norm L2, or the mean squared error, alone or together; beside
one of them the variational bound may be added with a small weight, whose terms are divergences of
Gaussians (`loss_kl`; Nichol and Dhariwal, "Improved DDPM", 2021). Images come from an exponential
moving average of the weights. DDIM is Song, Meng and Ermon, 2021: no noise is added on the way.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from gmbench.errors import UnknownNameError
from gmbench.zoo.kinds.diffusion_networks import DenoisingUNet
from gmbench.zoo.kinds.trained import SamplingGM
from gmbench.zoo.layers import (
    BLOCK_NONLINEARITIES,
    DOWNSAMPLINGS,
    LAST_NONLINEARITIES,
    UPSAMPLINGS,
    start_at_unit_variance,
)
from gmbench.zoo.losses import LossSum, l1_distance, l2_distance, mean_squared_error
from gmbench.zoo.pixels import count_channels, to_pixels, to_values
from gmbench.zoo.reproducible import reproducible
from gmbench.zoo.specification import Specification

FAMILIES: tuple[str, ...] = ("ddpm", "ddim")

STEPS: Mapping[str, int] = {"ddpm": 350, "ddim": 350}
"""Training steps of each family that take 20 to 40 s of one core."""

NOISE_LOSSES = {
    "loss_l1": l1_distance,
    "loss_l2": l2_distance,
    "loss_mse": mean_squared_error,
}
LARGEST_FACTOR = 5.0**0.5
BOUND_WEIGHT = 1e-3
EMA_DECAY = 0.99
BATCH = 32


def noise_schedule(steps: int) -> torch.Tensor:
    """Share of the image, a^2, after each step: the cosine schedule (Nichol and Dhariwal, 2021).

    Args:
        steps: T, the number of steps from the image to noise.

    Returns:
        Shape (steps + 1,); the first is 1, the image without noise.
    """
    time = torch.arange(steps + 1, dtype=torch.float64) / steps
    share = ((time + 0.008) / 1.008 * math.pi / 2).cos().square()
    return (share / share[0]).clamp(min=1e-4).float()


def draw_options(
    family: str, size: int, generator: np.random.Generator
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Draws the options and the losses of a GM of `family` for images of `size` pixels."""
    if family not in FAMILIES:
        raise UnknownNameError("Diffusion family", family, FAMILIES)

    def pick(*choices: Any) -> Any:
        return choices[int(generator.integers(len(choices)))]

    options: dict[str, Any] = {
        "width": pick(20, 24, 32),
        "levels": pick(3, 4),
        "blocks": pick(1, 2),
        "layers_per_block": pick(1, 2),
        "time_layers": pick(1, 2, 3),
        "time_width": pick(32, 64),
        "norm": pick("none", "group", "instance", "layer", "batch"),
        "nonlinearity": pick(*BLOCK_NONLINEARITIES),
        "last_nonlinearity": pick(*LAST_NONLINEARITIES),
        "upsampling": pick(*UPSAMPLINGS),
        "downsampling": pick(*DOWNSAMPLINGS),
        "skip": bool(generator.random() < 0.75),
        "noise_steps": pick(100, 200, 500, 1000),
        "sampling_steps": pick(50, 100) if family == "ddpm" else pick(20, 30, 50),
        "learning_rate": pick(1e-3, 2e-3),
    }
    name = pick(*NOISE_LOSSES)
    chosen = {name}
    extra = generator.random()
    if extra < 0.2:
        chosen.add(pick(*(other for other in NOISE_LOSSES if other != name)))
    elif extra < 0.4:
        chosen.add("loss_kl")
    return options, tuple(n for n in (*NOISE_LOSSES, "loss_kl") if n in chosen)


def train(specification: Specification, real: torch.Tensor) -> SamplingGM:
    """Trains a diffusion GM; see `gmbench.zoo.specification.Trainer`."""
    family, options, size = specification.family, specification.options, specification.size
    if family not in FAMILIES:
        raise UnknownNameError("Diffusion family", family, FAMILIES)
    shares = noise_schedule(options["noise_steps"])
    with reproducible(specification.seed) as generator:
        channels = count_channels(real)
        values = to_values(real, "tanh", channels)
        network = DenoisingUNet(channels, size, options)
        network.train()
        time = torch.linspace(0.05, 1.0, BATCH)
        start_at_unit_variance(network, _noise(BATCH, channels, size, generator), time)
        average = copy.deepcopy(network)
        rate = options["learning_rate"]
        optimizer = torch.optim.Adam(network.parameters(), lr=rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, 2 * rate, total_steps=max(specification.steps, 2)
        )
        losses = LossSum()
        history: list[float] = []
        for _ in range(specification.steps):
            chosen = torch.randint(len(values), (BATCH,), generator=generator)
            total = _objective(network, values[chosen], shares, specification, losses, generator)
            optimizer.zero_grad()
            torch.autograd.backward(total)
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            # A short run must forget its start too: the first averages reach back less far.
            move_average(average, network, min(EMA_DECAY, (1 + len(history)) / (10 + len(history))))
            history.append(float(total.detach()))
        average.eval()

    def make(n: int, generator: torch.Generator) -> torch.Tensor:
        noise = _noise(n, channels, size, generator)
        extra = 1.0 if family == "ddpm" else 0.0
        images = denoise(average, noise, shares, options["sampling_steps"], extra, generator)
        return to_pixels(images, "tanh")

    example = (values[:1], torch.full((1,), 0.5))
    return SamplingGM(average, example, losses.recorded, history, make)


def _noise(n: int, channels: int, size: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(n, channels, size, size, generator=generator)


def _objective(
    network: DenoisingUNet,
    images: torch.Tensor,
    shares: torch.Tensor,
    specification: Specification,
    losses: LossSum,
    generator: torch.Generator,
) -> torch.Tensor:
    """Objective on one batch: the distance of the noise, and the variational bound if asked for."""
    steps = len(shares) - 1
    # From step 2: step 1 of the bound is no divergence, and it is the step with least noise.
    step = torch.randint(2, steps + 1, (len(images),), generator=generator)
    share = shares[step][:, None, None, None]
    noise = torch.randn(images.shape, generator=generator)
    noisy = share.sqrt() * images + (1 - share).sqrt() * noise
    estimate = network.clean(noisy, step / steps)
    factor = (share / (1 - share)).sqrt().clamp(max=LARGEST_FACTOR)
    terms = []
    for name in specification.losses:
        if name in NOISE_LOSSES:
            distance = NOISE_LOSSES[name](factor * estimate, factor * images)
            terms.append((name, 1.0, distance))
        elif name == "loss_kl":
            # KL of the two Gaussian steps = half the gain in signal-to-noise times the squared
            # error (Kingma et al., "Variational Diffusion Models", 2021).
            ratios = shares[1:] / (1 - shares[1:])
            gain = ratios[step - 2] - ratios[step - 1]
            errors = (estimate - images).square().flatten(1).mean(1)
            terms.append((name, BOUND_WEIGHT, steps * (0.5 * gain * errors).mean()))
    return losses.add(*terms)


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Moves the averaged weights towards the network's; running statistics are copied."""
    for kept, now in zip(average.parameters(), network.parameters(), strict=True):
        kept.lerp_(now, 1 - decay)
    for copied, current in zip(average.buffers(), network.buffers(), strict=True):
        copied.copy_(current)


@torch.no_grad()
def denoise(
    network: DenoisingUNet,
    noise: torch.Tensor,
    shares: torch.Tensor,
    sampling_steps: int,
    extra: float,
    generator: torch.Generator,
) -> torch.Tensor:
    """Makes images out of noise, in a part of the steps of training.

    Args:
        network: Estimates clean images.
        noise: Shape (n, channels, size, size), standard Gaussian.
        shares: Of `noise_schedule`.
        sampling_steps: How many steps to take.
        extra: 1 for ancestral sampling (DDPM), 0 for none of the noise in between (DDIM); this is
            eta of Song, Meng and Ermon, 2021, equation 16.
        generator: Source of the noise in between.

    Returns:
        Images with black at -1 and white at 1, shape of `noise`.
    """
    last = len(shares) - 1
    steps = torch.linspace(last, 0, min(sampling_steps, last) + 1).round().long().tolist()
    x = noise
    for step, following in pairwise(steps):
        share, next_share = shares[step], shares[following]
        clean = network.clean(x, torch.full((len(x),), step / last)).clamp(-1, 1)
        seen_noise = (x - share.sqrt() * clean) / (1 - share).sqrt()
        variance = extra**2 * (1 - next_share) / (1 - share) * (1 - share / next_share)
        kept = (1 - next_share - variance).clamp(min=0).sqrt()
        x = next_share.sqrt() * clean + kept * seen_noise
        if extra:
            x = x + variance.sqrt() * torch.randn(x.shape, generator=generator)
    return x
