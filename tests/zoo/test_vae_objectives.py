"""Objectives of VAEs: each against its formula by hand, and as what a small decoder learns by."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch

from gmbench.zoo.kinds import vae
from gmbench.zoo.kinds.vae_objectives import (
    CAPACITY,
    CAPACITY_WEIGHT,
    OBJECTIVES,
    CapacityElbo,
    Pass,
    total_correlation,
)
from tests.zoo.kind_contract import distance_to, small_digits, specification

SMALL = {
    "decoder": "mlp",
    "width": 64,
    "blocks": 1,
    "layers_per_block": 1,
    "normalization": "batch",
    "block_nonlinearity": "relu",
    "last_nonlinearity": "sigmoid",
    "upsampling": "no",
    "skip_connection": "no",
    "latent": 8,
    "encoder_width": 8,
    "kl_weight": 1.0,
    "reconstruction": {"loss_ce": 4.0},
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_small_decoder_moves_towards_digits(name: str) -> None:
    spec = specification("VAE", "plain", 16, 50, 1, **SMALL, objective=name)
    digits, random = small_digits(16), torch.Generator()
    trained = vae.train(spec, digits[:600])
    assert set(trained.losses) == {"loss_ce", *OBJECTIVES[name].losses} == set(spec.losses)
    after, before = (
        distance_to(digits[1200:1400], gm.sample(100, random.manual_seed(0)))
        for gm in (trained, vae.train(replace(spec, steps=0), digits[:600]))
    )
    assert after < 0.6 * before


def test_total_correlation_of_one_image_by_hand() -> None:
    # A batch of one: q(z) and the product of q(z_j) are one Gaussian's; the weights differ.
    latent = torch.tensor([[0.3, -1.0, 2.0]])
    found = total_correlation(latent, torch.zeros(1, 3), torch.zeros(1, 3), 100)
    assert float(found) == pytest.approx(-math.log(100) + 3 * math.log(100), abs=1e-5)


def test_total_correlation_sees_features_that_go_together() -> None:
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, 256, 1, generator=generator)
    spread = torch.full((256, 2), math.log(0.01))
    apart, together = (
        float(total_correlation(latent, latent, spread, 256))
        for latent in (torch.cat([one, other], 1), torch.cat([one, one], 1))
    )
    assert together > apart + 1.0


def test_the_capacity_grows_over_half_of_the_training() -> None:
    images = torch.rand(8, 1, 16, 16)
    objective = CapacityElbo({"kl_weight": 1.0}, images, 4, torch.Generator())
    nothing = torch.zeros(8, 2)
    seen = Pass(images, images, nothing, nothing, nothing, torch.tensor(10.0))
    found = [objective.terms(seen, lambda: images)[0] for _ in range(4)]
    assert {name for name, _, _ in found} == {"loss_kl"}
    assert found[0][1] == pytest.approx(CAPACITY_WEIGHT / 256)
    expected = [abs(10.0 - CAPACITY * share) for share in (0.5, 1.0, 1.0, 1.0)]
    assert [float(value) for _, _, value in found] == pytest.approx(expected)
