"""A trained GM whose images come from one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from gmbench.zoo.reproducible import reproducible


@dataclass
class SamplingGM:
    """A `TrainedGM` that samples by calling a function.

    Attributes:
        network: The network that makes the images, in evaluation mode.
        example: One valid input of the network.
        losses: Names of the schema's losses that the objective actually summed.
        history: Training loss by step.
        make: Maps a number of images and a generator to images, shape (n, 3, size, size), uint8.
    """

    network: nn.Module
    example: tuple[torch.Tensor, ...]
    losses: tuple[str, ...]
    history: list[float]
    make: Callable[[int, torch.Generator], torch.Tensor]

    def sample(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Makes images, shape (n, 3, size, size), uint8; `generator` supplies all randomness."""
        with reproducible(0):
            return self.make(n, generator)
