"""A trained model parser as files: weights as safetensors, all else as JSON, never pickle.

`config.json` says how images become pixels, how outputs become counts, what the network was trained
on, and under which licence it is, so that a checkpoint can be used without its training data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin, constants, hf_hub_download
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from gmbench.files import WriteError, whole_folder
from gmbench.training.image_inputs import Images, opened
from gmbench.training.methods import build_network
from gmbench.training.parsed import LabelSpace, ParsedImages, join
from gmbench.training.parsed_gm import ParsedGM, parsed_gm
from gmbench.training.parser_place import (
    KNOWN_GMS,
    CheckpointError,
    config_of,
    training_facts,
    unreadable,
)
from gmbench.training.predict import parse_pixels
from gmbench.training.views import view_from_dict
from gmbench.version import __version__

if TYPE_CHECKING:
    from gmbench.benchmark.benchmark import Benchmark
    from gmbench.training.config import TrainingConfig

_AT_ONCE = 64
"""Number of images whose pixels are held at once, as thousands may be parsed."""

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


class ModelParserCheckpoint(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="gmbench",
    license="mit",
    tags=["model-parsing", "image-forensics"],
    model_card_template=_CARD,
):
    """A network with everything that is needed to parse images with it.

    `save_pretrained(folder)`, `from_pretrained(folder or name on the Hub)` and `push_to_hub(name)`
    are those of `huggingface_hub`, without its support for reading pickle.

    Args:
        method: The network: a key of `gmbench.training.methods.METHODS`.
        model: All of its settings.
        view: How an image becomes pixels.
        labels: A `LabelSpace` as a mapping.
        trained_on: What it was trained on, for readers and for checks: `benchmark`, `version`,
            `set`, `gms` (names), `seed`, `baseline`, `preset`.
        gmbench: Version of gmbench that wrote it.
        licence: Licence of the weights.
        precision: Precision in which it was trained, and predicts where the device supports it: a
            setting of `gmbench.training.config.TrainingConfig`.
    """

    def __init__(
        self,
        method: str,
        model: Mapping[str, Any],
        view: Mapping[str, Any],
        labels: Mapping[str, Any],
        trained_on: Mapping[str, Any],
        gmbench: str = __version__,
        licence: str = "MIT",
        precision: str = "fp32",
    ) -> None:
        super().__init__()
        if precision not in ("auto", "fp32", "bf16", "fp16"):
            raise ValueError(f"its precision is {precision!r}")
        self.precision = precision
        self.labels = LabelSpace.from_dict(labels)
        self.method, self.view, self.trained_on = (
            method,
            view_from_dict(view),
            training_facts(trained_on),
        )
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
            network: The network of a `gmbench.training.loop.TrainingRun`.
            config: The settings it was trained with.
            benchmark: The benchmark it was trained on.
            trained_on: What `config.json` is to say about that.
        """
        # All settings, as a default may change from version to version.
        settings: Any = network.config
        model = {name: v for name, v in settings.to_dict().items() if name != "n_classes"}
        made = cls(
            config.method,
            model,
            view_from_dict(config.view).to_dict(),
            asdict(LabelSpace.of(benchmark)),
            dict(trained_on),
            precision=config.precision,
        )
        made.network.load_state_dict(network.state_dict())
        return made.eval()

    def forward(self, pixels: torch.Tensor) -> Any:
        """Returns the network's output for pixels of shape (images, 3, height, width) in [0, 1]."""
        return self.network(pixels)

    def parse(self, images: Images) -> ParsedGM:
        """Infers the hyperparameters of the generative model that made some images.

        Args:
            images: One image or several, all of one GM: paths, Pillow images or uint8 arrays of
                shape (height, width) or (height, width, 3), of any mode and size.

        Returns:
            The 25 parameters: means of counts, majority classes.

        Raises:
            SourceError: There is no image, or one cannot be read.
        """
        return parsed_gm(self.parse_each(opened(images)), self.labels, self.trained_on)

    def parse_each(self, images: Iterable[Image.Image]) -> ParsedImages:
        """Parses images, each on its own.

        Args:
            images: At least one, of any mode and size, possibly of several sizes; consumed one by
                one.
        """
        device = next(self.parameters()).device
        views = (self.view.apply(image) for image in images)
        parts = iter(lambda: list(islice(views, _AT_ONCE)), [])
        return join(
            parse_pixels(self.network, np.stack(part), device, self.precision) for part in parts
        )

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        map_location: str = "cpu",
        strict: bool = True,
        **options: Any,
    ) -> ModelParserCheckpoint:
        """Reads weights for `from_pretrained`: safetensors only, by default with none missing.

        Args:
            model_id: Folder, or name on the Hub.
            map_location: Device of the weights.
            strict: Whether a missing or unknown weight is an error.
            options: Options of `hf_hub_download`; the rest are arguments of `__init__`.
        """
        names = ("revision", "cache_dir", "force_download", "token", "local_files_only")
        fetching = {name: options.pop(name) for name in names if name in options}
        file = constants.SAFETENSORS_SINGLE_FILE
        path = Path(model_id) / file
        if not path.parent.is_dir():
            path = Path(hf_hub_download(model_id, file, **fetching))
        # The configuration may ask for any size, so it is first checked against the file.
        with torch.device("meta"):
            drawn_up = cls(**options)
        drawn_up.load_state_dict(_shapes(path), strict=strict)
        made = cls(**options)
        weights = load_file(path, device=map_location)
        for name, weight in weights.items():
            if not bool(weight.isfinite().all()):
                raise ValueError(f"the weight {name} holds what is no number")
        made.load_state_dict(weights, strict=strict)
        return made.eval()


def save_whole(checkpoint: ModelParserCheckpoint, folder: Path) -> None:
    """Writes a parser into its own folder, so that the folder is either the old or the new one.

    Args:
        checkpoint: The parser.
        folder: The folder, replaced as a whole if it exists.

    Raises:
        WriteError: The folder cannot be written.
    """
    try:
        with whole_folder(folder) as beside:
            checkpoint.save_pretrained(beside)
    except (OSError, SafetensorError) as error:
        raise WriteError(
            f"{folder} cannot be written ({error}). Make room, or give another --runs; the "
            "training is kept."
        ) from error


def _shapes(file: Path) -> dict[str, torch.Tensor]:
    """Returns tensors with the names and shapes of those in a file, which take no memory."""
    with safe_open(str(file), framework="pt") as read:
        return {
            name: torch.empty(read.get_slice(name).get_shape(), device="meta")
            for name in read.keys()  # noqa: SIM118 - it is no mapping
        }


def load_checkpoint(place: str | Path) -> ModelParserCheckpoint:
    """Reads a trained network from a folder, or from the Hub by its name.

    Args:
        place: Folder or name.

    Raises:
        CheckpointError: There is none, it cannot be read, or it is a parser without a network.
    """
    method = config_of(place).get("method")
    if method == KNOWN_GMS:
        raise CheckpointError(
            f"{place} is a parser without a network, and this needs one. Train one with "
            "`gmbench train full`."
        )
    try:
        return ModelParserCheckpoint.from_pretrained(str(place))
    except _UNREADABLE as error:
        raise unreadable(place, error) from error


_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    SafetensorError,
)
