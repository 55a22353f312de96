"""A gradient that returns values from where the last non-linearity has no slope.

A generator whose ReLU has gone all black, or whose sigmoid is saturated, would never learn again.
While it trains, a value beyond the useful range gets a small gradient, but only towards that range.
The network's values are not changed, and nothing of this remains once it is trained.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

#: The range of values before the non-linearity in which its slope is used unchanged.
USEFUL_RANGES: dict[str, tuple[float, float]] = {
    "relu": (0.0, float("inf")),
    "tanh": (-1.8, 1.8),
    "sigmoid": (-3.0, 3.0),
}
#: Share of the gradient that a value outside this range gets.
SHARE = 0.2


def return_gradients(network: nn.Module, last: str) -> list[RemovableHandle]:
    """Lets gradients return through the last non-linearity of a network.

    Args:
        network: Its last module without children is the last non-linearity.
        last: Its name; one without a range in `USEFUL_RANGES` is left unchanged.

    Returns:
        Hook handles; calling `remove` on each ends this.
    """
    if last not in USEFUL_RANGES:
        return []
    final = [module for module in network.modules() if not list(module.children())][-1]
    low, high = USEFUL_RANGES[last]

    def add(_: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
        if not torch.is_grad_enabled():
            return output
        returning: torch.Tensor = _Returning.apply(inputs[0], low, high)  # type: ignore[no-untyped-call]
        return output + returning

    return [final.register_forward_hook(add)]


class _Returning(torch.autograd.Function):
    """Zeros whose gradient directs values outside a range back to it."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, low: float, high: float) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.range = low, high
        return torch.zeros_like(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (x,), (gradient,) = ctx.saved_tensors, gradients
        low, high = ctx.range
        # A step goes against the gradient: a negative one makes the value larger.
        returns = ((x < low) & (gradient < 0.0)) | ((x > high) & (gradient > 0.0))
        return SHARE * gradient * returns, None, None
