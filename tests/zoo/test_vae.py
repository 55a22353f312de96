"""VAEs: what is drawn can be built, and trains with the losses it says."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch.distributions import Normal, kl_divergence

from gmbench.zoo.kinds import vae
from gmbench.zoo.losses import (
    binary_cross_entropy,
    gaussian_kl,
    kl_between,
    l1_distance,
    l2_distance,
    maximum_mean_discrepancy,
    mean_squared_error,
)
from tests.zoo.kind_contract import KindContract, check_training_helps, patterns, specification


class TestContract(KindContract):
    kind = "VAE"

    def test_the_family_decides_the_divergence(self, family: str) -> None:
        for seed in range(25):
            options, losses = vae.draw_options(family, 32, np.random.default_rng(seed))
            assert losses == vae.losses_of(options)
            assert ("loss_mmd" in losses) is (family == "mmd")
            assert (options["kl_weight"] not in (0.0, 1.0)) or family != "beta"


@pytest.mark.parametrize("name", vae.RECONSTRUCTIONS)
def test_reconstructions_are_recorded_by_the_loop(name: str) -> None:
    spec = specification(
        "VAE", "plain", decoder="mlp", reconstruction={name: 1.0}, normalization="none"
    )
    trained = vae.train(spec, patterns(24, 32, grey=True))
    assert set(trained.losses) == {name, "loss_kl"}


def test_mmd_alone_and_beside_kl() -> None:
    for weight, expected in ((0.0, {"loss_mmd"}), (0.2, {"loss_mmd", "loss_kl"})):
        spec = specification("VAE", "mmd", kl_weight=weight, reconstruction={"loss_l1": 1.0})
        trained = vae.train(spec, patterns(24, 32, grey=True))
        assert set(trained.losses) == {"loss_l1"} | expected


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


def test_kl_between_gaussians_agrees_with_that_of_torch() -> None:
    torch.manual_seed(0)
    first, second = torch.randn(2, 2, 5, 4)
    assert float(kl_between(*first, *first)) == pytest.approx(0.0)
    normals = [Normal(mean, (0.5 * log_variance).exp()) for mean, log_variance in (first, second)]
    expected = kl_divergence(*normals).sum(1).mean()
    assert float(kl_between(*first, *second)) == pytest.approx(float(expected), rel=1e-5)


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
    check_training_helps("VAE", "plain", decoder="dcgan", blocks=0)
