"""What a training depends on besides labels and images: two presets and changes to them.

`PAPER` is the paper's setting (section 4.1). `SMALL` is the same method at a size that two cores
train in minutes. Changes come from a baseline's recipe and from the user:
`--change model.fen_width=48 --change epochs=5`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, NonNegativeInt

from gmbench.errors import GmbenchError
from gmbench.models.settings import Count, Number, SettingError, Settings, Share


class TrainingError(GmbenchError):
    """A training that cannot be run as requested, or that has failed."""


def _no_of_yaml(value: Any) -> Any:
    """Returns `no`, which YAML reads as false, as it was written."""
    return "no" if value is False else value


class TrainingConfig(Settings):
    """How a method is trained.

    Attributes:
        method: The network and objective: a key of `gmbench.training.methods.METHODS`.
        view: How an image becomes pixels, as `gmbench.training.views.view_from_dict` reads it.
        model: Settings of the method's network.
        objective: Settings of its objective.
        epochs: Passes over the training images.
        steps: Least number of batches; with few images, passes are added to reach it.
        batch_size: Images per batch.
        learning_rate: Learning rate of Adam.
        schedule: `constant`, or `cosine`: decay to a hundredth of the learning rate by the end of
            the training.
        warmup: Share of the training over which the learning rate rises from zero.
        weight_decay: Weight decay, decoupled from the gradient (AdamW); 0 is Adam.
        clip: Largest gradient norm; 0 disables clipping.
        accumulate: Number of batches whose gradients are accumulated for one step.
        balanced: Whether GMs are drawn evenly, however many images each has.
        shuffled_labels: Whether each parameter's values are shuffled among the GMs: the random
            ground truth of section 4.2, which no method should predict.
        members: Number of networks trained, each with its own seed; their outputs are averaged.
        trees: Weight of a baseline's trees, trained on the same GMs, in the final mean with them.
        tree_features: The baseline of the trees: `spectral` or `spectral_size_colour`.
        extra_until: Share of the training during which extra GMs are trained on too; the rest uses
            only the benchmark's own.
        validation_gms: Number of training GMs held out to choose the best epoch; 0 takes the last.
        precision: Precision in which convolutions are computed: `fp32`, `bf16`, `fp16`, or `auto`:
            the fastest that the device has.
        compile: `auto` compiles the network where that pays off, on CUDA; `no` never does.
    """

    method: str = "parser"
    view: dict[str, Any] = Field(default_factory=lambda: {"kind": "resized", "size": 64})
    model: dict[str, Any] = Field(default_factory=dict)
    objective: dict[str, Any] = Field(default_factory=dict)
    epochs: Count = 10
    steps: NonNegativeInt = 0
    batch_size: Count = 32
    learning_rate: Annotated[Number, Field(gt=0)] = 1e-4
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    weight_decay: Annotated[Number, Field(ge=0)] = 0.0
    clip: Annotated[Number, Field(ge=0)] = 0.0
    accumulate: Count = 1
    balanced: bool = False
    shuffled_labels: bool = False
    members: Count = 1
    trees: Share = 0.0
    tree_features: Literal["spectral", "spectral_size_colour"] = "spectral"
    extra_until: Annotated[Number, Field(gt=0, le=1)] = 1.0
    validation_gms: NonNegativeInt = 0
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    compile: Annotated[Literal["auto", "no"], BeforeValidator(_no_of_yaml)] = "auto"

    @property
    def sha256(self) -> str:
        """Hash of all settings."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def changed(self, changes: Mapping[str, Any]) -> TrainingConfig:
        """Returns the settings with some of them changed.

        Args:
            changes: Values by name; a dot selects a setting within a section, as in
                `model.fen_depth`, and settings of a section may also be given as a mapping. A
                change of method starts from the defaults of the new network.

        Raises:
            UnknownNameError: There is no setting of that name.
            SettingError: A value is invalid.
        """
        values: dict[str, Any] = {}
        if changes.get("method", self.method) != self.method:
            values["model"] = {}
        for name, value in changes.items():
            section, _, inner = name.partition(".")
            old = values.get(section, getattr(self, section, None))
            if not isinstance(old, dict):
                if inner and section in type(self).model_fields:
                    raise SettingError(f"{section} is a value, not a section: there is no {name}.")
                values[section] = value
            elif inner:
                values[section] = {**old, inner: value}
            elif not isinstance(value, Mapping):
                raise SettingError(f"{section} is a section: give {section}.NAME={value}.")
            else:
                # A view of another kind inherits nothing from the old one.
                values[section] = dict(value) if section == "view" else {**old, **value}
        return TrainingConfig(**{**dict(self), **values})


def parse_changes(texts: Iterable[str]) -> dict[str, Any]:
    """Parses changes that a user wrote as `name=value`, with values in YAML syntax.

    Raises:
        SettingError: A change has no `=`, or its value cannot be read.
    """
    changes = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingError(f"{text!r} is no setting: write it as NAME=VALUE.")
        try:
            changes[name.strip()] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise SettingError(f"{text!r}: {value!r} cannot be read as a value.") from error
    return changes


PAPER = TrainingConfig()
"""The paper's setting: 64 x 64 pixels, 17 layers of 64 filters, 10 epochs of Adam (section 4.1)."""

SMALL = TrainingConfig(
    view={"kind": "crops", "size": 32, "count": 4},
    model={
        "fen_depth": 5,
        "fen_width": 16,
        "trunk_widths": [32, 48, 64, 96],
        "parser_width": 128,
        "dropout": 0.3,
    },
    epochs=24,
    batch_size=32,
    learning_rate=3e-3,
    schedule="cosine",
    warmup=0.1,
    weight_decay=0.02,
    precision="fp32",
    compile="no",
)
"""The same method for minutes on two cores, in single precision, which every machine supports."""

PRESETS: dict[str, TrainingConfig] = {"paper": PAPER, "small": SMALL}
