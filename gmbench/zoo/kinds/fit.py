"""The training loop of all kinds: one objective, minimised for a number of steps."""

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
        rate: Maximum learning rate of Adam (Kingma and Ba, 2015).
        warm_up: Share of the steps over which the learning rate rises to this maximum.
        cool_down: Share of the steps, at the end, over which it falls to zero.
        moments: Adam's two decay rates.
        largest_gradient: Norm at which the gradient is clipped.
        memory: Share of the old weights in the running mean of the weights, which is used for
            sampling; 0 for no such mean.
    """

    rate: float
    warm_up: float = 0.3
    cool_down: float = 0.7
    moments: tuple[float, float] = (0.9, 0.99)
    largest_gradient: float = 1.0
    memory: float = 0.0

    def share(self, step: int, steps: int) -> float:
        """Returns the factor in (0, 1] that scales the learning rates at a step."""
        rising = (step + 1) / max(self.warm_up * steps, 1.0)
        falling = (1.0 - step / steps) / max(self.cool_down, 1e-9)
        return min(rising, falling, 1.0)


def descend(optimizer: torch.optim.Optimizer, value: torch.Tensor) -> None:
    """Takes one descent step of an opponent, such as a critic (see `fit`).

    Args:
        optimizer: Updates the opponent's weights, whose gradients are computed afresh.
        value: What the opponent minimises, a scalar.
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
        network: Network to train, in place.
        objective: Returns the value to minimise on a fresh batch, a scalar.
        steps: Number of training steps; 0 leaves the weights unchanged.
        schedule: Learning rates and further settings of the loop.
        partners: Further networks that minimise the same objective, such as an encoder.
        opponents: Optimisers that `objective` steps itself, such as that of a critic; their
            learning rates rise and fall with the network's.
        last: Name of the last non-linearity, if gradients are to return through it.
        draw_inputs: Returns inputs of the network with which the statistics of batch norm are
            recomputed; None keeps them.

    Returns:
        The network for sampling, in evaluation mode and without gradients (its running mean where
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
            # A short run must forget its start too, so the first averages reach back less far.
            memory = min(schedule.memory, (1.0 + step) / (10.0 + step))
            with torch.no_grad():
                for mean, now in pairs:
                    mean.lerp_(now, 1.0 - memory)
    for handle in handles:
        handle.remove()
    if draw_inputs is not None:
        refresh_batch_statistics(average, draw_inputs)
    return average.eval().requires_grad_(False), history
