"""The training loop of all kinds: one objective, lowered for so many steps."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from gmbench.zoo.kinds.batch_statistics import refresh_batch_statistics
from gmbench.zoo.kinds.optimisers import adam
from gmbench.zoo.kinds.returning_gradient import return_gradients


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a network is trained; trainings are short, so rates are high.

    Attributes:
        rate: Largest step size of Adam (Kingma and Ba, 2015).
        warm_up: Share of the steps in which it rises to that.
        cool_down: Share of the steps in which it falls to nothing, at the end.
        moments: Adam's two decays.
        largest_gradient: Norm at which the gradient is cut.
        memory: Share of the old weights in the running mean of the weights, which is what samples;
            0 for no such mean.
    """

    rate: float
    warm_up: float = 0.3
    cool_down: float = 0.7
    moments: tuple[float, float] = (0.9, 0.99)
    largest_gradient: float = 1.0
    memory: float = 0.0

    def share(self, step: int, steps: int) -> float:
        """Returns the share of the step sizes that the step of a number has, in (0, 1]."""
        rising = (step + 1) / max(self.warm_up * steps, 1.0)
        falling = (1.0 - step / steps) / max(self.cool_down, 1e-9)
        return min(rising, falling, 1.0)


def descend(optimizer: torch.optim.Optimizer, value: torch.Tensor) -> None:
    """Takes one step down a value: that of an opponent, such as a critic (see `fit`).

    Args:
        optimizer: Steps the opponent's weights, whose gradients are taken afresh.
        value: What it lowers, a scalar.
    """
    optimizer.zero_grad()
    torch.autograd.backward(value)
    optimizer.step()


def fit(
    network: nn.Module,
    objective: Callable[[], torch.Tensor],
    steps: int,
    schedule: Schedule,
    *,
    partners: Sequence[nn.Module] = (),
    opponents: Sequence[torch.optim.Optimizer] = (),
    last: str = "",
    draw_inputs: Callable[[], tuple[torch.Tensor, ...]] | None = None,
) -> tuple[nn.Module, list[float]]:
    """Trains a network.

    Args:
        network: What is trained, in place.
        objective: Gives the value to be lowered on a fresh batch, a scalar.
        steps: Steps of training; 0 leaves the weights as they are.
        schedule: Step sizes and what else the loop is told.
        partners: Further networks that lower the same objective, such as an encoder.
        opponents: Optimisers that `objective` steps by itself, such as that of a critic; their
            step sizes rise and fall with the network's.
        last: Name of the last non-linearity where gradients are to return through it.
        draw_inputs: Gives inputs of the network, for the statistics of batch norm to be taken
            anew; None leaves them.

    Returns:
        The network that samples, in evaluation mode and without gradients (its running mean where
        there is one), and the value of the objective at each step.
    """
    weights = [weight for part in (network, *partners) for weight in part.parameters()]
    average = copy.deepcopy(network) if schedule.memory else network
    pairs = list(zip(average.parameters(), network.parameters(), strict=True))
    optimiser = adam(weights, schedule.rate, schedule.moments)
    groups = [
        (group, group["lr"])
        for optimizer in (optimiser, *opponents)
        for group in optimizer.param_groups
    ]
    handles = return_gradients(network, last)
    history: list[float] = []
    for step in range(steps):
        for group, rate in groups:
            group["lr"] = rate * schedule.share(step, steps)
        value = objective()
        optimiser.zero_grad()
        torch.autograd.backward(value)
        nn.utils.clip_grad_norm_(weights, schedule.largest_gradient)
        optimiser.step()
        history.append(float(value.detach()))
        if schedule.memory:
            # A short run must forget its start too: the first averages reach back less far.
            memory = min(schedule.memory, (1.0 + step) / (10.0 + step))
            with torch.no_grad():
                for mean, now in pairs:
                    mean.lerp_(now, 1.0 - memory)
    for handle in handles:
        handle.remove()
    if draw_inputs is not None:
        refresh_batch_statistics(average, draw_inputs)
    return average.eval().requires_grad_(False), history
