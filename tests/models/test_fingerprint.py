from __future__ import annotations

import pytest
import torch
from torch import nn

from gmbench.models.fingerprint import INITIAL_DEVIATION, FingerprintNetwork


@pytest.mark.parametrize("shape", [(2, 3, 64, 64), (1, 3, 33, 28), (3, 3, 1, 1)])
def test_a_fingerprint_has_the_images_shape(shape: tuple[int, ...]) -> None:
    network = FingerprintNetwork(depth=4, width=4).eval()
    assert network(torch.rand(shape)).shape == shape


def test_the_papers_layers() -> None:
    network = FingerprintNetwork()
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 17
    assert {m.out_channels for m in convolutions[:-1]} == {64}
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 15
    assert sum(isinstance(m, nn.ReLU) for m in network.modules()) == 16


def test_a_convolution_lacks() -> None:
    with pytest.raises(ValueError, match="2 convolutions or more, not 1"):
        FingerprintNetwork(depth=1)


@pytest.mark.parametrize("width", [8, 64])
def test_first_fingerprints_are_small_but_not_nothing(width: int) -> None:
    torch.manual_seed(0)
    fingerprint = FingerprintNetwork(depth=5, width=width)(torch.rand(4, 3, 32, 32))
    assert INITIAL_DEVIATION / 3 < fingerprint.std().item() < INITIAL_DEVIATION * 3


def test_channels_last_gives_the_same() -> None:
    torch.manual_seed(0)
    network, images = FingerprintNetwork(4, 8).eval(), torch.rand(2, 3, 16, 16)
    expected = network(images)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = network(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)
