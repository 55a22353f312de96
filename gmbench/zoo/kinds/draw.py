"""Random draws of options, with which the modules of all kinds choose architectures."""

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
"""Values of the options that determine a network's classes, named after the parameters."""


class Draw:
    """Uniform draws from a random generator.

    Args:
        generator: Source of all randomness.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator

    def one(self, *values: Value) -> Value:
        """Returns one of the values."""
        return values[int(self.generator.integers(len(values)))]

    def between(self, low: int, high: int) -> int:
        """Returns an integer from `low` to `high`, both inclusive."""
        return int(self.generator.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """Returns True with probability `share`."""
        return bool(self.generator.random() < share)

    def classes(self, *options: str) -> dict[str, str]:
        """Returns a value from `CHOICES` for each of these options."""
        return {option: self.one(*CHOICES[option]) for option in options}
