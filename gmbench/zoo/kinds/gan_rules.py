"""Games between a critic and a generator that keep a state between their steps."""

from __future__ import annotations

from typing import Protocol

import torch
from torch.nn import functional

#: BEGAN: target ratio of the energies of generated and real images, and the step size of the
#: balance. The published step size of 0.001 is for a hundred thousand steps.
EQUILIBRIUM, BALANCE_RATE = 0.6, 0.01
#: MAGAN: steps after which the margin may be lowered, instead of an epoch.
MARGIN_STEPS = 20
#: Number of frequencies at which characteristic functions are compared per step, and their scale.
FREQUENCIES, FREQUENCY_SCALE = 16, 1.0


class Rules(Protocol):
    """The two sides of a game that keeps a state between its steps."""

    def critic(self, real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        """Returns what the critic minimises."""
        ...

    def generator(self, real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        """Returns what the generator minimises."""
        ...


class CharacteristicDistance:
    """Squared distance between two empirical characteristic functions at random frequencies."""

    def __init__(self, generator: torch.Generator) -> None:
        self.random = generator

    def critic(self, real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        """Returns the negated distance."""
        return -self.generator(real, made, _)

    def generator(self, real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        """Returns the mean of |phi(real) - phi(made)|^2 over the frequencies."""
        shape = real.shape[1], FREQUENCIES
        frequencies = FREQUENCY_SCALE * torch.randn(shape, generator=self.random)
        both = real @ frequencies, made @ frequencies
        waves = [torch.cat([v.cos(), v.sin()], dim=1).mean(0) for v in both]
        return 2.0 * (waves[0] - waves[1]).pow(2).mean()


class Equilibrium:
    """BEGAN: generated images count in the critic by a share that keeps both energies in balance.

    Attributes:
        share: The share, `k` in the source.
    """

    def __init__(self, _: torch.Generator) -> None:
        self.share = 0.0

    def critic(self, real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        """Returns what the critic minimises."""
        return real.mean() - self.share * made.mean()

    def generator(self, real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        """Returns what the generator minimises, and updates the share."""
        value = made.mean()
        step = BALANCE_RATE * float(EQUILIBRIUM * real.mean() - value.detach())
        # Relative to the energy of real images, so that the balance does not depend on the scale.
        self.share = min(1.0, max(0.0, self.share + step / max(float(real.mean()), 1e-6)))
        return value


class AdaptiveMargin:
    """MAGAN: a margin that falls to the energy of real images once generated ones get no closer.

    Attributes:
        margin: The margin; infinite before the first step.
    """

    def __init__(self, _: torch.Generator) -> None:
        self.margin = float("inf")
        self._real: list[float] = []
        self._made: list[float] = []
        self._last_made = float("inf")

    def critic(self, real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        """Returns what the critic minimises."""
        if self.margin == float("inf"):
            self.margin = float(real.detach().mean())
        return real.mean() + functional.relu(self.margin - made).mean()

    def generator(self, real: torch.Tensor, made: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        """Returns what the generator minimises; after `MARGIN_STEPS` the margin may fall."""
        value = made.mean()
        self._real.append(float(real.mean()))
        self._made.append(float(value.detach()))
        if len(self._real) == MARGIN_STEPS:
            real_mean, made_mean = (sum(v) / MARGIN_STEPS for v in (self._real, self._made))
            if real_mean < self.margin and real_mean < made_mean and self._last_made <= made_mean:
                self.margin = real_mean
            self._last_made = made_mean
            self._real, self._made = [], []
        return value
