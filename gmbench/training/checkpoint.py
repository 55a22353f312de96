"""A trained model parser as a file: weights as safetensors, everything else as JSON. Never pickle.

`config.json` says how images become pixels, how numbers become counts, what the network was trained
on, and under which licence, so that a checkpoint can be used without the data it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from gmbench.benchmark import Benchmark
from gmbench.errors import GmbenchError
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES
from gmbench.training.config import TrainingConfig
from gmbench.training.methods import build_network
from gmbench.training.predict import ParsedImages, parse_pixels
from gmbench.training.views import view_from_dict
from gmbench.version import __version__

_CARD = """---
library_name: gmbench
license: mit
tags: [model-parsing, image-forensics]
---
# A model parser of gmbench

Infers 25 hyperparameters of a generative model from its images: `gmbench parse --model DIR IMAGE`.
`config.json` says what it was trained on. It knows the generative models of that population and
what is like them; of others it may be wrong with confidence.
"""


class CheckpointError(GmbenchError):
    """A folder or repository that holds no model parser, or one that cannot be read."""


@dataclass(frozen=True)
class LabelSpace:
    """How a network's outputs become label values.

    Attributes:
        minimum: Smallest value of each continuous parameter, natural units.
        span: Largest less smallest.
        classes: Class names of each discrete parameter.
        sha256: Of the labels that it was taken from.
    """

    minimum: tuple[float, ...]
    span: tuple[float, ...]
    classes: Mapping[str, tuple[str, ...]]
    sha256: str

    @classmethod
    def of(cls, benchmark: Benchmark) -> LabelSpace:
        """Returns the label space of a benchmark."""
        return cls(
            tuple(benchmark.minimum.tolist()),
            tuple(benchmark.span.tolist()),
            benchmark.classes,
            benchmark.labels_sha256,
        )

    @property
    def n_classes(self) -> tuple[int, ...]:
        """Number of classes of each of the 16 heads."""
        return (*(len(self.classes[p.name]) for p in DISCRETE), *(2 for _ in LOSSES))

    def counts(self, parsed: ParsedImages) -> NDArray[np.float64]:
        """Returns the continuous parameters in natural units, shape (images, 9)."""
        return parsed.continuous * np.array(self.span) + np.array(self.minimum)


class ModelParserCheckpoint(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="gmbench",
    license="mit",
    tags=["model-parsing", "image-forensics"],
    model_card_template=_CARD,
):
    """A network with all that is needed to parse images with it.

    `save_pretrained(folder)`, `from_pretrained(folder or name on the Hub)` and `push_to_hub(name)`
    are those of `huggingface_hub`.

    Args:
        method: Which network: a key of `gmbench.training.methods.METHODS`.
        model: Its settings.
        view: How an image becomes pixels.
        labels: A `LabelSpace` as a mapping.
        trained_on: What it was trained on, for people and for checks: `benchmark`, `version`,
            `set`, `gms`, `seed`, `baseline`, `preset`.
        gmbench: Version that wrote it.
    """

    def __init__(
        self,
        method: str,
        model: Mapping[str, Any],
        view: Mapping[str, Any],
        labels: Mapping[str, Any],
        trained_on: Mapping[str, Any],
        gmbench: str = __version__,
    ) -> None:
        super().__init__()
        self.labels = LabelSpace(
            tuple(labels["minimum"]),
            tuple(labels["span"]),
            {name: tuple(classes) for name, classes in labels["classes"].items()},
            labels["sha256"],
        )
        self.view = view_from_dict(view)
        self.trained_on = dict(trained_on)
        self.network = build_network(method, model, self.labels.n_classes)

    @classmethod
    def of(
        cls,
        network: nn.Module,
        config: TrainingConfig,
        benchmark: Benchmark,
        trained_on: Mapping[str, Any],
    ) -> ModelParserCheckpoint:
        """Wraps a trained network.

        Args:
            network: What `gmbench.training.loop.train` returned.
            config: How it was trained.
            benchmark: On which benchmark.
            trained_on: What `config.json` shall say of that.
        """
        space = LabelSpace.of(benchmark)
        labels = {
            "minimum": list(space.minimum),
            "span": list(space.span),
            "classes": {name: list(classes) for name, classes in space.classes.items()},
            "sha256": space.sha256,
        }
        made = cls(config.method, dict(config.model), dict(config.view), labels, dict(trained_on))
        made.network.load_state_dict(network.state_dict())
        return made.eval()

    def forward(self, pixels: torch.Tensor) -> Any:
        """Returns what the network does; pixels of shape (images, 3, height, width) in [0, 1]."""
        return self.network(pixels)

    def parse(self, images: Sequence[Image.Image]) -> ParsedImages:
        """Parses images, each on its own.

        Args:
            images: Of any mode and size; they need not be of one size.
        """
        device = next(self.parameters()).device
        pixels = np.stack([self.view.apply(image) for image in images])
        return parse_pixels(self.network, pixels, device)


def load_checkpoint(path_or_name: str | Path) -> ModelParserCheckpoint:
    """Reads a checkpoint from a folder, or from the Hub by its name.

    Raises:
        CheckpointError: There is none, or it cannot be read.
    """
    place = Path(path_or_name)
    if place.is_dir() and not (place / "config.json").is_file():
        raise CheckpointError(
            f"{place} holds no model parser: config.json is missing. Train one with "
            "`gmbench train NAME --out DIR`."
        )
    try:
        loaded = ModelParserCheckpoint.from_pretrained(str(path_or_name))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{path_or_name} cannot be read as a model parser: "
            f"{str(error).splitlines()[0].rstrip('.')}. Give the folder of one that "
            "`gmbench train` made, or its name on the Hub."
        ) from error
    return loaded.eval()
