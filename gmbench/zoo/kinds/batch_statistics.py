"""Recomputation of batch norm's means and variances once a network is trained."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

#: Number of batches whose statistics are averaged.
BATCHES = 8


def refresh_batch_statistics(
    network: nn.Module, draw_inputs: Callable[[], tuple[torch.Tensor, ...]]
) -> None:
    """Replaces the running statistics of batch norm with a plain mean over a few batches.

    Averaged weights have never processed a batch themselves, and in a short training the running
    statistics lag behind the weights. Networks without batch norm are left unchanged.

    Args:
        network: Changed in place; left in training mode.
        draw_inputs: Returns the inputs of one batch.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    network.train()
    with torch.no_grad():
        for _ in range(BATCHES):
            network(*draw_inputs())
