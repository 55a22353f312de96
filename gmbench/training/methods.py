"""Methods by name: which network and which objective the settings of a training stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn

from gmbench.errors import UnknownNameError
from gmbench.models.objective import Objective, ObjectiveConfig
from gmbench.models.parsing import ModelParser, ParserConfig
from gmbench.models.targets import TrainingTargets
from gmbench.training.config import TrainingConfig


@dataclass(frozen=True)
class Method:
    """A network and its objective.

    Attributes:
        network: Makes the network of settings.
        settings: Dataclass of the network's settings; one of them is `n_classes`.
        objective: Makes the objective of settings and targets.
        weights: Dataclass of the objective's settings.
    """

    network: Callable[[Any], nn.Module]
    settings: type
    objective: Callable[[Any, TrainingTargets], nn.Module]
    weights: type


METHODS: dict[str, Method] = {
    "parser": Method(ModelParser, ParserConfig, Objective, ObjectiveConfig),
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
    """
    method = _method(config.method)
    _check(config.objective, method.weights, f"objective of the method {config.method}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(config.method, config.model, targets.n_classes)
    return network, method.objective(method.weights(**config.objective), targets)


def build_network(name: str, settings: Mapping[str, Any], n_classes: Sequence[int]) -> nn.Module:
    """Returns an untrained network.

    Args:
        name: A key of `METHODS`.
        settings: Its settings, without the number of classes.
        n_classes: Number of classes of each of the 16 heads.

    Raises:
        UnknownNameError: There is no such method or setting.
    """
    method = _method(name)
    _check(settings, method.settings, f"network of the method {name}")
    lists = {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()}
    return method.network(method.settings(**lists, n_classes=tuple(n_classes)))


def _method(name: str) -> Method:
    if name not in METHODS:
        raise UnknownNameError("Method", name, METHODS, f"There are: {', '.join(METHODS)}.")
    return METHODS[name]


def _check(settings: Mapping[str, Any], known: type, what: str) -> None:
    names = [one.name for one in fields(known)]
    for name in settings:
        if name not in names:
            raise UnknownNameError("Setting", name, names, f"It is none of the {what}.")
