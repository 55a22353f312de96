"""Methods by name: which network and which objective the settings of a training stand for.

A method's modules are imported when it is used: who parses an image needs no k-means.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from gmbench.errors import UnknownNameError
from gmbench.training.config import TrainingConfig

if TYPE_CHECKING:
    from gmbench.models.targets import TrainingTargets


@dataclass(frozen=True)
class Method:
    """A network and its objective, each as `module:class`.

    Attributes:
        network: Takes `settings`, and where it has a classmethod `of` also the targets.
        settings: `Settings` of the network; one of them is `n_classes`.
        objective: Takes `weights` and the targets.
        weights: `Settings` of the objective.
    """

    network: str
    settings: str
    objective: str
    weights: str = "gmbench.models.objective:ObjectiveConfig"


METHODS: dict[str, Method] = {
    "parser": Method(
        network="gmbench.models.parsing:ModelParser",
        settings="gmbench.models.parsing:ParserConfig",
        objective="gmbench.models.objective:Objective",
    ),
    "trace": Method(
        network="gmbench.models.crop_network:TraceParser",
        settings="gmbench.models.crop_network:TraceConfig",
        objective="gmbench.models.crop_network:TraceObjective",
        weights="gmbench.models.crop_network:TraceWeights",
    ),
    "graph": Method(
        network="gmbench.models.graph:GraphParser",
        settings="gmbench.models.graph:GraphConfig",
        objective="gmbench.models.graph:GraphObjective",
    ),
}


def build_method(
    config: TrainingConfig, targets: TrainingTargets, seed: int
) -> tuple[nn.Module, nn.Module]:
    """Returns an untrained network and its objective.

    Args:
        config: Settings of the training.
        targets: Labels of the GMs to train on.
        seed: Seed of the first weights; torch's own generator is left as it was.

    Raises:
        UnknownNameError: There is no such method or setting.
        SettingError: A setting cannot have its value.
    """
    method = _method(config.method)
    weights = loaded(method.weights)(**config.objective)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(config.method, config.model, targets.n_classes, targets)
    objective: nn.Module = loaded(method.objective)(weights, targets)
    return network, objective


def build_network(name: str, settings: Mapping[str, Any], n_classes: Sequence[int]) -> nn.Module:
    """Returns a network that is to be filled with weights.

    Args:
        name: A key of `METHODS`.
        settings: Its settings, without the number of classes.
        n_classes: Number of classes of each of the 16 heads.

    Raises:
        UnknownNameError: There is no such method or setting.
        SettingError: A setting cannot have its value.
    """
    return _network(name, settings, n_classes, None)


def _network(
    name: str,
    settings: Mapping[str, Any],
    n_classes: Sequence[int],
    targets: TrainingTargets | None,
) -> nn.Module:
    method = _method(name)
    config = loaded(method.settings)(**{**settings, "n_classes": tuple(n_classes)})
    made = loaded(method.network)
    network: nn.Module = (
        made.of(config, targets) if targets is not None and hasattr(made, "of") else made(config)
    )
    return network


def _method(name: str) -> Method:
    if name not in METHODS:
        raise UnknownNameError("Method", name, METHODS, f"There are: {', '.join(METHODS)}.")
    return METHODS[name]


def loaded(path: str) -> Any:
    """Imports what a path `module:name` names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
