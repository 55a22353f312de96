"""Runs a network without leaving a trace in it.

A forward pass may change running means, power iterations of spectral normalization, caches, flags
and random number generators. All of that is restored.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gmbench.measuring.keeping import Keeper

_SEED = 0

_COMPILING = frozenset({"torch._dynamo", "torch.nn.attention.flex_attention"})
"""Modules that compile, or do so when they are used."""

_GLOBAL_FLAGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled),
)
"""The global settings of torch, by the functions that read and set them."""


@contextmanager
def untouched(module: nn.Module) -> Iterator[Keeper]:
    """Puts a network in evaluation mode temporarily and restores its whole state afterwards.

    This restores the network and everything that it holds (see `Keeper`), torch's global modes,
    and the global random number generators of Python, NumPy and torch, which are seeded within so
    that a pass is repeatable. Evaluation mode is the flag alone: the network's own `train` method
    is not called.

    Args:
        module: The network; must not have uninitialised (lazy) parameters.

    Yields:
        The remembered state of the network; it says in the end what could not be restored.
    """
    keeper = Keeper(module)
    kinds = {tensor.device.type for tensor in keeper.tensors} - {"cpu", "meta"}
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        kinds.add("cuda")
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with ExitStack() as stack:
            stack.enter_context(_global_modes({"cpu", *kinds}))
            stack.enter_context(torch.random.fork_rng(devices=[]))
            for kind in sorted(kinds):
                places = range(getattr(torch, kind).device_count())
                stack.enter_context(torch.random.fork_rng(places, device_type=kind))
            random.seed(_SEED)
            np.random.seed(_SEED)  # noqa: NPY002
            torch.manual_seed(_SEED)
            for part in keeper.modules:
                part.training = False
            yield keeper
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        keeper.put_back()


@contextmanager
def _global_modes(device_types: set[str]) -> Iterator[None]:
    """Restores torch's global modes, and ensures that nothing is compiled."""
    flags = [(read, write, read()) for read, write in _GLOBAL_FLAGS]
    casts = [
        (kind, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind))
        for kind in sorted(device_types)
    ]
    with ExitStack() as stack:
        # Compiled code cannot be seen. Nothing is compiled if none of these was even imported.
        if not _COMPILING.isdisjoint(sys.modules) and hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        try:
            yield
        finally:
            for read, write, value in flags:
                if read() != value:
                    write(value)
            for kind, enabled, dtype in casts:
                torch.set_autocast_enabled(kind, enabled)
                torch.set_autocast_dtype(kind, dtype)


def copied(example: Any, device: torch.device | None = None) -> Any:
    """Returns a copy of an example whose tensors a network may change in place.

    Args:
        example: A tensor, or tuples, lists and dictionaries of them; anything else is not copied.
        device: Device of the copies; by default that of the tensors.
    """
    if isinstance(example, Tensor):
        return example.detach().to(device or example.device).clone()
    if isinstance(example, tuple) and hasattr(example, "_fields"):
        return type(example)(*(copied(item, device) for item in example))
    if isinstance(example, (tuple, list)):
        return type(example)(copied(item, device) for item in example)
    if isinstance(example, dict):
        return {key: copied(item, device) for key, item in example.items()}
    return example
