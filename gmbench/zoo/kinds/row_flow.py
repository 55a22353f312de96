"""Training of the flows that follow a row of labels (`flow_row_networks`).

The objective is the negative log-likelihood of pixels that noise has made continuous: up to a
constant, the cross-entropy of the data, `loss_ce`. Noise learnt by a small network (variational
dequantisation, Ho et al., "Flow++", 2019) adds its divergence from uniform noise, `loss_kl`. A
pixel distance compares images with the flow's output at its most likely noise.
"""

from __future__ import annotations

import torch

from gmbench.zoo.kinds.fit import Schedule, fit
from gmbench.zoo.kinds.flow_row_networks import RowFlow
from gmbench.zoo.kinds.likelihood import (
    Dequantiser,
    dequantise,
    in_range,
    negative_log_likelihood,
)
from gmbench.zoo.kinds.trained import SamplingGM
from gmbench.zoo.losses import DISTANCES, LossSum
from gmbench.zoo.pixels import count_channels, to_pixels
from gmbench.zoo.reproducible import reproducible, seeded
from gmbench.zoo.specification import Specification

BATCHES = {32: 32, 64: 16}
"""Images per step, by their size."""

FIRST_BATCH = 256
"""Number of images for data-dependent initialisation of layers."""

EXTRA_WEIGHT = 1.0


def train(specification: Specification, real: torch.Tensor) -> SamplingGM:
    """Trains a flow; see `gmbench.zoo.specification.Trainer`."""
    options, size = specification.options, specification.size
    last: str = options["row"]["last_nonlinearity"]
    with reproducible(specification.seed) as generator:
        channels = count_channels(real)
        pixels = real[:, :channels]
        network = RowFlow(specification.family, channels, size, options).train()
        dequantiser = Dequantiser(channels, 12)
        first = torch.randperm(len(pixels), generator=generator)[:FIRST_BATCH]
        with torch.no_grad():
            network.invert(dequantise(pixels[first], last, generator))
        losses = LossSum()
        batch = BATCHES.get(size, 32)

        def objective() -> torch.Tensor:
            chosen = torch.randint(len(pixels), (batch,), generator=generator)
            terms = []
            if "loss_kl" in specification.losses:
                noise, divergence = dequantiser(pixels[chosen] / 255.0, generator)
                images = in_range(pixels[chosen] + noise.clamp(1e-5, 1 - 1e-5), last)
                terms.append(("loss_kl", 1.0, divergence))
            else:
                images = dequantise(pixels[chosen], last, generator)
            z, determinant = network.invert(images)
            terms.append(("loss_ce", 1.0, negative_log_likelihood(z, determinant)))
            for name in specification.losses:
                if name in DISTANCES:
                    small = network.thumbnail(images) if network.conditional else None
                    likely = network(z.new_zeros(batch, network.noise_features), small)
                    terms.append((name, EXTRA_WEIGHT, DISTANCES[name](likely, images)))
            return losses.add(*terms)

        schedule = Schedule(rate=2 * options["learning_rate"])
        _, history = fit(network, objective, specification.steps, schedule, partners=[dequantiser])

    def inputs(n: int, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        noise = torch.randn(n, network.noise_features, generator=generator)
        noise = options["temperature"] * noise
        if not network.conditional:
            return (noise,)
        order = torch.randperm(len(pixels), generator=generator)
        chosen = pixels[order.repeat(-(-n // len(order)))[:n]]
        return noise, network.thumbnail(dequantise(chosen, last, generator))

    def make(n: int, generator: torch.Generator) -> torch.Tensor:
        with torch.no_grad():
            return to_pixels(network(*inputs(n, generator)), last)

    with torch.no_grad():
        example = inputs(1, seeded(0))
    return SamplingGM(network, example, losses.recorded, history, make)
