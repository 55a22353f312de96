"""Methods by name: which network and which objective the settings of a training stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn

from gmbench.errors import UnknownNameError
from gmbench.models.graph import GraphConfig, GraphObjective, GraphParser
from gmbench.models.objective import Objective, ObjectiveConfig
from gmbench.models.parsing import ModelParser, ParserConfig
from gmbench.models.targets import TrainingTargets
from gmbench.models.trace import TraceConfig, TraceObjective, TraceParser, TraceWeights
from gmbench.training.config import TrainingConfig


@dataclass(frozen=True)
class Method:
    """A network and its objective.

    Attributes:
        network: Makes the network of its settings, to be filled with weights.
        settings: Dataclass of the network's settings; one of them is `n_classes`.
        untrained: Makes the network of settings and targets, to be trained.
        objective: Makes the objective of settings and targets.
        weights: Dataclass of the objective's settings.
    """

    network: Callable[[Any], nn.Module]
    settings: type
    untrained: Callable[[Any, TrainingTargets], nn.Module]
    objective: Callable[[Any, TrainingTargets], nn.Module]
    weights: type


METHODS: dict[str, Method] = {
    "parser": Method(
        network=ModelParser,
        settings=ParserConfig,
        untrained=lambda settings, targets: ModelParser(settings),
        objective=Objective,
        weights=ObjectiveConfig,
    ),
    "trace": Method(
        network=TraceParser,
        settings=TraceConfig,
        untrained=lambda settings, targets: TraceParser(settings),
        objective=TraceObjective,
        weights=TraceWeights,
    ),
    "graph": Method(
        network=GraphParser,
        settings=GraphConfig,
        untrained=GraphParser.of,
        objective=GraphObjective,
        weights=ObjectiveConfig,
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
    """
    method = _method(config.method)
    _check(config.objective, method.weights, f"objective of the method {config.method}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        settings = _settings(config.method, config.model, targets.n_classes)
        network = method.untrained(settings, targets)
    return network, method.objective(method.weights(**config.objective), targets)


def build_network(name: str, settings: Mapping[str, Any], n_classes: Sequence[int]) -> nn.Module:
    """Returns a network that is to be filled with weights.

    Args:
        name: A key of `METHODS`.
        settings: Its settings, without the number of classes.
        n_classes: Number of classes of each of the 16 heads.

    Raises:
        UnknownNameError: There is no such method or setting.
    """
    return _method(name).network(_settings(name, settings, n_classes))


def _settings(name: str, settings: Mapping[str, Any], n_classes: Sequence[int]) -> Any:
    """Returns the settings of a network as its own dataclass."""
    known = _method(name).settings
    _check(settings, known, f"network of the method {name}")
    return known(**settings, n_classes=tuple(n_classes))


def _method(name: str) -> Method:
    if name not in METHODS:
        raise UnknownNameError("Method", name, METHODS, f"There are: {', '.join(METHODS)}.")
    return METHODS[name]


def _check(settings: Mapping[str, Any], known: type, what: str) -> None:
    names = [one.name for one in fields(known)]
    for name in settings:
        if name not in names:
            raise UnknownNameError("Setting", name, names, f"It is none of the {what}.")
