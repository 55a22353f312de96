"""Flows: exact inverses, determinants, training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch.func import jacrev

from gmbench.zoo.kinds import flow
from gmbench.zoo.kinds.flow_networks import FlowNetwork, Squeeze
from gmbench.zoo.kinds.likelihood import dequantise, negative_log_likelihood
from gmbench.zoo.layers import LAST_NONLINEARITIES
from gmbench.zoo.pixels import VALUE_RANGES, to_pixels
from tests.zoo.kind_contract import (
    KindContract,
    distance_to,
    patterns,
    small_digits,
    specification,
)


class TestContract(KindContract):
    kind = "NF"


def _network(glow: bool, channels: int, last: str, size: int = 8, **changes: Any) -> FlowNetwork:
    """A small flow in doubles whose couplings do something."""
    torch.manual_seed(0)
    options: dict[str, Any] = {
        "coarse": 4,
        "haar": True,
        "steps": 2,
        "width": 8,
        "blocks": 1,
        "layers_per_block": 1,
        "normalization": "none",
        "block_nonlinearity": "elu",
        "last_nonlinearity": last,
        "residual": True,
    } | changes
    network = FlowNetwork(glow, channels, size, options).double()
    generator = torch.Generator().manual_seed(0)
    images = patterns(200, size, grey=channels == 1)[:, :channels]
    network.invert(dequantise(images, last, generator).double())
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=generator).double()
    return network.eval()


@pytest.mark.parametrize("glow", [True, False])
@pytest.mark.parametrize("last", LAST_NONLINEARITIES)
@pytest.mark.parametrize(("channels", "haar"), [(1, True), (3, False)])
def test_inverse_is_exact(glow: bool, channels: int, last: str, haar: bool) -> None:
    norm = "instance" if glow else "batch"
    network = _network(glow, channels, last, haar=haar, normalization=norm)
    pixels = patterns(5, 8, grey=channels == 1)
    generator = torch.Generator().manual_seed(1)
    images = dequantise(pixels[:, :channels], last, generator).double()
    z, _ = network.invert(images)
    assert torch.allclose(network(z), images, atol=1e-8)


@pytest.mark.parametrize("glow", [True, False])
@pytest.mark.parametrize("last", LAST_NONLINEARITIES)
def test_log_determinant_is_that_of_the_jacobian(glow: bool, last: str) -> None:
    network = _network(glow, 1, last, size=4, coarse=2)
    generator = torch.Generator().manual_seed(1)
    image = dequantise(patterns(1, 4, grey=True)[:, :1], last, generator).double()
    _, determinant = network.invert(image)

    def noise(flat: torch.Tensor) -> torch.Tensor:
        return network.invert(flat.reshape(1, 1, 4, 4))[0][0]

    jacobian = jacrev(noise)(image.flatten())
    assert torch.allclose(determinant[0], torch.linalg.slogdet(jacobian)[1], atol=1e-8)


@pytest.mark.parametrize("haar", [True, False])
def test_squeeze_puts_the_coarse_image_first(haar: bool) -> None:
    x = torch.arange(32.0).reshape(1, 2, 4, 4)
    squeeze = Squeeze(haar)
    y = squeeze.invert(x)
    assert torch.allclose(squeeze(y), x)
    coarse = 2 * torch.nn.functional.avg_pool2d(x, 2) if haar else x[..., ::2, ::2]
    assert torch.allclose(y[:, :2], coarse)


@pytest.mark.parametrize("last", LAST_NONLINEARITIES)
def test_dequantised_pixels_stay_inside_and_come_back(last: str) -> None:
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(400, -1, -1, -1)
    values = dequantise(pixels, last, torch.Generator().manual_seed(0))
    black, white = VALUE_RANGES[last]
    assert black < values.min()
    assert values.max() < white
    back = to_pixels(values, last)[:, :1].int()
    assert (back - pixels.int()).abs().max() <= 1


def test_likelihood_of_standard_noise() -> None:
    z = torch.randn(4000, 20, generator=torch.Generator().manual_seed(0))
    nll = negative_log_likelihood(z, torch.zeros(4000))
    # Entropy of a standard Gaussian: (log 2 pi + 1) / 2 = 1.4189 nats.
    assert float(nll) == pytest.approx(1.4189, abs=0.01)


@pytest.mark.slow
def test_training_makes_unseen_digits_likelier_and_samples_closer() -> None:
    digits = small_digits()
    unseen = digits[1200:1400]
    spec = specification("NF", "glow", steps=flow.STEPS["glow"], seed=2)
    last = spec.options["last_nonlinearity"]
    values = dequantise(unseen[:, :1], last, torch.Generator().manual_seed(0))
    likelihoods = []
    for steps in (0, spec.steps):
        gm = flow.train(replace(spec, steps=steps), digits[:1200])
        assert isinstance(gm.network, FlowNetwork)
        with torch.no_grad():
            likelihoods.append(float(negative_log_likelihood(*gm.network.invert(values))))
    assert likelihoods[1] < likelihoods[0] - 0.5
    # A flow of no steps has met a batch of data already; a new network has not.
    torch.manual_seed(0)
    new = FlowNetwork(True, 1, 32, spec.options).eval()
    with torch.no_grad():
        untrained = to_pixels(new(torch.randn(100, 1024)), last)
    trained = gm.sample(100, torch.Generator().manual_seed(0))
    assert distance_to(unseen, trained) < 0.5 * distance_to(unseen, untrained)
