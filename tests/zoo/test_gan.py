"""GANs: what is drawn can be built, and trains with the losses it says."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch.nn import functional

from gmbench.zoo.kinds import gan
from gmbench.zoo.kinds.degradation import degrade
from gmbench.zoo.kinds.gan_losses import GAMES
from gmbench.zoo.layers import LAST_NONLINEARITIES
from gmbench.zoo.pixels import VALUE_RANGES
from tests.zoo.kind_contract import KindContract, check_training_helps, patterns, specification


class TestContract(KindContract):
    kind = "GAN"


@pytest.mark.parametrize("name", GAMES)
def test_losses_of_every_game_are_recorded_by_the_loop(name: str) -> None:
    terms = {} if GAMES[name].critic is None else {"loss_l2": 1.0}
    classes = 4 if name in ("classes", "hinge") else 0
    spec = specification("GAN", "mlp", seed=3, game=name, terms=terms, classes=classes)
    trained = gan.train(spec, patterns(24, 32, grey=True))
    expected = {GAMES[name].loss, *terms} | ({"loss_ce"} if classes else set())
    assert set(trained.losses) == expected == set(spec.losses)
    assert np.isfinite(trained.history).all()


@pytest.mark.parametrize("last", LAST_NONLINEARITIES)
def test_the_last_nonlinearity_is_the_one_chosen(last: str) -> None:
    spec = specification("GAN", "dcgan", seed=5, last_nonlinearity=last)
    trained = gan.train(spec, patterns(24, 32, grey=False))
    final = [m for m in trained.network.modules() if not list(m.children())][-1]
    assert type(final).__name__.lower() == last.replace("_", "")
    with torch.no_grad():
        values = trained.network(*trained.example)
    black, white = VALUE_RANGES[last]
    if last != "leaky_relu":
        assert float(values.min()) >= black
    if last in ("tanh", "sigmoid"):
        assert float(values.max()) <= white


@pytest.mark.parametrize("name", [*gan.DEGRADATIONS, "thumbnail"])
def test_degraded_images_stay_images(name: str) -> None:
    images = torch.rand(4, 3, 32, 32)
    made = degrade(images, name, 4, torch.Generator().manual_seed(0))
    assert made.shape == ((4, 3, 8, 8) if name == "thumbnail" else images.shape)
    assert 0.0 <= float(made.min()) <= float(made.max()) <= 1.0
    assert not torch.equal(functional.interpolate(made, size=32), images)


def test_a_mask_covers_a_quarter() -> None:
    made = degrade(torch.zeros(6, 1, 32, 32), "mask", 1, torch.Generator().manual_seed(0))
    assert (made == 0.5).sum((1, 2, 3)).tolist() == [256] * 6


@pytest.mark.slow
def test_training_brings_samples_closer_to_real_images() -> None:
    check_training_helps("GAN", "dcgan", game="hinge", classes=0)
