"""Methods by name: the network and the objective that training settings stand for.

A method's modules are imported when it is used: parsing an image needs no k-means.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from gmbench.errors import require_known
from gmbench.models.class_targets import ClassTargets
from gmbench.models.settings import SettingError
from gmbench.training.config import TrainingConfig
from gmbench.training.views import view_from_dict

if TYPE_CHECKING:
    from gmbench.models.targets import TrainingTargets


@dataclass(frozen=True)
class Method:
    """A network and its objective, each as `module:class`.

    Attributes:
        network: Takes `settings`, and if it has a classmethod `of` also the targets.
        settings: `Settings` of the network; one of them is `n_classes`.
        objective: Takes `weights` and the targets.
        weights: `Settings` of the objective.
        tells_classes: Whether it predicts classes, not the parameters of a GM: its targets are
            `ClassTargets`.
    """

    network: str
    settings: str
    objective: str
    weights: str = "gmbench.models.objective:ObjectiveConfig"
    tells_classes: bool = False


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
        weights="gmbench.models.graph:GraphWeights",
    ),
    "classifier": Method(
        network="gmbench.models.classifier:FingerprintClassifier",
        settings="gmbench.models.classifier:ClassifierConfig",
        objective="gmbench.models.classifier:ClassifierObjective",
        weights="gmbench.models.classifier:ClassifierWeights",
        tells_classes=True,
    ),
    "gan_fingerprint": Method(
        network="gmbench.models.gan_fingerprint:GanFingerprintNetwork",
        settings="gmbench.models.gan_fingerprint:GanFingerprintConfig",
        objective="gmbench.models.classifier:ClassifierObjective",
        weights="gmbench.models.classifier:ClassifierWeights",
        tells_classes=True,
    ),
}


def build_method(
    config: TrainingConfig, targets: TrainingTargets | ClassTargets, seed: int
) -> tuple[nn.Module, nn.Module]:
    """Returns an untrained network and its objective.

    Args:
        config: Settings of the training.
        targets: Labels of the GMs to train on, or classes.
        seed: Seed of the initial weights; torch's own generator is left unchanged.

    Raises:
        UnknownNameError: There is no such method or setting.
        SettingError: A setting has an invalid value.
    """
    method = _method(config.method, isinstance(targets, ClassTargets))
    weights = loaded(method.weights)(**config.objective)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(method, config.model, targets.n_classes, targets)
    objective: nn.Module = loaded(method.objective)(weights, targets)
    return network, objective


def build_network(name: str, settings: Mapping[str, Any], n_classes: Sequence[int]) -> nn.Module:
    """Returns a network to be filled with weights.

    Args:
        name: A key of `METHODS`.
        settings: Its settings, without the number of classes.
        n_classes: Number of classes of each of the 16 heads.

    Raises:
        UnknownNameError: There is no such method or setting.
        SettingError: A setting has an invalid value.
    """
    return _network(_method(name, tells_classes=False), settings, n_classes, None)


def check_settings(config: TrainingConfig, n_classes: Sequence[int]) -> None:
    """Checks the settings of a parser's network, view and objective, which the training takes.

    Args:
        config: Settings of the training.
        n_classes: Number of classes of each of the 16 heads.

    Raises:
        UnknownNameError: There is no such method, view or setting.
        SettingError: A setting has an invalid value.
        ViewError: The view cannot be as it is described.
    """
    view_from_dict(config.view)
    loaded(_method(config.method, tells_classes=False).weights)(**config.objective)
    # There a network takes neither time nor memory, nor random numbers.
    with torch.device("meta"):
        build_network(config.method, config.model, n_classes)


def _network(
    method: Method,
    settings: Mapping[str, Any],
    n_classes: Sequence[int],
    targets: TrainingTargets | ClassTargets | None,
) -> nn.Module:
    if "n_classes" in settings:
        raise SettingError("n_classes follows from the labels, and cannot be set. Leave it out.")
    config = loaded(method.settings)(**settings, n_classes=tuple(n_classes))
    made = loaded(method.network)
    network: nn.Module = (
        made.of(config, targets) if targets is not None and hasattr(made, "of") else made(config)
    )
    return network


def _method(name: str, tells_classes: bool) -> Method:
    known = [one for one, method in METHODS.items() if method.tells_classes == tells_classes]
    require_known("Method", known, name)
    return METHODS[name]


def loaded(path: str) -> Any:
    """Imports the object that a path `module:name` names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
