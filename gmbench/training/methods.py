"""Methods by name: which network and which objective the settings of a training stand for.

A method's modules are imported when it is used: who parses an image needs no k-means.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from gmbench.errors import UnknownNameError
from gmbench.models.settings import SettingError
from gmbench.training.config import TrainingConfig

if TYPE_CHECKING:
    from gmbench.models.targets import TrainingTargets


@dataclass(frozen=True)
class Method:
    """A network and its objective, each as `module:class`.

    Attributes:
        network: Takes `settings`, and where it has a classmethod `of` also the targets.
        settings: Dataclass of the network's settings; one of them is `n_classes`.
        objective: Takes `weights` and the targets.
        weights: Dataclass of the objective's settings.
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
    weights = _settings(
        method.weights,
        config.objective,
        f"objective of the method {config.method}",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(config.method, config.model, targets.n_classes, targets)
    objective: nn.Module = _load(method.objective)(weights, targets)
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
    values = {**settings, "n_classes": tuple(n_classes)}
    config = _settings(method.settings, values, f"network of the method {name}")
    made = _load(method.network)
    try:
        network: nn.Module = (
            made.of(config, targets)
            if targets is not None and hasattr(made, "of")
            else made(config)
        )
    except (ValueError, RuntimeError) as error:
        raise SettingError(f"The network of the method {name} cannot be made: {error}") from error
    return network


def _settings(path: str, values: Mapping[str, Any], what: str) -> Any:
    """Returns settings as their own dataclass."""
    known = _load(path)
    names = [one.name for one in fields(known)]
    for name in values:
        if name not in names:
            raise UnknownNameError("Setting", name, names, f"The {what} has none of that name.")
    return known(**values)


def _method(name: str) -> Method:
    if name not in METHODS:
        raise UnknownNameError("Method", name, METHODS, f"There are: {', '.join(METHODS)}.")
    return METHODS[name]


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
