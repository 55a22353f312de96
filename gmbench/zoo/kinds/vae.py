"""Variational autoencoders (Kingma and Welling, 2014) and their relatives.

| family | objective besides the reconstruction | source |
|---|---|---|
| `plain` | KL | Kingma and Welling, 2014 |
| `beta` | KL, with a weight other than 1 | Higgins et al., 2017 |
| `mmd` | MMD of the latents, with or without KL | Zhao et al., 2019; Tolstikhin et al., 2018 |
| `deep` | KL of two stochastic layers, a residual decoder | Rezende et al., 2014 |

The reconstruction is L1, L2 (a norm), MSE or the cross-entropy of pixels, or a sum of two. Further
objectives, for VAEs whose objective is given, are in `vae_objectives`; with a `game` of
`gan_losses` among its options, a VAE is trained like a GAN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from gmbench.errors import require_known
from gmbench.zoo.kinds import gan
from gmbench.zoo.kinds.draw import Draw
from gmbench.zoo.kinds.fit import Schedule, fit
from gmbench.zoo.kinds.gan_networks import build_generator, draw_generator
from gmbench.zoo.kinds.trained import SamplingGM
from gmbench.zoo.kinds.vae_networks import Encoder, TopEncoder, TwoLayerDecoder
from gmbench.zoo.kinds.vae_objectives import OBJECTIVES, Pass
from gmbench.zoo.layers import lay_channels_last, start_at_unit_variance
from gmbench.zoo.losses import (
    DISTANCES,
    LossSum,
    binary_cross_entropy,
    gaussian_kl,
    in_schema_order,
    kl_between,
    maximum_mean_discrepancy,
)
from gmbench.zoo.pixels import count_channels, first_values, to_pixels, to_unit, to_values
from gmbench.zoo.reproducible import reproducible
from gmbench.zoo.specification import Specification, TrainedGM

FAMILIES: tuple[str, ...] = ("plain", "beta", "mmd", "deep")

#: Training steps per family.
STEPS: dict[str, int] = {"plain": 300, "beta": 300, "mmd": 300, "deep": 260}

SCHEDULE = Schedule(rate=2e-3, warm_up=0.1, cool_down=0.4, largest_gradient=5.0)
BATCH = 32

#: Reconstructions, and their weights on pixels in [0, 1]. The weights are those of likelihoods with
#: a spread of 0.1: a Laplace one for L1, a Gaussian one for MSE; L2 is on the scale of L1.
RECONSTRUCTIONS: Mapping[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    **DISTANCES,
    "loss_ce": binary_cross_entropy,
}
RECONSTRUCTION_WEIGHTS: dict[str, float] = {
    "loss_l1": 10.0,
    "loss_l2": 10.0,
    "loss_mse": 50.0,
    "loss_ce": 4.0,
}
#: Weight of the MMD, whose value lies in [0, 2].
MMD_WEIGHT = 10.0


def draw_options(
    family: str, size: int, generator: np.random.Generator
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Draws the architecture and the objective of a VAE.

    Args:
        family: One of `FAMILIES`.
        size: Height and width of its images in pixels.
        generator: Source of all randomness.

    Returns:
        Options (JSON values) and the names of the schema's losses that follow from them.
    """
    require_known("Family", FAMILIES, family)
    draw = Draw(generator)
    one, between = draw.one, draw.between
    decoder = "residual" if family == "deep" else one("mlp", "dcgan", "dcgan", "residual")
    options: dict[str, Any] = {
        "decoder": decoder,
        "latent": one(16, 24, 32),
        "upper": between(6, 12),
        **draw_generator(decoder, size, draw),
        "encoder_width": between(12, 20),
        "kl_weight": 1.0,
        "mmd_weight": 0.0,
    }
    if family == "beta":
        options["kl_weight"] = one(0.25, 0.5, 2.0, 4.0)
    elif family == "mmd":
        options |= {"kl_weight": one(0.0, 0.0, 0.2), "mmd_weight": MMD_WEIGHT}
    chosen = one(*((name,) for name in RECONSTRUCTIONS), ("loss_l1", "loss_mse"))
    if "loss_ce" in chosen:
        # A probability comes from a bounded value: clipped values would get no gradient.
        options["last_nonlinearity"] = one("sigmoid", "tanh")
    options["reconstruction"] = {name: RECONSTRUCTION_WEIGHTS[name] for name in chosen}
    return options, losses_of(options)


def losses_of(options: dict[str, Any]) -> tuple[str, ...]:
    """Returns the schema's losses that follow from the options, in the schema's order."""
    if "game" in options:
        return gan.losses_of(options)
    names = set(options["reconstruction"])
    names |= set(OBJECTIVES[options.get("objective", "elbo")].losses)
    names -= set() if options["kl_weight"] else {"loss_kl"}
    names |= {"loss_mmd"} if options["mmd_weight"] else set()
    return in_schema_order(names)


def train(
    specification: Specification, real: torch.Tensor, source: torch.Tensor | None = None
) -> TrainedGM:
    """Trains a VAE.

    Args:
        specification: What to train; its family is one of `FAMILIES`.
        real: Real images of the content, shape (images, 3, size, size), uint8.
        source: Such images of another content, for a VAE trained like a GAN on unpaired images.

    Returns:
        The trained VAE; its network is the decoder, which outputs the mean image.
    """
    if "game" in specification.options:
        return gan.train(specification, real, source)
    with reproducible(specification.seed) as generator:
        training = _Autoencoder(specification, real, generator)
        network, history = training.run(specification.steps)
        example, losses = training.latents(1, generator), training.sum.recorded
        return SamplingGM(network, example, losses, history, training.make)


class _Autoencoder:
    """Encoder and decoder of a VAE, and what they minimise together."""

    def __init__(
        self, specification: Specification, real: torch.Tensor, generator: torch.Generator
    ) -> None:
        options = dict(specification.options)
        self.options, self.random = options, generator
        self.last: str = options["last_nonlinearity"]
        self.sum = LossSum()
        channels = count_channels(real)
        images = to_values(real, "sigmoid", channels)
        self.images = images.to(memory_format=torch.channels_last)
        size, latent = specification.size, options["latent"]
        self.encoder = Encoder(size, channels, options["encoder_width"], latent)
        lay_channels_last(self.encoder)
        self.top: TopEncoder | None = None
        self.decoder: nn.Module
        if specification.family == "deep":
            self.decoder = TwoLayerDecoder(options["decoder"], size, channels, options)
            self.top = TopEncoder(latent, 2 * latent, options["upper"])
        else:
            self.decoder = build_generator(
                options.get("decoder", ""), size, channels, options, latent
            )
        lay_channels_last(self.decoder)
        level, spread = first_values(self.last, float(images.mean()))
        start = self.latents(BATCH, generator)
        start_at_unit_variance(self.decoder, *start, level=level, spread=spread)
        objective = OBJECTIVES[options.get("objective", "elbo")]
        self.objective = objective(options, self.images, specification.steps, generator)

    def run(self, steps: int) -> tuple[nn.Module, list[float]]:
        """Trains for a number of steps; see `fit` for what is returned."""
        return fit(
            self.decoder,
            self._objective,
            steps,
            SCHEDULE,
            partners=[part for part in (self.encoder, self.top) if part is not None],
            opponents=self.objective.opponents,
            last=self.last,
            draw_inputs=lambda: self.latents(BATCH, self.random),
        )

    def latents(self, n: int, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        """Returns inputs of the decoder drawn from the prior."""
        if self.top is not None:
            upper = torch.randn(n, self.options["upper"], generator=generator)
            return upper, torch.randn(n, self.options["latent"], generator=generator)
        return (torch.randn(n, self.options["latent"], generator=generator),)

    def make(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Makes images, shape (n, 3, size, size), uint8."""
        with torch.no_grad():
            return to_pixels(self.decoder(*self.latents(n, generator)), self.last)

    def _objective(self) -> torch.Tensor:
        """Returns the objective on a batch, divided by the number of values of an image."""
        chosen = torch.randint(len(self.images), (BATCH,), generator=self.random)
        images = self.images[chosen]
        mean, log_variance = self.encoder(2.0 * images - 1.0)
        latent = self._drawn(mean, log_variance)
        if self.top is None:
            made = self.decoder(latent)
            kl = gaussian_kl(mean, log_variance)
        else:
            assert isinstance(self.decoder, TwoLayerDecoder)
            upper_mean, upper_log_variance = self.top(latent)
            prior = self.decoder.prior(self._drawn(upper_mean, upper_log_variance))
            made = self.decoder.image(latent)
            kl = gaussian_kl(upper_mean, upper_log_variance)
            kl = kl + kl_between(mean, log_variance, *prior)
        made = to_unit(made, self.last)
        terms = [
            (name, weight, RECONSTRUCTIONS[name](made, images))
            for name, weight in self.options["reconstruction"].items()
        ]
        terms += self.objective.terms(
            Pass(images, made, latent, mean, log_variance, kl),
            lambda: to_unit(self.decoder(*self.latents(BATCH, self.random)), self.last),
        )
        if self.options["mmd_weight"]:
            wanted = torch.randn(latent.shape, generator=self.random)
            mmd = maximum_mean_discrepancy(latent, wanted)
            terms.append(("loss_mmd", self.options["mmd_weight"], mmd))
        return self.sum.add(*terms)

    def _drawn(self, mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(mean.shape, generator=self.random)
        return mean + (0.5 * log_variance).exp() * noise
