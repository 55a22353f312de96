"""Same seed, same bytes: the state of torch under which training and sampling run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def reproducible(seed: int) -> Iterator[torch.Generator]:
    """Runs a block with everything random in torch seeded, and restores the state afterwards.

    One thread and deterministic algorithms are used, since the number of threads changes the order
    of sums and with it the last bits. Bytes are equal on one type of processor and one version of
    torch; another processor may use other vector instructions. On a GPU only the draws are equal:
    some of its operations have no deterministic form, and the others would become slower.

    Args:
        seed: Seed of the global generator (initial weights, dropout) and of the one yielded.

    Yields:
        A generator for explicit draws: batches, latent vectors, labels. It draws on torch's default
        device.
    """
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    gpus = [index for index in (_place().index,) if index is not None]
    with torch.random.fork_rng(devices=gpus):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(not gpus)
        try:
            yield seeded(seed + 1)
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic)


def seeded(seed: int) -> torch.Generator:
    """Returns a seeded generator that draws on torch's default device.

    Args:
        seed: Seed of the generator.
    """
    return torch.Generator(_place()).manual_seed(seed)


def _place() -> torch.device:
    # Older releases of torch report only a default that was set globally, not that of a block.
    return torch.empty(0).device
