"""Training and running an image classifier, with the training loop and batches of the parsers.

Classes take the place of GMs: with the presets, an epoch draws equally many images of each class
(or one more), however many images it has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gmbench.data.real_images import REAL
from gmbench.data.rgb import Pixels
from gmbench.errors import require_known
from gmbench.models.class_targets import ClassTargets
from gmbench.models.settings import SettingError
from gmbench.progress import Progress
from gmbench.training.cache import HeldImages
from gmbench.training.config import SMALL, TrainingConfig
from gmbench.training.devices import autocast_for, device_for
from gmbench.training.loop import TrainingRun, train
from gmbench.training.options import RunOptions, hashed_name
from gmbench.training.predict import in_parts
from gmbench.training.views import View, view_from_dict

CLASSIFIER_PRESETS: dict[str, TrainingConfig] = {
    "paper": TrainingConfig(method="classifier", balanced=True),
    "small": SMALL.changed(
        {
            "method": "classifier",
            "model": {
                "fen_depth": 5,
                "fen_width": 16,
                "widths": [16, 32, 48, 64, 96],
                "hidden": 64,
                "dropout": 0.3,
            },
            "balanced": True,
            "epochs": 1,
            "steps": 150,
        }
    ),
}
"""The presets, named as for parsers, with a detector's five convolutions.

In `small`, `steps` sets the length of the training, as there are few images.
"""


_OF_PARSERS = (
    "shuffled_labels",
    "members",
    "trees",
    "tree_features",
    "extra_until",
    "validation_gms",
)
"""Settings that have no effect on a classifier."""


@dataclass(frozen=True)
class ClassifierJob:
    """How a classifier is trained.

    Attributes:
        config: Settings.
        seed: Seed of everything random.
        device: `auto`, `cpu`, `cuda` or `mps`.
        folder: Where log and state are kept, so that an interrupted training can be resumed.
    """

    config: TrainingConfig
    seed: int = 0
    device: str = "auto"
    folder: Path | None = None

    @property
    def view(self) -> View:
        """The view of an image that the classifier sees."""
        return view_from_dict(self.config.view)


def classifier_config(
    preset: str, *changes: Mapping[str, object], fixed: Mapping[str, object] | None = None
) -> TrainingConfig:
    """Returns the settings of a preset with changes, each applied on top of the earlier ones.

    Args:
        preset: Name of the preset.
        *changes: The changes.
        fixed: Settings that make the classifier what it is called, which no change may undo.

    Raises:
        UnknownNameError: There is no such preset or setting.
        SettingError: A value is invalid, or undoes what is fixed.
    """
    require_known("Preset", CLASSIFIER_PRESETS, preset)
    fixed = fixed or {}
    config = CLASSIFIER_PRESETS[preset].changed(fixed)
    for one in changes:
        config = config.changed(one)
    for name, value in fixed.items():
        if config.changed({name: value}) != config:
            raise SettingError(
                f"{name} is {value!r} in what is compared here, whatever else is changed. Leave "
                "out the change of it, or of the method."
            )
    for name in _OF_PARSERS:
        if getattr(config, name) != TrainingConfig.model_fields[name].default:
            raise SettingError(f"{name} is for networks that parse. Leave it out.")
    return config


def classifier_folder(
    options: RunOptions, config: TrainingConfig, usual: TrainingConfig, *names: str
) -> Path | None:
    """Returns the folder of one classifier's training, which depends on the settings.

    Args:
        options: How classifiers are trained.
        config: The classifier's settings.
        usual: Its settings without the user's changes.
        *names: Names of the folders on the way to it; the last is that of the fold.
    """
    if options.runs is None:
        return None
    *above, fold = names
    settings = hashed_name(options.preset, *([] if config == usual else [config.sha256]))
    # The default settings are left out, so that trainings from before settings were part of the
    # path are still found.
    if settings != RunOptions.preset:
        above.append(settings)
    return options.runs.joinpath(*above, f"seed_{options.seed}", fold)


def train_classifier(
    job: ClassifierJob,
    classes: Mapping[str, Sequence[Pixels]],
    genuine: str | None = None,
    *,
    initial: Mapping[str, torch.Tensor] | None = None,
    progress: Progress | None = None,
) -> TrainingRun:
    """Trains a classifier.

    Args:
        job: How to train it.
        classes: Pixels of each class, in parts of shape (images, views, size, size, 3).
        genuine: The class whose fingerprints are not constrained.
        initial: Initial weights.
        progress: Progress callback.

    Raises:
        TrainingError: The training failed, or the device is not available.
        SettingError: A setting has an invalid value.
    """
    images = HeldImages(job.view, {name: np.concatenate(parts) for name, parts in classes.items()})
    digest = hashlib.sha256(images.sha256.encode())
    for part in bytes_of(initial or {}):
        digest.update(part)
    # The usual choice is left out, so that states from before this was part of the key stay valid.
    if genuine != (REAL if REAL in classes else None):
        digest.update(f"genuine {genuine!r}".encode())
    return train(
        job.config,
        ClassTargets(images.gms, genuine),
        images,
        seed=job.seed,
        device=job.device,
        folder=job.folder,
        key=digest.hexdigest(),
        initial=initial,
        progress=progress,
    )


def bytes_of(weights: Mapping[str, torch.Tensor]) -> Iterator[bytes]:
    """Yields what tells weights from any others, for a hash."""
    for name, tensor in weights.items():
        yield name.encode() + tensor.contiguous().numpy().tobytes()


def log_probabilities(
    network: nn.Module, pixels: Pixels, config: TrainingConfig, device: str = "auto"
) -> NDArray[np.float64]:
    """Returns the log-probability of each class, averaged over the views of an image.

    Args:
        network: A trained classifier.
        pixels: Shape (images, views, size, size, 3).
        config: The settings it was trained with.
        device: The device to run it on.

    Returns:
        Shape (images, classes).
    """
    place = device_for(device)
    network.to(place).eval()
    n, views = pixels.shape[:2]
    flat = pixels.reshape(n * views, *pixels.shape[2:])
    found = []
    with torch.inference_mode(), autocast_for(place, config.precision):
        for part in in_parts(flat, place):
            found.append(network(part).logits.float().log_softmax(dim=1).cpu())
    logs = torch.cat(found).double().numpy().reshape(n, views, -1)
    return np.asarray(logs.mean(axis=1))
