"""Running a network without leaving a trace in it.

A forward pass may move running means, power iterations of spectral normalization, caches, flags
and random number generators. All of that is put back as it was.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_SEED = 0


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """Puts a network in evaluation mode for a while and restores its whole state afterwards.

    Restored are parameters and buffers (values and identities), the attributes of every
    sub-module (the training flag and hooks among them), and the global random number generators
    of Python, NumPy and torch, which are seeded within, so that a pass is repeatable.

    Args:
        module: The network; must not have uninitialised (lazy) parameters.
    """
    attributes = [(part, _shallow(vars(part))) for part in module.modules()]
    tensors = {id(t): t for t in (*module.parameters(), *module.buffers())}
    values = [(t, t.detach().clone()) for t in tensors.values()]
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    devices = sorted({t.device.index or 0 for t in tensors.values() if t.is_cuda})
    try:
        with torch.random.fork_rng(devices=devices):
            random.seed(_SEED)
            np.random.seed(_SEED)  # noqa: NPY002
            torch.manual_seed(_SEED)
            module.eval()
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        for part, saved in attributes:
            _put_back(vars(part), saved)
        for tensor, value in values:
            # Written only where it differs: writing would invalidate a graph that waits for its
            # backward pass.
            if not tensor.is_meta and not torch.equal(tensor, value):
                with torch.no_grad():
                    tensor.copy_(value)


def _shallow(attributes: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Returns each attribute with a copy of its content where it is a dictionary, list or set."""
    return {
        name: (value, value.copy() if isinstance(value, (dict, list, set)) else None)
        for name, value in attributes.items()
    }


def _put_back(attributes: dict[str, Any], saved: dict[str, tuple[Any, Any]]) -> None:
    attributes.clear()
    for name, (value, content) in saved.items():
        attributes[name] = value
        if content is not None:
            value.clear()
            value.extend(content) if isinstance(value, list) else value.update(content)


def copied(example: Any) -> Any:
    """Returns a copy of an example whose tensors a network may change in place.

    Args:
        example: A tensor, or tuples, lists and dictionaries of them; anything else stays itself.
    """
    if isinstance(example, Tensor):
        return example.detach().clone()
    if isinstance(example, (tuple, list)):
        return type(example)(copied(item) for item in example)
    if isinstance(example, dict):
        return {key: copied(item) for key, item in example.items()}
    return example
