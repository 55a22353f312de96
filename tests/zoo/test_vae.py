"""VAEs: what is drawn can be built, trains with the losses it says, and repeats byte for byte."""

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
from torch import nn

from gmbench.zoo.kinds import vae
from gmbench.zoo.kinds.gan_networks import build_generator
from gmbench.zoo.kinds.vae_networks import TwoLayerDecoder
from gmbench.zoo.losses import (
    binary_cross_entropy,
    gaussian_kl,
    l1_distance,
    l2_distance,
    maximum_mean_discrepancy,
    mean_squared_error,
)
from gmbench.zoo.specification import Specification
from tests.zoo.blobs import make_blobs, moment_distance


def draw(family: str, size: int = 32, seed: int = 0, **changes: Any) -> Specification:
    """Draws a VAE of few filters and two steps."""
    options, _ = vae.draw_options(family, size, np.random.default_rng(seed))
    options |= {"width": 8, "encoder_width": 8, **changes}
    losses = vae.losses_of(options)
    return Specification("VAE_001", "VAE", family, "blobs", size, losses, options, 2, seed)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("family", vae.FAMILIES)
@pytest.mark.parametrize("grey", [True, False])
def test_families_train_and_sample(family: str, size: int, grey: bool) -> None:
    specification = draw(family, size, seed=size + grey)
    trained = vae.train(specification, make_blobs(24, size, grey))
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


@pytest.mark.parametrize("name", vae.RECONSTRUCTIONS)
def test_reconstructions_are_recorded_by_the_loop(name: str) -> None:
    specification = draw("plain", decoder="mlp", reconstruction={name: 1.0}, normalization="none")
    trained = vae.train(specification, make_blobs(24, 32, grey=True))
    assert set(trained.losses) == {name, "loss_kl"}


def test_mmd_alone_and_beside_kl() -> None:
    for weight, expected in ((0.0, {"loss_mmd"}), (0.2, {"loss_mmd", "loss_kl"})):
        specification = draw("mmd", kl_weight=weight, reconstruction={"loss_l1": 1.0})
        trained = vae.train(specification, make_blobs(24, 32, grey=True))
        assert set(trained.losses) == {"loss_l1"} | expected


@pytest.mark.parametrize("family", vae.FAMILIES)
@pytest.mark.parametrize("size", [32, 64])
def test_whatever_is_drawn_can_be_built(family: str, size: int) -> None:
    generator = np.random.default_rng(size)
    for _ in range(25):
        options, losses = vae.draw_options(family, size, generator)
        assert json.loads(json.dumps(options)) == options
        assert losses == vae.losses_of(options)
        assert ("loss_mmd" in losses) is (family == "mmd")
        assert (options["kl_weight"] not in (0.0, 1.0)) or family != "beta"
        # Without memory for weights: this is about shapes, and hundreds of networks.
        with torch.device("meta"):
            inputs: tuple[torch.Tensor, ...] = (torch.zeros(1, options["latent"]),)
            if family == "deep":
                network: nn.Module = TwoLayerDecoder(options["decoder"], size, 3, options)
                inputs = (torch.zeros(1, options["upper"]), *inputs)
            else:
                network = build_generator(options["decoder"], size, 3, options, options["latent"])
            with torch.no_grad():
                assert network.eval()(*inputs).shape == (1, 3, size, size)


PROGRAM = """
import hashlib, torch
from tests.zoo.blobs import make_blobs
from tests.zoo.test_vae import draw, vae
trained = vae.train(draw("deep", seed=7, normalization="batch"), make_blobs(24, 32, False))
images = trained.sample(6, torch.Generator().manual_seed(1))
print(hashlib.sha256(images.numpy().tobytes()).hexdigest())
"""


def test_same_specification_same_bytes_in_another_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    specification = draw("deep", seed=7, normalization="batch")
    trained = vae.train(specification, make_blobs(24, 32, grey=False))
    images = trained.sample(6, torch.Generator().manual_seed(1))
    assert hashlib.sha256(images.numpy().tobytes()).hexdigest() == done.stdout.strip()


def test_l1_l2_and_mse_are_three_losses() -> None:
    made = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    real = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    assert float(l1_distance(made, real)) == pytest.approx(7 / 4)
    assert float(mean_squared_error(made, real)) == pytest.approx(25 / 4)
    # The norm of (3, 4) is 5, that of (0, 0) is 0; both divided by the root of two values.
    assert float(l2_distance(made, real)) == pytest.approx(5 / 2**0.5 / 2, abs=1e-3)


def test_l2_has_a_finite_gradient_where_images_are_equal() -> None:
    made = torch.zeros(2, 3, requires_grad=True)
    l2_distance(made, torch.zeros(2, 3)).backward()  # type: ignore[no-untyped-call]
    assert made.grad is not None
    assert bool(made.grad.isfinite().all())


def test_kl_by_hand() -> None:
    zero = torch.zeros(4, 3)
    assert float(gaussian_kl(zero, zero)) == 0.0
    # KL(N(1, 1) || N(0, 1)) is one half for each of three features.
    assert float(gaussian_kl(zero + 1.0, zero)) == pytest.approx(1.5)


def test_kl_between_equal_gaussians_is_zero_and_agrees_with_the_standard_one() -> None:
    mean, log_variance = torch.randn(5, 4), torch.randn(5, 4)
    zero = torch.zeros(5, 4)
    assert float(vae.kl_between(mean, log_variance, mean, log_variance)) == pytest.approx(0.0)
    expected = float(gaussian_kl(mean, log_variance))
    assert float(vae.kl_between(mean, log_variance, zero, zero)) == pytest.approx(expected)


def test_cross_entropy_agrees_with_its_formula() -> None:
    made, real = torch.tensor([[0.25]]), torch.tensor([[0.5]])
    expected = -0.5 * np.log(0.25) - 0.5 * np.log(0.75)
    assert float(binary_cross_entropy(made, real)) == pytest.approx(expected)


def test_mmd_sees_a_shift() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 64, 3, generator=generator)
    assert float(maximum_mean_discrepancy(first, first)) == pytest.approx(0.0, abs=1e-6)
    near = float(maximum_mean_discrepancy(first, second))
    assert near < 0.2 * float(maximum_mean_discrepancy(first, second + 2.0))


@pytest.mark.slow
def test_training_brings_samples_closer_to_real_images() -> None:
    real = make_blobs(400, 32, grey=True)
    specification = draw("plain", decoder="dcgan", width=12, encoder_width=12, blocks=0)
    distances = []
    for steps in (0, 150):
        chosen = Specification(**{**specification.__dict__, "steps": steps})
        images = vae.train(chosen, real).sample(64, torch.Generator().manual_seed(0))
        distances.append(moment_distance(images, real))
    assert distances[1] < 0.5 * distances[0], distances
