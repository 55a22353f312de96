"""Objectives of GANs: each against its formula by hand, and as what a small generator learns by."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch

from gmbench.zoo.kinds import gan
from gmbench.zoo.kinds.gan_critics import Critic
from gmbench.zoo.kinds.gan_losses import GAMES, MARGIN, gradient_penalty, start_game
from gmbench.zoo.kinds.gan_rules import EQUILIBRIUM, MARGIN_STEPS, AdaptiveMargin, Equilibrium
from tests.zoo.kind_contract import distance_to, patterns, small_digits, specification

REAL, MADE = torch.tensor([[1.0], [2.0]]), torch.tensor([[-1.0], [0.5]])
NONE = torch.zeros(2).long()


def _ln(value: float) -> float:
    return math.log1p(math.exp(value))


BY_HAND: dict[str, tuple[float, float]] = {
    "standard": (
        (_ln(-1) + _ln(-2)) / 2 + (_ln(-1) + _ln(0.5)) / 2,
        (_ln(1) + _ln(-0.5)) / 2,
    ),
    # Means are 1.5 and -0.25: real scores less the one, made scores less the other.
    "relativistic": (
        (_ln(-1.25) + _ln(-2.25)) / 2 + (_ln(-2.5) + _ln(-1.0)) / 2,
        (_ln(2.5) + _ln(1.0)) / 2 + (_ln(1.25) + _ln(2.25)) / 2,
    ),
    "boundary_seeking": (
        (_ln(-1) + _ln(-2)) / 2 + (_ln(-1) + _ln(0.5)) / 2,
        0.5 * (1.0 + 0.25) / 2,
    ),
    "softmax": (
        math.log(math.e + math.e**2 + math.exp(-1) + math.exp(0.5)) - 1.5,
        math.log(math.e + math.e**2 + math.exp(-1) + math.exp(0.5)) - 0.625,
    ),
    "ls": (0.5 * (0.5 + 0.625), 0.5 * (4.0 + 0.25) / 2),
    "hinge": (0.0 + (0.0 + 1.5) / 2, 0.25),
    "wgan": (-0.25 - 1.5, 0.25),
    "f_kl": ((math.exp(-2) + math.exp(-0.5)) / 2 - 1.5, 0.25),
    # Squared Hellinger: T = 1 - exp(-v), f*(T) = T / (1 - T).
    "f_gan": (
        -(1 - (math.exp(-1) + math.exp(-2)) / 2) + ((math.exp(-1) + math.exp(0.5)) / 2 - 1),
        -(1 - (math.exp(1) + math.exp(-0.5)) / 2),
    ),
    # Neyman: T = 1 - exp(-v), f*(T) = 2 - 2 sqrt(1 - T).
    "f_neyman": (
        -(1 - (math.exp(-1) + math.exp(-2)) / 2) + 2 - (math.exp(0.5) + math.exp(-0.25)),
        -(1 - (math.exp(1) + math.exp(-0.5)) / 2),
    ),
    # Pearson: T = v, f*(T) = T^2 / 4 + T.
    "f_pearson": (-1.5 + (0.25 - 1.0 + 0.0625 + 0.5) / 2, 0.25),
    # Scores are energies here; only those of made images below the margin count.
    "energy": (1.5 + (MARGIN + 1.0) / 2, -0.25),
    # Distances of pairs: real to made 2, 0.5, 3, 1.5; among made 1.5, among real 1.
    "cramer": (1.5 - 0.75 - 1.75 + 1.5, 2 * 1.75 - 1.5 - 1.0),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_objectives_by_hand(name: str) -> None:
    game = GAMES[name]
    assert game.critic is not None
    found = game.critic(REAL, MADE, NONE), game.generator(REAL, MADE, NONE)
    assert [float(value) for value in found] == pytest.approx(BY_HAND[name], abs=1e-5)


def test_games_of_one_formula_differ_in_what_is_around_it() -> None:
    for name in ("non_saturating", "unrolled", "wgan_gp", "wgan_dragan"):
        game = GAMES[name]
        assert (game.penalty, game.unrolled) != (0.0, 0)
        plain = GAMES["wgan" if name.startswith("wgan") else "standard"]
        assert (game.critic, game.generator) == (plain.critic, plain.generator)


def test_characteristic_distance_is_zero_for_equal_samples_and_at_most_four() -> None:
    game = start_game("characteristic", torch.Generator().manual_seed(0))
    first, second = torch.randn(2, 64, 3, generator=torch.Generator().manual_seed(1))
    assert float(game.generator(first, first, NONE)) == 0.0
    near, far = (float(game.generator(first, second + by, NONE)) for by in (0.0, 3.0))
    assert 0.0 < near < 0.2 * far < 0.2 * 4.0


def test_the_equilibrium_moves_towards_the_wanted_ratio() -> None:
    rules = Equilibrium(torch.Generator())
    energy = torch.ones(2, 1)
    assert float(rules.critic(energy, energy, NONE)) == 1.0
    # Made images rebuilt too well: they come to count in the critic.
    for _ in range(10):
        rules.generator(energy, 0.1 * energy, NONE)
    assert rules.share == pytest.approx(10 * 0.01 * (EQUILIBRIUM - 0.1))
    assert float(rules.critic(energy, energy, NONE)) == pytest.approx(1.0 - rules.share)
    for _ in range(50):
        rules.generator(energy, energy, NONE)
    assert rules.share == 0.0


def test_the_margin_falls_to_the_real_energy_once_made_ones_rise() -> None:
    rules = AdaptiveMargin(torch.Generator())
    real, made = torch.full((2, 1), 0.5), torch.full((2, 1), 0.6)
    assert float(rules.critic(2.0 * real, made, NONE)) == pytest.approx(1.0 + 0.4)
    for factor in (1.0, 1.1):
        assert rules.margin == 1.0
        for _ in range(MARGIN_STEPS):
            rules.generator(real, factor * made, NONE)
    assert rules.margin == pytest.approx(0.5)


@pytest.mark.parametrize(("where", "expected"), [("between", 4.0), ("around", 4.0), ("real", 9.0)])
def test_penalties_of_a_slope_that_is_known(where: str, expected: float) -> None:
    real, made = torch.rand(2, 4, 1, 3, 3)
    # The score is 3 times the first pixel: its gradient has the norm 3 everywhere.
    found = gradient_penalty(
        lambda x: 3.0 * x[:, 0, 0, :1], real, made, torch.Generator().manual_seed(0), where
    )
    assert float(found) == pytest.approx(expected, abs=1e-4)


def test_a_critic_that_is_an_autoencoder_scores_by_what_it_rebuilds() -> None:
    images = torch.rand(4, 1, 16, 16) * 2.0 - 1.0
    for energy, power in (("loss_l1", 1), ("loss_mse", 2)):
        critic = Critic(16, 1, 4, 2, 0, spectral=False, energy=energy)
        assert critic.rebuild is not None
        scores, features = critic(images)
        apart = (critic.rebuild(features) - images).abs().pow(power).flatten(1).mean(1)
        assert scores.shape == (4, 2)
        assert torch.allclose(scores[:, 0], apart)


def test_a_projection_moves_the_score_by_the_class() -> None:
    critic = Critic(16, 1, 4, 1, 0, spectral=True, told=3)
    images = torch.rand(8, 1, 16, 16)
    scores = [critic.eval()(images, torch.full((8,), k))[0] for k in (0, 1)]
    assert not torch.allclose(*scores)
    assert torch.equal(critic(images)[0], critic(images)[0])


SMALL = {
    "width": 64,
    "blocks": 1,
    "layers_per_block": 1,
    "normalization": "batch",
    "block_nonlinearity": "relu",
    "last_nonlinearity": "sigmoid",
    "upsampling": "no",
    "skip_connection": "no",
    "latent": 16,
    "classes": 0,
    "terms": {},
    "critic_width": 8,
    "batch": 32,
}


@pytest.mark.parametrize("name", GAMES)
def test_a_small_generator_moves_towards_digits(name: str) -> None:
    classes = 4 if name == "classes" else 0
    spec = specification("GAN", "mlp", 16, 50, 1, **SMALL | {"game": name, "classes": classes})
    digits, random = small_digits(16), torch.Generator()
    after, before = (
        distance_to(digits[1200:1400], gm.sample(100, random.manual_seed(0)))
        for gm in (gan.train(s, digits[:600]) for s in (spec, replace(spec, steps=0)))
    )
    assert after < 0.9 * before


def test_a_further_game_has_an_output_of_its_own() -> None:
    options = SMALL | {"game": "energy", "further_games": {"standard": 0.5, "ls": 0.5}}
    spec = specification("GAN", "mlp", 16, 2, 1, **options)
    trained = gan.train(spec, patterns(24, 16, grey=True))
    assert trained.losses == spec.losses == ("loss_adversarial", "loss_hinge", "loss_ls")


def test_an_unrolled_critic_may_predict_classes_too() -> None:
    options = SMALL | {"game": "unrolled", "classes": 4, "batch": 8, "width": 8}
    spec = specification("GAN", "mlp", 16, 1, 1, **options)
    trained = gan.train(spec, patterns(24, 16, grey=True))
    assert trained.losses == spec.losses == ("loss_adversarial", "loss_ce")
