"""Autoregressive GMs: order of pixels, cached sampling, training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from gmbench.zoo.kinds import autoregressive
from gmbench.zoo.kinds.autoregressive import AutoregressiveModel, draw_options
from gmbench.zoo.kinds.autoregressive_networks import (
    MADE,
    CausalConvolution,
    GatedPixelCNN,
    PixelCNN,
)
from gmbench.zoo.kinds.autoregressive_sampling import (
    draw,
    sample_cached,
    sample_plain,
)
from gmbench.zoo.layers import start_at_unit_variance
from tests.zoo.kind_contract import KindContract, check_training_helps

GRID, SYMBOLS = 5, 4


def _prior(family: str, seed: int = 0, **changes: Any) -> MADE | PixelCNN | GatedPixelCNN:
    """A small random network in doubles, with running statistics that are not the first ones."""
    torch.manual_seed(seed)
    options: dict[str, Any] = {
        "grid": GRID,
        "normalization": "batch",
        "block_nonlinearity": "elu",
        "last_nonlinearity": "tanh",
        "skip_connection": "yes",
        "layers_per_block": 2,
        "width": 40 if family == "made" else 6,
        "blocks": 2,
        "first_kernel": 5,
    } | changes
    model = AutoregressiveModel(family, torch.randn(SYMBOLS, 3), GRID, options).double()
    start_at_unit_variance(model, torch.randn(8, 3, GRID, GRID).double())
    model.train()(torch.randn(16, 3, GRID, GRID).double() * 2)
    prior = model.eval().prior
    assert isinstance(prior, MADE | PixelCNN | GatedPixelCNN)
    return prior


@pytest.mark.parametrize("family", autoregressive.FAMILIES)
@pytest.mark.parametrize("norm", ["none", "batch", "layer", "instance", "group"])
@pytest.mark.parametrize("skip", ["yes", "no"])
def test_a_pixel_hears_of_earlier_pixels_alone(family: str, norm: str, skip: str) -> None:
    network = _prior(family, normalization=norm, skip_connection=skip)
    pixels = GRID * GRID
    # One copy of the image for each pixel, so that one backward pass gives all gradients.
    x = torch.randn(1, 3, GRID, GRID).double().expand(pixels, -1, -1, -1).clone()
    x.requires_grad_(True)
    network(x).sum(1).flatten(1).diagonal().sum().backward()
    assert x.grad is not None
    jacobian = x.grad.abs().sum(1).flatten(1)
    assert torch.equal(jacobian.triu(), torch.zeros_like(jacobian))
    # The pixel before is heard: the masks do not take away too much.
    assert all(jacobian[i, i - 1] > 0 for i in (1, 2, GRID + 1, pixels - 1))


@pytest.mark.parametrize("family", autoregressive.FAMILIES)
@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_cached_sampling_gives_the_images_of_the_plain_loop(family: str, norm: str) -> None:
    palette = torch.randn(SYMBOLS, 3).double()
    for seed, skip in enumerate(("yes", "no")):
        network = _prior(family, seed, normalization=norm, skip_connection=skip)
        uniforms = torch.rand(3, GRID, GRID, generator=torch.Generator().manual_seed(1)).double()
        plain = sample_plain(network, palette, uniforms)
        cached = sample_cached(network, palette, uniforms)
        assert torch.equal(plain, cached)
        assert len(set(plain.flatten().tolist())) > 2


def test_caches_are_gone_after_sampling() -> None:
    network = _prior("pixelcnn")
    x = torch.randn(2, 3, GRID, GRID).double()
    before = network(x)
    sample_cached(network, torch.randn(SYMBOLS, 3).double(), torch.rand(2, GRID, GRID).double())
    assert torch.equal(network(x), before)
    convolutions = [m for m in network.modules() if isinstance(m, CausalConvolution)]
    assert all(convolution.position is None for convolution in convolutions)


def test_symbols_follow_their_scores() -> None:
    scores = torch.tensor([[0.2, 0.5, 0.3]]).log().expand(3, -1)
    assert draw(scores, torch.tensor([0.1, 0.6, 0.99])).tolist() == [0, 1, 2]
    uniform = torch.rand(20_000, generator=torch.Generator().manual_seed(0))
    shares = draw(scores[:1].expand(20_000, -1), uniform).bincount(minlength=3) / 20_000
    assert torch.allclose(shares, torch.tensor([0.2, 0.5, 0.3]), atol=0.01)


@pytest.mark.parametrize("size", [32, 64])
def test_losses_fit_the_options(size: int) -> None:
    for family in autoregressive.FAMILIES:
        for seed in range(30):
            options, losses = draw_options(family, size, np.random.default_rng(seed))
            assert (losses == ("loss_ce",)) == (options["grid"] == size)
            assert losses[-1] == "loss_ce"


class TestContract(KindContract):
    kind = "AR"


@pytest.mark.slow
def test_training_brings_samples_closer_to_the_digits() -> None:
    check_training_helps("AR", "pixelcnn", seed=1)
