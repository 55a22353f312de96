"""What is measured is afterwards as it was."""

from __future__ import annotations

import random

import numpy as np
import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from gmbench.errors import NetworkError
from gmbench.measuring.measure import measure
from tests.measuring import adversarial_networks
from tests.measuring.parts import conv, image


class Moody(nn.Module):
    """Changes everything that a forward pass can change."""

    average: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            parametrizations.spectral_norm(conv()), nn.BatchNorm2d(4), nn.Dropout(), nn.ReLU(True)
        )
        self.register_buffer("average", torch.zeros(4))
        self.scale = nn.Parameter(torch.ones(4))
        self.seen: list[float] = []
        self.ready = False

    def forward(self, x: Tensor) -> Tensor:
        self.scale.data.mul_(2)
        self.average.add_(x.mean((0, 2, 3)))
        self.average = self.average + random.random() + float(np.random.rand())  # noqa: NPY002
        self.seen.append(float(self.average[0]))
        self.ready = True
        x.mul_(3)
        self.register_forward_hook(lambda *_: None)
        out: Tensor = self.body(x * self.scale[:, None, None] + torch.randn_like(x))
        return out


@pytest.mark.parametrize("training", [True, False])
def test_the_network_stays_as_it_was(training: bool) -> None:
    network = Moody().train(training)
    network.body[2].train(not training)
    example = image(4, 8)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    identities = {name: id(value) for name, value in network.state_dict(keep_vars=True).items()}
    flags = {name: part.training for name, part in network.named_modules()}
    hooks = len(network._forward_hooks)
    shown = example.clone()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    expected = random.random(), np.random.rand(), torch.rand(3).tolist()  # noqa: NPY002
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002

    measure(network, example)

    assert (random.random(), np.random.rand(), torch.rand(3).tolist()) == expected  # noqa: NPY002
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    kept = {name: id(value) for name, value in network.state_dict(keep_vars=True).items()}
    assert kept == identities
    assert {name: part.training for name, part in network.named_modules()} == flags
    assert (network.seen, network.ready) == ([], False)
    assert len(network._forward_hooks) == hooks
    assert torch.equal(example, shown)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_backward_pass_that_waits_stays_possible() -> None:
    network, example = adversarial_networks.ResidualBlock(4), image(4, 8)
    loss = network(example).sum()
    measure(network, example)
    loss.backward()


def test_the_network_stays_as_it_was_when_it_fails() -> None:
    network = adversarial_networks.ResidualBlock(4).train()
    with pytest.raises(NetworkError):
        measure(network, image(3, 8))
    assert network.training
    assert not nn.modules.module._global_forward_hooks
    assert not nn.modules.module._global_forward_pre_hooks
