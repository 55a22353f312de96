"""Initial weights of convolutions.

On the device `meta`, a network has the shapes of its weights and nothing else, so nothing is drawn
there. To draw a normal number there, PyTorch would import its compiler, which takes a second.
"""

from __future__ import annotations

from torch import Tensor, nn


def draw_convolutions(network: nn.Module, slope: float = 0.0) -> None:
    """Draws the weights of all convolutions of a network after He et al.; sets their biases to 0.

    Args:
        network: The network, changed in place.
        slope: Negative slope of the leaky ReLU that follows; 0 for a plain ReLU.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            nn.init.kaiming_normal_(module.weight, a=slope)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def draw_normal(weight: Tensor, deviation: float) -> None:
    """Draws weights from a normal distribution around 0.

    Args:
        weight: The weights, filled in place.
        deviation: Standard deviation of the distribution.
    """
    if not weight.is_meta:
        nn.init.normal_(weight, std=deviation)
