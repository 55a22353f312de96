"""Draws of options: what the modules of all kinds choose their architectures with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from gmbench.zoo.layers import (
    BLOCK_NONLINEARITIES,
    DOWNSAMPLINGS,
    LAST_NONLINEARITIES,
    NORMALIZATIONS,
    UPSAMPLINGS,
)

Value = TypeVar("Value")

CHOICES: Mapping[str, tuple[str, ...]] = {
    "normalization": NORMALIZATIONS,
    "last_nonlinearity": LAST_NONLINEARITIES,
    "block_nonlinearity": BLOCK_NONLINEARITIES,
    "upsampling": UPSAMPLINGS,
    "skip_connection": ("no", "yes"),
    "downsampling": DOWNSAMPLINGS,
}
"""Values of the options that give a network its classes; they bear the parameters' names."""


class Draw:
    """Even draws from a generator.

    Args:
        generator: Source of all randomness.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator

    def one(self, *values: Value) -> Value:
        """Returns one of the values."""
        return values[int(self.generator.integers(len(values)))]

    def between(self, low: int, high: int) -> int:
        """Returns a whole number from `low` to `high`, both of them possible."""
        return int(self.generator.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """Returns True in that share of the draws."""
        return bool(self.generator.random() < share)

    def classes(self, *options: str) -> dict[str, str]:
        """Returns a value for each of these options, from `CHOICES`."""
        return {option: self.one(*CHOICES[option]) for option in options}
