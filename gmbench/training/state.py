"""What an interrupted training needs to go on as if nothing had happened.

Two files, each written whole: `state.safetensors` (weights, buffers, moments of Adam) and
`state.json` (where it stands, and of which training). There is no random state to keep: every batch
follows from the seed, the epoch and the step.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import nn

from gmbench.files import write_durably

_TENSORS, _FACTS = "state.safetensors", "state.json"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a training stands.

    Attributes:
        epoch: Epochs that are finished.
        step: Optimiser steps so far.
        seconds: Time spent so far.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0


def save_state(
    folder: Path, key: str, standing: Standing, network: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Writes the state of a training.

    The facts are written last and name the tensors' step, so that a kill between the two files
    leaves a pair that is told apart, never one that is mixed.

    Args:
        folder: The training's folder.
        key: Fingerprint of everything that the training depends on.
        standing: Where it stands.
        network: The network in training.
        optimizer: Its optimiser.

    Raises:
        OSError: The disk is full, or the folder cannot be written to.
    """
    tensors = {f"network/{name}": tensor for name, tensor in network.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"optimizer/{index}/{name}"] = torch.as_tensor(value)
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    marks = {"key": key, "step": str(standing.step)}
    write_durably(folder / _TENSORS, save(contiguous, metadata=marks))
    facts = {
        "key": key,
        "epoch": standing.epoch,
        "step": standing.step,
        "seconds": standing.seconds,
    }
    write_durably(folder / _FACTS, json.dumps(facts) + "\n")


def load_state(
    folder: Path, key: str, network: nn.Module, optimizer: torch.optim.Optimizer
) -> Standing:
    """Brings network and optimiser to where a training was; leaves both alone if there is none.

    Args:
        folder: The training's folder.
        key: Fingerprint of everything that the training depends on.
        network: The network, freshly made.
        optimizer: Its optimiser, freshly made.

    Returns:
        Where the training stands: at the beginning if the folder holds no whole state of it.
    """
    try:
        facts: dict[str, Any] = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        if facts["key"] != key or _marks(folder / _TENSORS) != (key, str(facts["step"])):
            return Standing()
        tensors = load_file(folder / _TENSORS)
        standing = Standing(int(facts["epoch"]), int(facts["step"]), float(facts["seconds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Standing()
    network.load_state_dict(
        {n.removeprefix("network/"): t for n, t in tensors.items() if n.startswith("network/")}
    )
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer/"):
            _, index, part = name.split("/")
            moments.setdefault(int(index), {})[part] = tensor
    described = optimizer.state_dict()
    optimizer.load_state_dict({"state": moments, "param_groups": described["param_groups"]})
    return standing


def _marks(path: Path) -> tuple[str | None, str | None]:
    """Returns the key and the step that a file of tensors says it is of."""
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        marks = file.metadata() or {}
    return marks.get("key"), marks.get("step")
