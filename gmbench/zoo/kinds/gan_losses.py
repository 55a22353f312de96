"""Objectives of GANs: what the critic and the generator each minimise.

| objective | schema's loss | source |
|---|---|---|
| `standard` | `loss_adversarial` | Goodfellow et al., 2014 (the generator minimises -log D) |
| `non_saturating` | `loss_adversarial` | Karras et al., 2020; Mescheder et al., 2018 (R1 penalty) |
| `relativistic` | `loss_adversarial` | Jolicoeur-Martineau, 2019 (against the average) |
| `boundary_seeking` | `loss_adversarial` | Hjelm et al., 2018 (continuous) |
| `softmax` | `loss_adversarial` | Lin, 2017 |
| `unrolled` | `loss_adversarial` | Metz et al., 2017 |
| `ls` | `loss_ls` | Mao et al., 2017 |
| `wgan` | `loss_wgan` | Arjovsky et al., 2017 (weights clipped) |
| `wgan_gp` | `loss_wgan` | Gulrajani et al., 2017 (gradient penalty) |
| `wgan_dragan` | `loss_wgan` | Kodali et al., 2017 (penalty around real images) |
| `cramer` | `loss_wgan` | Bellemare et al., 2017 (energy distance of features) |
| `hinge` | `loss_hinge` | Lim and Ye, 2017; Miyato et al., 2018 |
| `f_gan` | `loss_adversarial` | Nowozin, Cseke and Tomioka, 2016 (squared Hellinger) |
| `f_kl` | `loss_kl` | the same (Kullback-Leibler) |
| `f_neyman` | `loss_adversarial` | the same (Neyman chi squared) |
| `f_pearson` | `loss_ls` | the same (Pearson chi squared) |
| `mmd` | `loss_mmd` | Li et al., 2017; Binkowski et al., 2018 (MMD GAN) |
| `characteristic` | `loss_mmd` | Ansari, Scarlett and Soh, 2020 (characteristic functions) |
| `moment_matching` | `loss_mmd` | Li, Swersky and Zemel, 2015 (no critic) |
| `energy` | `loss_hinge` | Zhao, Mathieu and LeCun, 2017 (the critic is an autoencoder) |
| `began` | `loss_l1` | Berthelot, Schumm and Metz, 2017 (the same, in equilibrium) |
| `magan` | `loss_mse` | Wang et al., 2017 (the same, with a margin that adapts) |
| `classes` | `loss_ce` | Salimans et al., 2016; Zhou et al., 2018 (K + 1 classes) |

For f-divergences, the generator minimises -E[T(made)], as the source advises (section 3.2).

An auxiliary classifier (`loss_ce`; Odena, Olah and Shlens, 2017) and further terms can be added to
any objective that has a critic (`gan_training`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from gmbench.zoo.kinds.gan_rules import AdaptiveMargin, CharacteristicDistance, Equilibrium, Rules
from gmbench.zoo.losses import maximum_mean_discrepancy

#: Maps (scores of real images, scores of generated images, classes of both) to a scalar.
ScoreLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

#: Scores are clipped here before an exponential is taken of them.
LARGEST_EXPONENT = 5.0
#: EBGAN: energy above which generated images are ignored. Pixels lie in [-1, 1], energies are MSE.
MARGIN = 0.5


@dataclass(frozen=True)
class Game:
    """A game between a critic and a generator.

    Attributes:
        loss: Name of the schema's loss.
        critic: What the critic minimises; None where there is no critic.
        generator: What the generator minimises.
        outputs: Values that the critic outputs per image; 0 stands for the classes and one more.
        spectral: Whether the critic's weights are spectrally normalised.
        clip: Largest absolute weight of the critic, 0 for no limit.
        penalty: Weight of the gradient penalty, 0 for none.
        penalised: Where the gradient is penalised; see `where` of `gradient_penalty`.
        critic_steps: Steps of the critic per step of the generator.
        unrolled: Steps of the critic that the generator looks ahead.
        energy: Distance between an image and the critic's reconstruction of it, which is then the
            critic's score: a key of `losses.DISTANCES`; empty where the critic is not an
            autoencoder.
        rules: Creates both sides, from a source of randomness, where they have a state.
    """

    loss: str
    critic: ScoreLoss | None
    generator: ScoreLoss
    outputs: int = 1
    spectral: bool = True
    clip: float = 0.0
    penalty: float = 0.0
    penalised: str = "between"
    critic_steps: int = 1
    unrolled: int = 0
    energy: str = ""
    rules: Callable[[torch.Generator], Rules] | None = None


def start_game(name: str, generator: torch.Generator) -> Game:
    """Returns a game in its initial state.

    Args:
        name: One of `GAMES`.
        generator: Source of its randomness, if any.
    """
    game = GAMES[name]
    if game.rules is None:
        return game
    rules = game.rules(generator)
    return replace(game, critic=rules.critic, generator=rules.generator)


def gradient_penalty(
    score: Callable[[torch.Tensor], torch.Tensor],
    real: torch.Tensor,
    made: torch.Tensor,
    generator: torch.Generator,
    where: str = "between",
) -> torch.Tensor:
    """Returns a penalty on the gradient of a score, a scalar.

    | where | penalty | source |
    |---|---|---|
    | `between` real and generated images | E[(norm - 1)^2] | Gulrajani et al., 2017 |
    | `around` real images | E[(norm - 1)^2] | Kodali et al., 2017 (DRAGAN) |
    | at `real` images | E[norm^2] | Mescheder et al., 2018 (R1) |

    Args:
        score: Maps images to one value each.
        real: Shape (images, channels, size, size).
        made: Generated images, same shape.
        generator: Source of all randomness.
        where: See the table.
    """
    points = real
    if where == "between":
        share = torch.rand(len(real), 1, 1, 1, generator=generator)
        points = share * real + (1.0 - share) * made
    elif where == "around":
        points = real + 0.5 * real.std() * torch.rand(real.shape, generator=generator)
    points = points.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(score(points).sum(), points, create_graph=True)
    squares = slope.flatten(1).pow(2).sum(1)
    if where == "real":
        return squares.mean()
    return ((squares + 1e-12).sqrt() - 1.0).pow(2).mean()


def _standard_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return functional.softplus(-real).mean() + functional.softplus(made).mean()


def _standard_generator(_: torch.Tensor, made: torch.Tensor, __: torch.Tensor) -> torch.Tensor:
    return functional.softplus(-made).mean()


def _relativistic_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return _standard_critic(real - made.mean(), made - real.mean(), _)


def _relativistic_generator(
    real: torch.Tensor, made: torch.Tensor, _: torch.Tensor
) -> torch.Tensor:
    return _standard_critic(made - real.mean(), real - made.mean(), _)


def _boundary_generator(_: torch.Tensor, made: torch.Tensor, __: torch.Tensor) -> torch.Tensor:
    # log D - log(1 - D) is the score itself, and 0 on the boundary.
    return 0.5 * made.pow(2).mean()


def _softmax_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return torch.cat([real, made]).flatten().logsumexp(0) - real.mean()


def _softmax_generator(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    both = torch.cat([real, made]).flatten()
    return both.logsumexp(0) - both.mean()


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


def _bounded_exp(values: torch.Tensor) -> torch.Tensor:
    return values.clamp(max=LARGEST_EXPONENT).exp()


def _kl_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    # T = v; f*(t) = exp(t - 1).
    return (made.clamp(max=LARGEST_EXPONENT) - 1.0).exp().mean() - real.mean()


def _hellinger_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    # T = 1 - exp(-v); f*(t) = t / (1 - t) = exp(v) - 1.
    return _bounded_exp(-real).mean() + _bounded_exp(made).mean() - 2.0


def _neyman_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    # T = 1 - exp(-v); f*(t) = 2 - 2 sqrt(1 - t) = 2 - 2 exp(-v / 2).
    return _bounded_exp(-real).mean() - 2.0 * _bounded_exp(-0.5 * made).mean() + 1.0


def _one_minus_exp_generator(_: torch.Tensor, made: torch.Tensor, __: torch.Tensor) -> torch.Tensor:
    return _bounded_exp(-made).mean() - 1.0


def _pearson_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    # T = v; f*(t) = t^2 / 4 + t.
    return (0.25 * made.pow(2) + made).mean() - real.mean()


def _mmd_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return -maximum_mean_discrepancy(real, made)


def _mmd_generator(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return maximum_mean_discrepancy(real, made)


def _cramer_generator(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    """Returns the energy distance 2 E|x - y| - E|x - x'| - E|y - y'| over all pairs."""
    n = len(real)
    inside = torch.cdist(made, made).sum() + torch.cdist(real, real).sum()
    return 2.0 * torch.cdist(real, made).mean() - inside / (n * max(n - 1, 1))


def _cramer_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    """Returns the surrogate E[f(made)] - E[f(real)], f(x) = E|x - y| - |x| over made y."""
    n = len(made)
    apart = torch.cdist(made, made).sum() / (n * max(n - 1, 1)) - torch.cdist(real, made).mean()
    return apart + real.pow(2).sum(1).sqrt().mean() - made.pow(2).sum(1).sqrt().mean()


def _classes_critic(real: torch.Tensor, made: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    # The last class means "generated"; the others are classes of real images.
    last = torch.full_like(classes, real.shape[1] - 1)
    return functional.cross_entropy(real, classes) + functional.cross_entropy(made, last)


def _classes_generator(_: torch.Tensor, made: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(made, classes)


def _energy_critic(real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return real.mean() + functional.relu(MARGIN - made).mean()


def _energy_generator(_: torch.Tensor, made: torch.Tensor, __: torch.Tensor) -> torch.Tensor:
    return made.mean()


GAMES: Mapping[str, Game] = {
    "standard": Game("loss_adversarial", _standard_critic, _standard_generator),
    "ls": Game("loss_ls", _ls_critic, _ls_generator),
    "wgan": Game(
        "loss_wgan", _wasserstein_critic, _negative_score, spectral=False, clip=0.03, critic_steps=2
    ),
    "wgan_gp": Game(
        "loss_wgan",
        _wasserstein_critic,
        _negative_score,
        spectral=False,
        penalty=10.0,
        critic_steps=2,
    ),
    "hinge": Game("loss_hinge", _hinge_critic, _negative_score),
    "f_kl": Game("loss_kl", _kl_critic, _negative_score),
    "mmd": Game("loss_mmd", _mmd_critic, _mmd_generator, outputs=16),
    "moment_matching": Game("loss_mmd", None, _mmd_generator),
    "classes": Game("loss_ce", _classes_critic, _classes_generator, outputs=0),
    "non_saturating": Game(
        "loss_adversarial",
        _standard_critic,
        _standard_generator,
        spectral=False,
        penalty=1.0,
        penalised="real",
    ),
    "relativistic": Game("loss_adversarial", _relativistic_critic, _relativistic_generator),
    "boundary_seeking": Game("loss_adversarial", _standard_critic, _boundary_generator),
    "softmax": Game("loss_adversarial", _softmax_critic, _softmax_generator),
    "unrolled": Game(
        "loss_adversarial", _standard_critic, _standard_generator, spectral=False, unrolled=3
    ),
    "wgan_dragan": Game(
        "loss_wgan",
        _wasserstein_critic,
        _negative_score,
        spectral=False,
        penalty=10.0,
        penalised="around",
        critic_steps=2,
    ),
    # Spectrally normalised: with the source's penalty, a short training made no progress.
    "cramer": Game("loss_wgan", _cramer_critic, _cramer_generator, outputs=16),
    "f_gan": Game("loss_adversarial", _hellinger_critic, _one_minus_exp_generator),
    "f_neyman": Game("loss_adversarial", _neyman_critic, _one_minus_exp_generator),
    "f_pearson": Game("loss_ls", _pearson_critic, _negative_score),
    "characteristic": Game(
        "loss_mmd", _mmd_critic, _mmd_generator, outputs=16, rules=CharacteristicDistance
    ),
    "energy": Game(
        "loss_hinge", _energy_critic, _energy_generator, spectral=False, energy="loss_mse"
    ),
    "began": Game(
        "loss_l1",
        _energy_critic,
        _energy_generator,
        spectral=False,
        energy="loss_l1",
        rules=Equilibrium,
    ),
    "magan": Game(
        "loss_mse",
        _energy_critic,
        _energy_generator,
        spectral=False,
        energy="loss_mse",
        rules=AdaptiveMargin,
    ),
}
"""The games; where there are rules, these provide both sides."""
