"""GANs: what is drawn can be built, trains with the losses it says, and repeats byte for byte."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch.nn import functional

from gmbench.zoo.kinds import gan
from gmbench.zoo.kinds.degradation import degrade
from gmbench.zoo.kinds.gan_losses import GAMES
from gmbench.zoo.kinds.gan_networks import build_generator
from gmbench.zoo.layers import LAST_NONLINEARITIES
from gmbench.zoo.pixels import VALUE_RANGES
from gmbench.zoo.specification import Specification
from tests.zoo.blobs import make_blobs, moment_distance


def draw(family: str, size: int = 32, seed: int = 0, **changes: Any) -> Specification:
    """Draws a GAN of few filters and two steps."""
    options, _ = gan.draw_options(family, size, np.random.default_rng(seed))
    options |= {"width": 8, "critic_width": 8, "batch": 8, **changes}
    losses = gan.losses_of(options)
    return Specification("GAN_001", "GAN", family, "blobs", size, losses, options, 2, seed)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("family", gan.FAMILIES)
@pytest.mark.parametrize("grey", [True, False])
def test_families_train_and_sample(family: str, size: int, grey: bool) -> None:
    specification = draw(family, size, seed=size + grey)
    trained = gan.train(specification, make_blobs(24, size, grey))
    images = trained.sample(5, torch.Generator().manual_seed(0))
    assert images.shape == (5, 3, size, size)
    assert images.dtype == torch.uint8
    assert bool((images[:, :1] == images).all()) is grey
    assert trained.losses == specification.losses
    assert len(trained.history) == 2
    assert np.isfinite(trained.history).all()
    with torch.no_grad():
        output = trained.network(*trained.example)
    assert output.shape == (1, 1 if grey else 3, size, size)


@pytest.mark.parametrize("name", GAMES)
def test_losses_of_every_game_are_recorded_by_the_loop(name: str) -> None:
    terms = {} if GAMES[name].critic is None else {"loss_l2": 1.0}
    classes = 4 if name in ("classes", "hinge") else 0
    specification = draw("mlp", seed=3, game=name, terms=terms, classes=classes)
    trained = gan.train(specification, make_blobs(24, 32, grey=True))
    expected = {GAMES[name].loss, *terms} | ({"loss_ce"} if classes else set())
    assert set(trained.losses) == expected == set(specification.losses)
    assert np.isfinite(trained.history).all()


@pytest.mark.parametrize("last", LAST_NONLINEARITIES)
def test_the_last_nonlinearity_is_the_one_chosen(last: str) -> None:
    specification = draw("dcgan", seed=5, last_nonlinearity=last)
    trained = gan.train(specification, make_blobs(24, 32, grey=False))
    final = [m for m in trained.network.modules() if not list(m.children())][-1]
    assert type(final).__name__.lower() == last.replace("_", "")
    with torch.no_grad():
        values = trained.network(*trained.example)
    black, white = VALUE_RANGES[last]
    if last != "leaky_relu":
        assert float(values.min()) >= black
    if last in ("tanh", "sigmoid"):
        assert float(values.max()) <= white


@pytest.mark.parametrize("family", gan.FAMILIES)
@pytest.mark.parametrize("size", [32, 64])
def test_whatever_is_drawn_can_be_built(family: str, size: int) -> None:
    generator = np.random.default_rng(size)
    for _ in range(25):
        options, losses = gan.draw_options(family, size, generator)
        assert json.loads(json.dumps(options)) == options
        assert losses == gan.losses_of(options)
        assert losses
        inputs = options["latent"] + options["classes"]
        # Without memory for weights: this is about shapes, and hundreds of networks.
        with torch.device("meta"), torch.no_grad():
            network = build_generator(family, size, 3, options, inputs).eval()
            example = torch.zeros(1, inputs)
            if family == "image_to_image":
                example = torch.zeros(1, 3, options["input_size"], options["input_size"])
            assert network(example).shape == (1, 3, size, size)


def test_no_steps_give_an_untrained_generator() -> None:
    specification = draw("dcgan")
    untrained = Specification(**{**specification.__dict__, "steps": 0})
    trained = gan.train(untrained, make_blobs(24, 32, grey=False))
    assert trained.history == []
    assert trained.losses == ()
    assert trained.sample(2, torch.Generator().manual_seed(0)).shape == (2, 3, 32, 32)


PROGRAM = """
import hashlib, torch
from tests.zoo.blobs import make_blobs
from tests.zoo.test_gan import draw, gan
trained = gan.train(draw("{family}", seed=7, normalization="batch"), make_blobs(24, 32, False))
images = trained.sample(6, torch.Generator().manual_seed(1))
print(hashlib.sha256(images.numpy().tobytes()).hexdigest())
"""


def test_same_specification_same_bytes_in_another_process() -> None:
    program = PROGRAM.format(family="residual")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    torch.manual_seed(999)  # whatever happened before must not matter
    for _ in range(2):
        specification = draw("residual", seed=7, normalization="batch")
        trained = gan.train(specification, make_blobs(24, 32, grey=False))
        images = trained.sample(6, torch.Generator().manual_seed(1))
        assert hashlib.sha256(images.numpy().tobytes()).hexdigest() == done.stdout.strip()


def test_another_seed_gives_other_images() -> None:
    real = make_blobs(24, 32, grey=False)
    first, second = (gan.train(draw("mlp", seed=s, width=16), real) for s in (0, 1))
    drawn = [g.sample(3, torch.Generator().manual_seed(0)) for g in (first, second)]
    assert not torch.equal(*drawn)


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
    real = make_blobs(400, 32, grey=True)
    specification = draw("dcgan", width=12, critic_width=16, batch=32, game="hinge", classes=0)
    distances = []
    for steps in (0, 150):
        chosen = Specification(**{**specification.__dict__, "steps": steps})
        images = gan.train(chosen, real).sample(64, torch.Generator().manual_seed(0))
        distances.append(moment_distance(images, real))
    assert distances[1] < 0.5 * distances[0], distances
