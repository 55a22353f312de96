"""Noise on the code in the middle of an image-to-image network during training.

As in UNIT (Liu, Breuel and Kautz, 2017), the code is the mean of a Gaussian of variance 1, whose
Kullback-Leibler divergence from the standard Gaussian is half the mean square of the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

_WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


class NoisyCode:
    """Adds noise to the code of a network in training, and records the code's divergence.

    The code is the output of the layer in the middle of the convolutions and fully connected layers
    that a pass goes through.

    Args:
        network: Maps images to images.
        example: One valid input.
        generator: Source of the noise.

    Attributes:
        divergence: KL of the last code from a standard Gaussian, a scalar: mean over images and
            over the values of a code.
    """

    def __init__(
        self, network: nn.Module, example: torch.Tensor, generator: torch.Generator
    ) -> None:
        self.random = generator
        self.divergence = torch.zeros(())
        passed: list[nn.Module] = []
        handles = [
            module.register_forward_hook(lambda module, *_: passed.append(module))
            for module in network.modules()
            if isinstance(module, _WEIGHTED)
        ]
        with torch.no_grad():
            network(example)
        for handle in handles:
            handle.remove()
        self._middle = passed[len(passed) // 2]

    @contextmanager
    def on_code(self) -> Iterator[None]:
        """Adds noise to the code of every pass within the context."""
        handle = self._middle.register_forward_hook(self._add)
        try:
            yield
        finally:
            handle.remove()

    def _add(self, _: nn.Module, __: object, code: torch.Tensor) -> torch.Tensor:
        self.divergence = 0.5 * code.pow(2).mean()
        return code + torch.randn(code.shape, generator=self.random)
