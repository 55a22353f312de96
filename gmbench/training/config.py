"""What a training depends on, besides labels and images: two presets and the changes to them.

`PAPER` is the paper's setting (section 4.1). `SMALL` is the same method at a size that two cores
train in minutes. A baseline's recipe names its changes, and so does a user:
`--change model.fen_width=48 --change epochs=5`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import yaml

from gmbench.errors import GmbenchError, UnknownNameError


class TrainingError(GmbenchError):
    """A training that cannot be run as asked, or that has come to nothing."""


@dataclass(frozen=True)
class TrainingConfig:
    """How a method is trained.

    Attributes:
        method: Which networks and objective: a key of `gmbench.training.methods.METHODS`.
        view: How an image becomes pixels, as `gmbench.training.views.view_from_dict` reads it.
        model: Settings of the method's network.
        objective: Settings of its objective.
        epochs: Passes over the training images.
        batch_size: Images in a batch.
        learning_rate: Step size of Adam.
        schedule: `constant`, or `cosine`: to a hundredth of the step size over the whole training.
        warmup: Share of the training over which the step size rises from nothing.
        weight_decay: Decay of the weights, apart from the gradient (AdamW); 0 is Adam.
        clip: Largest norm of the gradient; 0 leaves it alone.
        accumulate: Batches whose gradients make one step.
        balanced: Whether GMs are drawn evenly, however many images each has.
        shuffled_labels: Whether each parameter's values are shuffled among the GMs: the random
            ground truth of section 4.2, which no method should predict.
        validation_gms: Training GMs that are held out to choose the best epoch; 0 takes the last.
    """

    method: str = "parser"
    view: Mapping[str, Any] = field(default_factory=lambda: {"kind": "resized", "size": 64})
    model: Mapping[str, Any] = field(default_factory=dict)
    objective: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 1e-4
    schedule: str = "constant"
    warmup: float = 0.0
    weight_decay: float = 0.0
    clip: float = 0.0
    accumulate: int = 1
    balanced: bool = False
    shuffled_labels: bool = False
    validation_gms: int = 0

    def __post_init__(self) -> None:
        if self.schedule not in ("constant", "cosine"):
            raise TrainingError(f"schedule {self.schedule!r}: give constant or cosine.")
        for name in ("epochs", "batch_size", "accumulate"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} {getattr(self, name)}: give 1 or more.")
        if self.learning_rate <= 0 or self.weight_decay < 0 or self.clip < 0:
            raise TrainingError(
                f"learning_rate {self.learning_rate}, weight_decay {self.weight_decay}, clip "
                f"{self.clip}: give a positive step size, and 0 or more for the others."
            )

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as what JSON can hold."""
        return asdict(self)

    @property
    def sha256(self) -> str:
        """Fingerprint of all settings."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def changed(self, changes: Mapping[str, Any]) -> TrainingConfig:
        """Returns the settings with some of them changed.

        Args:
            changes: Values by name; a dot leads into a section, as in `model.fen_depth`, and a
                whole section may be given as a mapping.

        Raises:
            UnknownNameError: There is no setting of a name.
            TrainingError: A value cannot be used.
        """
        values: dict[str, Any] = {}
        for name, value in changes.items():
            section, _, inner = name.partition(".")
            if section not in _NAMES:
                raise UnknownNameError("Setting", section, _NAMES)
            old = values.get(section, getattr(self, section))
            if isinstance(old, Mapping):
                if not inner and not isinstance(value, Mapping):
                    raise TrainingError(f"{section} is a section: give {section}.NAME={value}.")
                # A view of another kind takes nothing from the old one.
                fresh = not inner and section == "view"
                added = {inner: value} if inner else dict(value)
                values[section] = added if fresh else {**old, **added}
            elif inner:
                raise TrainingError(f"{section} is a value, not a section: there is no {name}.")
            else:
                values[section] = _like(old, value, name)
        return replace(self, **values)


def parse_changes(texts: Iterable[str]) -> dict[str, Any]:
    """Reads changes that a user wrote as `name=value`, with values as in YAML.

    Raises:
        TrainingError: One has no `=`, or its value cannot be read.
    """
    changes = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise TrainingError(f"{text!r} is no setting: write it as NAME=VALUE.")
        try:
            changes[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise TrainingError(f"{text!r}: {value!r} cannot be read as a value.") from error
    return changes


def _like(old: Any, value: Any, name: str) -> Any:
    """Returns a value in the type of the one that it replaces."""
    if isinstance(old, bool):
        right = isinstance(value, bool)
    elif isinstance(old, int):
        right = isinstance(value, int) and not isinstance(value, bool)
    elif isinstance(old, float):
        # YAML reads 1e-4, without a point, as text.
        try:
            return float(value)
        except (TypeError, ValueError):
            right = False
    else:
        right = isinstance(value, str)
    if not right:
        raise TrainingError(f"{name}={value!r}: it is a {type(old).__name__}, such as {old!r}.")
    return value


_NAMES = tuple(one.name for one in fields(TrainingConfig))

PAPER = TrainingConfig()
"""The paper's setting: 64 x 64 pixels, 17 layers of 64 filters, 10 epochs of Adam (section 4.1)."""

SMALL = TrainingConfig(
    view={"kind": "resized", "size": 32},
    model={"fen_depth": 6, "fen_width": 16},
    epochs=8,
    batch_size=64,
    learning_rate=2e-3,
    schedule="cosine",
    warmup=0.1,
)
"""The same method for two cores and minutes."""

PRESETS: dict[str, TrainingConfig] = {"paper": PAPER, "small": SMALL}
