"""What autoencoders minimise besides the reconstruction of pixels.

| objective | terms | source |
|---|---|---|
| `elbo` | KL, weighted by `kl_weight` | Kingma and Welling, 2014; Higgins et al., 2017 |
| `capacity` | distance of the KL from a growing capacity | Burgess et al., 2018 |
| `tc` | KL, and more of its total correlation, estimated from the batch | Chen et al., 2018 |
| `factor` | KL, and the total correlation according to a critic of latents | Kim and Mnih, 2018 |
| `feature` | KL, and features of a network that was trained beforehand | Hou et al., 2017 |
| `vae_gan` | KL, a critic of images, and its features | Larsen et al., 2016 |
| `adversarial` | a critic of latents in place of the KL | Makhzani et al., 2016 |

KLs are labelled `loss_kl` however they are estimated, and are divided by the number of values of an
image, as the reconstruction is a mean over these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from gmbench.zoo.kinds.fit import Schedule, descend, fit
from gmbench.zoo.kinds.gan_critics import Critic
from gmbench.zoo.kinds.gan_losses import GAMES
from gmbench.zoo.kinds.k_means import cluster
from gmbench.zoo.kinds.optimisers import adam
from gmbench.zoo.layers import LEAKY_SLOPE, lay_channels_last
from gmbench.zoo.losses import DISTANCES

#: Maximum capacity in nats, and the weight of the distance from the capacity.
CAPACITY, CAPACITY_WEIGHT = 30.0, 10.0
#: Weight of the total correlation in addition to the weight of 1 that it has in the KL.
CORRELATION_WEIGHT = 5.0
#: Weights of an adversarial term, and of the features of a critic or of a trained network.
ADVERSARIAL_WEIGHT, FEATURE_WEIGHT = 0.1, 1.0
CRITIC_RATE = 5e-4
#: Training steps and classes of the network whose features are compared.
FEATURE_STEPS, FEATURE_CLASSES = 60, 10

Terms = list[tuple[str, float, torch.Tensor]]


@dataclass(frozen=True)
class Pass:
    """One pass of images through an autoencoder.

    Attributes:
        images: Real images, with black at 0 and white at 1.
        made: Their reconstructions.
        latent: Their sampled latents, shape (images, latent).
        mean: Means of the latents.
        log_variance: Logarithms of their variances.
        kl: KL of the latents from the prior, a scalar: mean over images.
    """

    images: torch.Tensor
    made: torch.Tensor
    latent: torch.Tensor
    mean: torch.Tensor
    log_variance: torch.Tensor
    kl: torch.Tensor


class Elbo:
    """The evidence lower bound; the base class of the other objectives.

    Args:
        options: Options of the GM.
        images: Real images to train on, with black at 0 and white at 1.
        steps: Number of training steps.
        generator: Source of all randomness.

    Attributes:
        losses: Names of the schema's losses of its terms.
        opponents: Optimisers that it steps itself.
        values: Number of values of an image.
    """

    losses: tuple[str, ...] = ("loss_kl",)

    def __init__(
        self,
        options: Mapping[str, Any],
        images: torch.Tensor,
        steps: int,
        generator: torch.Generator,
    ) -> None:
        self.options, self.random = options, generator
        self.images, self.steps = images, steps
        self.values = images[0].numel()
        self.opponents: list[torch.optim.Optimizer] = []
        self.start()

    def start(self) -> None:
        """Makes the networks that it needs; none here."""

    def terms(self, seen: Pass, sample: Callable[[], torch.Tensor]) -> Terms:
        """Returns names, weights and values of the terms to minimise.

        Args:
            seen: Pass of a batch.
            sample: Makes a batch of images from latents drawn from the prior.
        """
        del sample
        return [self._kl(seen.kl)]

    def _kl(self, kl: torch.Tensor) -> tuple[str, float, torch.Tensor]:
        return "loss_kl", self.options["kl_weight"] / self.values, kl

    def _oppose(self, critic: nn.Module) -> torch.optim.Optimizer:
        optimiser = adam(critic.parameters(), CRITIC_RATE, (0.5, 0.99))
        self.opponents.append(optimiser)
        return optimiser


class CapacityElbo(Elbo):
    """Keeps the KL at a capacity that grows evenly over the first half of the training."""

    def start(self) -> None:
        """Starts at zero capacity."""
        self.step = 0

    def terms(self, seen: Pass, sample: Callable[[], torch.Tensor]) -> Terms:
        """See `Elbo.terms`."""
        self.step += 1
        capacity = CAPACITY * min(1.0, 2.0 * self.step / max(1, self.steps))
        return [("loss_kl", CAPACITY_WEIGHT / self.values, (seen.kl - capacity).abs())]


class CorrelationElbo(Elbo):
    """Adds the total correlation of the latents, estimated from the batch alone."""

    def terms(self, seen: Pass, sample: Callable[[], torch.Tensor]) -> Terms:
        """See `Elbo.terms`."""
        found = total_correlation(seen.latent, seen.mean, seen.log_variance, len(self.images))
        return [self._kl(seen.kl), ("loss_kl", CORRELATION_WEIGHT / self.values, found)]


class FactorElbo(Elbo):
    """Adds the total correlation that a critic estimates from latents and permuted latents."""

    def start(self) -> None:
        """Makes the critic."""
        self.critic = latent_critic(self.options["latent"])
        self.adam = self._oppose(self.critic)

    def terms(self, seen: Pass, sample: Callable[[], torch.Tensor]) -> Terms:
        """See `Elbo.terms`."""
        latent = seen.latent.detach()
        orders = [
            torch.randperm(len(latent), generator=self.random) for _ in range(latent.shape[1])
        ]
        mixed = torch.stack([latent[order, k] for k, order in enumerate(orders)], dim=1)
        descend(self.adam, _told_apart(self.critic(latent), self.critic(mixed)))
        found = _through(self.critic, seen.latent).mean()
        return [self._kl(seen.kl), ("loss_kl", CORRELATION_WEIGHT / self.values, found)]


class FeatureElbo(Elbo):
    """Compares features of a small network, trained beforehand to tell clusters of images apart."""

    losses = ("loss_l2", "loss_kl")

    def start(self) -> None:
        """Trains the network."""
        size, channels = self.images.shape[-1], self.images.shape[1]
        labels = cluster(self.images, FEATURE_CLASSES, self.random)
        net = Critic(size, channels, 12, FEATURE_CLASSES, 0, spectral=False)
        lay_channels_last(net)

        def objective() -> torch.Tensor:
            chosen = torch.randint(len(self.images), (32,), generator=self.random)
            scores, _ = net(2.0 * self.images[chosen] - 1.0)
            return functional.cross_entropy(scores, labels[chosen])

        self.net, _ = fit(net, objective, FEATURE_STEPS if self.steps else 0, Schedule(rate=2e-3))

    def terms(self, seen: Pass, sample: Callable[[], torch.Tensor]) -> Terms:
        """See `Elbo.terms`."""
        (_, made), (_, real) = (self.net(2.0 * x - 1.0) for x in (seen.made, seen.images))
        distance = DISTANCES["loss_l2"](made, real)
        return [self._kl(seen.kl), ("loss_l2", FEATURE_WEIGHT, distance)]


class CriticElbo(Elbo):
    """Lets a critic of images tell real ones from reconstructed and sampled ones."""

    losses = ("loss_l1", "loss_adversarial", "loss_kl")

    def start(self) -> None:
        """Makes the critic."""
        size, channels = self.images.shape[-1], self.images.shape[1]
        self.critic = Critic(size, channels, self.options["encoder_width"], 1, 0, spectral=True)
        lay_channels_last(self.critic)
        self.adam = self._oppose(self.critic)

    def terms(self, seen: Pass, sample: Callable[[], torch.Tensor]) -> Terms:
        """See `Elbo.terms`."""
        game, drawn = GAMES["standard"], sample()
        assert game.critic is not None
        real, rebuilt, fresh = (2.0 * x - 1.0 for x in (seen.images, seen.made, drawn))
        seen_by = [self.critic(x)[0] for x in (real, rebuilt.detach(), fresh.detach())]
        nothing = torch.zeros(())
        value = game.critic(seen_by[0], torch.cat(seen_by[1:]), nothing)
        descend(self.adam, value)
        self.critic.requires_grad_(False)
        scores, features = zip(*(self.critic(x) for x in (rebuilt, fresh)), strict=True)
        with torch.no_grad():
            _, wanted = self.critic(real)
        self.critic.requires_grad_(True)
        lost = game.generator(nothing, torch.cat(scores), nothing)
        distance = DISTANCES["loss_l1"](features[0], wanted)
        return [
            self._kl(seen.kl),
            ("loss_l1", FEATURE_WEIGHT, distance),
            ("loss_adversarial", ADVERSARIAL_WEIGHT, lost),
        ]


class AdversarialLatents(Elbo):
    """Lets a critic of latents tell those of images from those of the prior."""

    losses = ("loss_adversarial",)

    def start(self) -> None:
        """Makes the critic."""
        self.critic = latent_critic(self.options["latent"])
        self.adam = self._oppose(self.critic)

    def terms(self, seen: Pass, sample: Callable[[], torch.Tensor]) -> Terms:
        """See `Elbo.terms`."""
        prior = torch.randn(seen.latent.shape, generator=self.random)
        descend(self.adam, _told_apart(self.critic(prior), self.critic(seen.latent.detach())))
        lost = functional.softplus(-_through(self.critic, seen.latent)).mean()
        return [("loss_adversarial", ADVERSARIAL_WEIGHT, lost)]


OBJECTIVES: Mapping[str, type[Elbo]] = {
    "elbo": Elbo,
    "capacity": CapacityElbo,
    "tc": CorrelationElbo,
    "factor": FactorElbo,
    "feature": FeatureElbo,
    "vae_gan": CriticElbo,
    "adversarial": AdversarialLatents,
}
"""The objectives, by the value of the option `objective`."""


def total_correlation(
    latent: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor, n_images: int
) -> torch.Tensor:
    """Returns KL(q(z) || product of q(z_j)) by minibatch-weighted sampling, a scalar.

    Source: Chen et al., 2018, equation S4.

    Args:
        latent: Latents of a batch, shape (images, features).
        mean: Their means, same shape.
        log_variance: Logarithms of their variances, same shape.
        n_images: Images in the training set.
    """
    shift = latent[:, None] - mean[None]
    each = -0.5 * (shift.pow(2) * (-log_variance).exp() + log_variance + math.log(2 * math.pi))
    weight = math.log(len(latent) * n_images)
    joint = each.sum(2).logsumexp(1) - weight
    apart = (each.logsumexp(1) - weight).sum(1)
    return (joint - apart).mean()


def latent_critic(latent: int, hidden: int = 64) -> nn.Sequential:
    """Returns a critic of latents, from (images, latent) to (images, 1)."""
    return nn.Sequential(
        nn.Linear(latent, hidden),
        nn.LeakyReLU(LEAKY_SLOPE),
        nn.Linear(hidden, hidden),
        nn.LeakyReLU(LEAKY_SLOPE),
        nn.Linear(hidden, 1),
    )


def _told_apart(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Returns the cross-entropy of scores that should be high for the first, low for the second."""
    return functional.softplus(-first).mean() + functional.softplus(second).mean()


def _through(critic: nn.Module, values: torch.Tensor) -> torch.Tensor:
    """Returns the scores of values; the critic's own weights get no gradient."""
    critic.requires_grad_(False)
    scores: torch.Tensor = critic(values)
    critic.requires_grad_(True)
    return scores
