"""What the networks of tests are put together from, and inputs for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn

from gmbench.schema import CONTINUOUS, DISCRETE

NAMES = [parameter.name for parameter in (*CONTINUOUS, *DISCRETE)]


def image(channels: int, size: int, batch: int = 1) -> Tensor:
    return torch.randn(batch, channels, size, size)


def latent(size: int, batch: int = 1) -> Tensor:
    return torch.randn(batch, size)


def index(batch: int = 1) -> Tensor:
    return torch.zeros(batch, dtype=torch.int64)


def conv(inner: int = 4, outer: int = 4, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(inner, outer, 3, padding=1, **options)


class Call(nn.Module):
    """A network that is a function."""

    def __init__(self, function: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*inputs, **dict(self.named_children()))


class Functional(nn.Module):
    """A network without a single layer module: its weights are bare parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.fc_bias = weight(16, 8 * 4 * 4), weight(8 * 4 * 4)
        self.conv1, self.conv2 = weight(8, 4, 4, 4), weight(3, 4, 3, 3)
        self.scale, self.shift = weight(4), weight(4)

    def forward(self, z: Tensor) -> Tensor:
        x = (z @ self.fc + self.fc_bias).relu().view(-1, 8, 4, 4)
        x = F.conv_transpose2d(x, self.conv1, stride=2, padding=1)
        x = F.relu_(F.instance_norm(x, weight=self.scale, bias=self.shift))
        x = F.avg_pool2d(x, 3, stride=1, padding=1)
        return torch.tanh(F.conv2d(x, self.conv2, padding=1))


def weight(*shape: int) -> nn.Parameter:
    """A parameter of small random numbers."""
    return nn.Parameter(torch.randn(*shape) * 0.1)


class Wrapped(nn.Module):
    """Another module around a network."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *inputs: Any) -> Any:
        return self.inner(*inputs)
