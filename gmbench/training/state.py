"""What an interrupted training needs to resume as if nothing had happened.

It is one file, `state.safetensors`, written as a whole: weights, buffers, moments of Adam and the
weights of the best epoch; its header holds the progress of the training, its log, and the key of
the training it belongs to. There is no random state to keep: all randomness follows from the seed,
the epoch and the step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from gmbench.files import parse_json, write_durably

STATE = "state.safetensors"

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Standing:
    """How far a training has come.

    Attributes:
        epoch: Number of finished epochs.
        seconds: Time spent so far.
        log: One entry per finished epoch.
        scaler: State of the loss scaling in float16; empty otherwise.
        best: Weights of the best epoch so far, on the CPU; empty if none is chosen.
    """

    epoch: int = 0
    seconds: float = 0.0
    log: tuple[Mapping[str, Any], ...] = ()
    scaler: Mapping[str, Any] = field(default_factory=dict)
    best: Weights = field(default_factory=dict)


def weights_of(network: nn.Module) -> Weights:
    """Returns a copy of a network's weights and buffers, on the CPU."""
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in network.state_dict().items()
    }


def save_state(
    folder: Path, key: str, standing: Standing, network: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Writes the state of a training.

    Args:
        folder: The training's folder.
        key: Identifier of everything that the training depends on.
        standing: How far it has come.
        network: The network in training.
        optimizer: Its optimiser.

    Raises:
        OSError: The disk is full, or the folder cannot be written to.
    """
    tensors = {f"network/{name}": tensor for name, tensor in weights_of(network).items()}
    tensors |= {f"best/{name}": tensor for name, tensor in standing.best.items()}
    for index, moments in optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"optimizer/{index}/{name}"] = value.detach().cpu().contiguous()
    facts = asdict(Standing(standing.epoch, standing.seconds, standing.log, standing.scaler))
    header = {"key": key, "standing": json.dumps(facts)}
    write_durably(folder / STATE, save(tensors, metadata=header))


def load_state(
    folder: Path, key: str, network: nn.Module, optimizer: torch.optim.Optimizer
) -> Standing:
    """Restores network and optimiser from a saved state; leaves both unchanged if there is none.

    Args:
        folder: The training's folder.
        key: Identifier of everything that the training depends on.
        network: The network, newly built.
        optimizer: Its optimiser, newly built.

    Returns:
        How far the training has come: not begun if the folder holds no complete state of it.
    """
    try:
        with safe_open(str(folder / STATE), framework="pt") as file:
            standing = _standing(file, key)
            if not standing.epoch:
                return standing
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, KeyError):
        return Standing()
    network.load_state_dict(_part(tensors, "network/"))
    # With the memory layout of the weights: sums in another order differ in the last bits.
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    moments: dict[int, Weights] = {}
    for name, tensor in _part(tensors, "optimizer/").items():
        index, part = name.split("/")
        like = parameters[int(index)]
        if tensor.shape == like.shape:
            tensor = torch.empty_like(like).copy_(tensor)
        moments.setdefault(int(index), {})[part] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
    return replace(standing, best=_part(tensors, "best/"))


def read_standing(folder: Path, key: str) -> Standing:
    """Returns how far a training has come, as `load_state` does, but reads no weights."""
    try:
        with safe_open(str(folder / STATE), framework="pt") as file:
            return _standing(file, key)
    except (OSError, SafetensorError, ValueError, KeyError):
        return Standing()


def _standing(file: Any, key: str) -> Standing:
    header = file.metadata() or {}
    if header.get("key") != key:
        return Standing()
    facts = parse_json(header["standing"])
    return Standing(
        int(facts["epoch"]), float(facts["seconds"]), tuple(facts["log"]), facts["scaler"]
    )


def _part(tensors: Weights, prefix: str) -> Weights:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
