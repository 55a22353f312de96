"""Objectives of GANs: what the critic and the generator each minimise.

| objective | schema's loss | source |
|---|---|---|
| `adversarial` | `loss_adversarial` | Goodfellow et al., 2014 (non-saturating) |
| `ls` | `loss_ls` | Mao et al., 2017 |
| `wgan_clip` | `loss_wgan` | Arjovsky et al., 2017 (weights clipped) |
| `wgan_penalty` | `loss_wgan` | Gulrajani et al., 2017 (gradient penalty) |
| `hinge` | `loss_hinge` | Lim and Ye, 2017; Miyato et al., 2018 |
| `kl` | `loss_kl` | Nowozin, Cseke and Tomioka, 2016 (f-GAN, Kullback-Leibler) |
| `mmd_critic` | `loss_mmd` | Li et al., 2017; Binkowski et al., 2018 (MMD GAN) |
| `moment_matching` | `loss_mmd` | Li, Swersky and Zemel, 2015 (no critic) |
| `classes` | `loss_ce` | Salimans et al., 2016; Zhou et al., 2018 (K + 1 classes) |

An auxiliary classifier (`loss_ce`; Odena, Olah and Shlens, 2017) and terms on pixels or on the
critic's features (feature matching; Salimans et al., 2016) come beside any of them that has a
critic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from gmbench.zoo.kinds.gan_networks import Critic
from gmbench.zoo.losses import maximum_mean_discrepancy

#: (scores of real images, scores of made images, classes of both) to a scalar.
ScoreLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Game:
    """A game of a critic against a generator.

    Attributes:
        loss: Name of the schema's loss.
        critic: What the critic minimises; None where there is no critic.
        generator: What the generator minimises.
        outputs: Values that the critic gives an image; 0 stands for the classes and one more.
        spectral: Whether the critic's weights are spectrally normalised.
        clip: Largest absolute weight of the critic, 0 for any.
        penalty: Weight of the gradient penalty, 0 for none.
        critic_steps: Steps of the critic to one of the generator.
    """

    loss: str
    critic: ScoreLoss | None
    generator: ScoreLoss
    outputs: int = 1
    spectral: bool = True
    clip: float = 0.0
    penalty: float = 0.0
    critic_steps: int = 1


def _adversarial_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return functional.softplus(-real).mean() + functional.softplus(made).mean()


def _adversarial_generator(_: torch.Tensor, made: torch.Tensor, __: torch.Tensor) -> torch.Tensor:
    return functional.softplus(-made).mean()


def _ls_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return 0.5 * ((real - 1.0).pow(2).mean() + made.pow(2).mean())


def _ls_generator(_: torch.Tensor, made: torch.Tensor, __: torch.Tensor) -> torch.Tensor:
    return 0.5 * (made - 1.0).pow(2).mean()


def _wasserstein_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return made.mean() - real.mean()


def _negative_score(_: torch.Tensor, made: torch.Tensor, __: torch.Tensor) -> torch.Tensor:
    return -made.mean()


def _hinge_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return functional.relu(1.0 - real).mean() + functional.relu(1.0 + made).mean()


def _kl_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    # The bound of KL(real || made) is E[T(real)] - E[exp(T(made) - 1)]; the cut keeps exp finite.
    return (made.clamp(max=5.0) - 1.0).exp().mean() - real.mean()


def _mmd_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return -maximum_mean_discrepancy(real, made)


def _mmd_generator(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return maximum_mean_discrepancy(real, made)


def _classes_critic(real: torch.Tensor, made: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    # The last class says "made"; the others are classes of real images.
    last = torch.full_like(classes, real.shape[1] - 1)
    return functional.cross_entropy(real, classes) + functional.cross_entropy(made, last)


def _classes_generator(_: torch.Tensor, made: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(made, classes)


GAMES: dict[str, Game] = {
    "adversarial": Game("loss_adversarial", _adversarial_critic, _adversarial_generator),
    "ls": Game("loss_ls", _ls_critic, _ls_generator),
    "wgan_clip": Game(
        "loss_wgan", _wasserstein_critic, _negative_score, spectral=False, clip=0.03, critic_steps=2
    ),
    "wgan_penalty": Game(
        "loss_wgan",
        _wasserstein_critic,
        _negative_score,
        spectral=False,
        penalty=10.0,
        critic_steps=2,
    ),
    "hinge": Game("loss_hinge", _hinge_critic, _negative_score),
    "kl": Game("loss_kl", _kl_critic, _negative_score),
    "mmd_critic": Game("loss_mmd", _mmd_critic, _mmd_generator, outputs=16),
    "moment_matching": Game("loss_mmd", None, _mmd_generator),
    "classes": Game("loss_ce", _classes_critic, _classes_generator, outputs=0),
}


def gradient_penalty(
    critic: Critic, real: torch.Tensor, made: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Returns E[(|grad| - 1)^2] of the score between real and made images, a scalar.

    Source: Gulrajani et al., 2017.
    """
    share = torch.rand(len(real), 1, 1, 1, generator=generator)
    between = (share * real + (1.0 - share) * made).requires_grad_(True)
    scores, _ = critic(between)
    (slope,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    return ((slope.flatten(1).pow(2).sum(1) + 1e-12).sqrt() - 1.0).pow(2).mean()
