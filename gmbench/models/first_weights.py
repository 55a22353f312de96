"""The first weights of convolutions.

On the device `meta` a network has the shapes of its weights and nothing else: there nothing is
drawn. PyTorch would import its compiler to draw a normal number there, which takes a second.
"""

from __future__ import annotations

from torch import Tensor, nn


def draw_convolutions(network: nn.Module, slope: float = 0.0) -> None:
    """Draws the weights of all convolutions of a network after He et al.; their biases become 0.

    Args:
        network: With the layers.
        slope: Of the leaky ReLU behind them; 0 of a plain one.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            nn.init.kaiming_normal_(module.weight, a=slope)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def draw_normal(weight: Tensor, deviation: float) -> None:
    """Draws weights of a normal distribution around 0.

    Args:
        weight: Filled in place.
        deviation: Its standard deviation.
    """
    if not weight.is_meta:
        nn.init.normal_(weight, std=deviation)
