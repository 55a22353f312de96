"""The optimiser of all networks of the zoo."""

from __future__ import annotations

from collections.abc import Iterable

import torch


def adam(
    weights: Iterable[torch.Tensor], rate: float, moments: tuple[float, float]
) -> torch.optim.Adam:
    """Returns Adam (Kingma and Ba, 2015).

    On a GPU, its whole step is a single fused kernel: the other implementations would ask the GPU
    for the step number once per weight, and wait for each answer.

    Args:
        weights: Weights to update.
        rate: Learning rate.
        moments: Adam's two decay rates.
    """
    found = list(weights)
    on_gpu = any(weight.is_cuda for weight in found)
    return torch.optim.Adam(found, rate, moments, fused=True if on_gpu else None)
