"""Diffusion: schedule, sampling with a known answer, moving average, training."""

from __future__ import annotations

from typing import cast

import pytest

pytest.importorskip("torch")

import torch

from gmbench.zoo.kinds.diffusion import denoise, noise_schedule
from gmbench.zoo.kinds.diffusion_networks import DenoisingUNet, time_features
from tests.zoo.kind_contract import KindContract, check_training_helps


class TestContract(KindContract):
    kind = "DM"


class _GaussianOracle(torch.nn.Module):
    """Best estimate of the clean value where values are Gaussian: mean 0.3, deviation 0.1."""

    def __init__(self, shares: torch.Tensor) -> None:
        super().__init__()
        self.shares = shares

    def clean(self, noisy: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        share = self.shares[(time * (len(self.shares) - 1)).round().long()][:, None, None, None]
        gain = share.sqrt() * 0.01 / (share * 0.01 + 1 - share)
        return 0.3 + gain * (noisy - share.sqrt() * 0.3)


@pytest.mark.parametrize("extra", [0.0, 1.0])
def test_sampling_with_the_best_estimate_gives_the_distribution(extra: float) -> None:
    shares = noise_schedule(500)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(400, 1, 8, 8, generator=generator)
    oracle = cast(DenoisingUNet, _GaussianOracle(shares))
    made = denoise(oracle, noise, shares, 500, extra, generator)
    assert float(made.mean()) == pytest.approx(0.3, abs=0.01)
    assert float(made.std()) == pytest.approx(0.1, abs=0.01)


def test_ddim_adds_no_noise_on_the_way() -> None:
    shares = noise_schedule(100)
    noise = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    oracle = cast(DenoisingUNet, _GaussianOracle(shares))
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    calm = [denoise(oracle, noise, shares, 20, 0.0, g) for g in generators]
    lively = [denoise(oracle, noise, shares, 20, 1.0, g) for g in generators]
    assert torch.equal(*calm)
    assert not torch.equal(*lively)


@pytest.mark.parametrize("steps", [100, 1000])
def test_schedule_falls_from_image_to_noise(steps: int) -> None:
    shares = noise_schedule(steps)
    assert shares.shape == (steps + 1,)
    assert float(shares[0]) == 1.0
    assert float(shares[-1]) <= 1e-3
    assert (shares.diff() <= 0).all()


def test_times_are_told_apart() -> None:
    features = time_features(torch.arange(1, 1001) / 1000)
    nearest = torch.cdist(features, features) + 10 * torch.eye(1000)
    assert float(nearest.min()) > 0.1


@pytest.mark.slow
def test_training_brings_samples_closer_to_the_digits() -> None:
    check_training_helps("DM", "ddim")
