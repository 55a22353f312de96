"""Variational autoencoders that RED116 lists under other kinds and that follow a row of labels.

| family | kind there | network | source |
|---|---|---|---|
| `vae_mlp` | AR | fully connected layers | Kingma and Welling, 2014 |
| `vae_flow` | NF | the same after a flow of the latents | Kingma et al., 2016 |
| `vae_deep` | NF | latents at every resolution | Child, 2021 |

The objective is the variational bound: `loss_kl` of the latents, and `loss_ce` of the pixels, as
probabilities where the last non-linearity is bounded, otherwise as one of 256 values each under a
discretised logistic distribution (Kingma et al., 2016).
"""

from __future__ import annotations

import math

import torch
from torch import nn

from gmbench.errors import require_known
from gmbench.zoo.kinds.fit import Schedule, fit
from gmbench.zoo.kinds.row_vae_networks import DeepDecoder, DeepEncoder, FullDecoder
from gmbench.zoo.kinds.trained import SamplingGM
from gmbench.zoo.kinds.vae_networks import Encoder
from gmbench.zoo.layers import lay_channels_last, start_at_unit_variance
from gmbench.zoo.losses import (
    LossSum,
    binary_cross_entropy,
    kl_between,
    logistic_cross_entropy,
)
from gmbench.zoo.pixels import count_channels, first_values, to_pixels, to_unit, to_values
from gmbench.zoo.reproducible import reproducible, seeded
from gmbench.zoo.specification import Specification

FAMILIES: tuple[str, ...] = ("vae_mlp", "vae_flow", "vae_deep")

SCHEDULE = Schedule(rate=2e-3, warm_up=0.1, cool_down=0.5, largest_gradient=5.0)
BATCH = 32
ENCODER_WIDTH = 16


def train(specification: Specification, real: torch.Tensor) -> SamplingGM:
    """Trains a VAE; see `gmbench.zoo.specification.Trainer`."""
    require_known("Family", FAMILIES, specification.family)
    options = specification.options
    last: str = options["row"]["last_nonlinearity"]
    with reproducible(specification.seed) as generator:
        channels = count_channels(real)
        images = to_values(real, "sigmoid", channels)
        deep = specification.family == "vae_deep"
        coder = (_Deep if deep else _Full)(specification, channels, generator)
        start_at_unit_variance(
            coder.decoder,
            coder.noise(BATCH, generator),
            **dict(zip(("level", "spread"), first_values(last, float(images.mean())), strict=True)),
        )
        scale = nn.ParameterList([torch.tensor(-3.0)])
        losses = LossSum()

        def objective() -> torch.Tensor:
            chosen = torch.randint(len(images), (BATCH,), generator=generator)
            batch = images[chosen]
            made, kl = coder.bound(batch)
            made = to_unit(made, last)
            if last in ("sigmoid", "tanh"):
                entropy = binary_cross_entropy(made, batch)
            else:
                entropy = logistic_cross_entropy(made, batch, scale[0])
            kl_term = ("loss_kl", options["kl_weight"] / batch[0].numel(), kl)
            return losses.add(("loss_ce", 1.0, entropy), kl_term)

        decoder, history = fit(
            coder.decoder,
            objective,
            specification.steps,
            SCHEDULE,
            partners=[coder.encoder, scale],
            last=last,
        )

    def make(n: int, generator: torch.Generator) -> torch.Tensor:
        with torch.no_grad():
            return to_pixels(decoder(coder.noise(n, generator)), last)

    example = (coder.noise(1, seeded(0)),)
    return SamplingGM(decoder, example, losses.recorded, history, make)


class _Full:
    """Encoder and decoder with one layer of latents."""

    def __init__(
        self, specification: Specification, channels: int, generator: torch.Generator
    ) -> None:
        options, size = specification.options, specification.size
        self.random, self.latent = generator, options["latent"]
        flow = specification.family == "vae_flow"
        self.decoder = FullDecoder(flow, channels, size, options)
        self.encoder = Encoder(size, channels, ENCODER_WIDTH, self.latent)

    def noise(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Returns noise for the decoder."""
        return torch.randn(n, self.latent, generator=generator)

    def bound(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns reconstructions of images from their latents, and the latents' divergence."""
        mean, log_variance = self.encoder(2.0 * images - 1.0)
        noise = torch.randn(mean.shape, generator=self.random)
        z = mean + (0.5 * log_variance).exp() * noise
        log_posterior = -0.5 * (noise.square() + log_variance + math.log(2 * math.pi)).sum(1)
        kl = (log_posterior - self.decoder.log_prior(z)).mean()
        return self.decoder.decode(z), kl


class _Deep:
    """Encoder and decoder with latents in every block."""

    def __init__(
        self, specification: Specification, channels: int, generator: torch.Generator
    ) -> None:
        self.random, self.size = generator, specification.size
        self.decoder = DeepDecoder(channels, specification.size, specification.options)
        self.encoder = DeepEncoder(self.decoder, channels, ENCODER_WIDTH)
        lay_channels_last(self.decoder)
        lay_channels_last(self.encoder)

    def noise(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Returns noise for the decoder."""
        shape = (n, self.decoder.noise_channels, self.size, self.size)
        return torch.randn(shape, generator=generator)

    def bound(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns reconstructions of images from their latents, and the latents' divergence."""
        features = self.encoder(2.0 * images - 1.0)
        divergences = []

        def drawn(
            own: tuple[torch.Tensor, torch.Tensor], prior: tuple[torch.Tensor, torch.Tensor]
        ) -> torch.Tensor:
            flat = [part.flatten(1) for part in (*own, *prior)]
            divergences.append(kl_between(*flat))
            noise = torch.randn(own[0].shape, generator=self.random)
            return own[0] + (0.5 * own[1]).exp() * noise

        def draw(
            block: int, x: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor
        ) -> torch.Tensor:
            seen = features[self.decoder.level_of(block)]
            return drawn(self.encoder.posterior(block, seen, x), (mean, log_variance))

        first = self.encoder.posterior(-1, features[0], None)
        zeros = torch.zeros_like(first[0])
        made = self.decoder.made(drawn(first, (zeros, zeros)), draw)
        return made, torch.stack(divergences).sum()
