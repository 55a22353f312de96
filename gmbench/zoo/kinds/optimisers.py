"""The optimiser of all networks of the zoo."""

from __future__ import annotations

from collections.abc import Iterable

import torch


def adam(
    weights: Iterable[torch.Tensor], rate: float, moments: tuple[float, float]
) -> torch.optim.Adam:
    """Returns Adam (Kingma and Ba, 2015).

    On a GPU all of its step is one kernel: in the other ways it would ask the GPU for the number
    of the step, once a weight, and wait for each answer.

    Args:
        weights: What it steps.
        rate: Step size.
        moments: Its two decays.
    """
    found = list(weights)
    on_gpu = any(weight.is_cuda for weight in found)
    return torch.optim.Adam(found, rate, moments, fused=True if on_gpu else None)
