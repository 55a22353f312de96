"""One GM from its specification to its images: trained, measured, put through the gate.

This runs in a separate process, on this machine or another, so it takes and returns plain values
and writes nothing. What it returns depends on its arguments alone.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gmbench.data.parallel import worker_number
from gmbench.schema import LOSSES
from gmbench.zoo.devices import check_device_fault, take_gpu, working_on
from gmbench.zoo.quality import N_SAMPLE, Quality, judge
from gmbench.zoo.specification import Specification

if TYPE_CHECKING:
    import torch

    from gmbench.zoo.specification import TrainedGM, Trainer

Images = NDArray[np.uint8]
"""Shape (images, 3, size, size)."""

ATTEMPTS = 3
"""Maximum number of times that a GM is trained, and then each of its spares."""

_AT_ONCE = 250
"""Number of images requested from a GM in one call; a constant, since the bytes depend on it."""


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """Everything that a process needs to make one GM, besides the real images.

    Attributes:
        specification: What to train.
        module: Name of the Python module whose function `train` does it.
        n_images: Number of images to make.
        attempts: Maximum number of times that it is trained, and each of its spares.
        device: Where to train: `cpu` or `cuda`.
    """

    specification: Specification
    module: str
    n_images: int
    attempts: int = ATTEMPTS
    device: str = "cpu"

    @property
    def name(self) -> str:
        """Name of the GM."""
        return self.specification.name


@dataclass(frozen=True, slots=True)
class Attempt:
    """One training of a GM.

    Attributes:
        seed: Its seed.
        steps: Its training steps.
        quality: The gate's verdict, from `Quality.to_dict`; None if it did not get that far.
        fault: Why it failed, in words; empty if it did not.
        spare: Number of the spare that was trained; 0 for the GM as it was drawn.
    """

    seed: int
    steps: int
    quality: Mapping[str, Any] | None
    fault: str
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a GM.

    Attributes:
        specification: What was requested.
        attempts: Every training, in order; the last one decides.
        labels: The 25 label values, 15 of them measured; None if the GM failed.
        images: The bytes of its images as PNG files; empty if it failed.
    """

    specification: Specification
    attempts: tuple[Attempt, ...]
    labels: tuple[float, ...] | None
    images: tuple[bytes, ...]


def train_gm(task: TrainingTask, real: Images, *source: Images) -> Outcome:
    """Trains a GM until it passes the gate, at most `task.attempts` times; then each of its spares.

    Some draws cannot learn their content, whatever the seed: without spares they would leave a gap
    in the population. Any error during training counts as a failed attempt, so that one GM does not
    stop the rest, except a lack of memory or the failure of a GPU: the next GMs would run into them
    too.

    Args:
        task: What to do.
        real: Real images of its content.
        source: Real images that it starts from, where the specification names their content.

    Raises:
        DatasetError: The machine or its GPU is out of memory, or the GPU has failed.
    """
    import torch

    torch.set_num_threads(1)
    trainer = importlib.import_module(task.module).train
    attempts: list[Attempt] = []
    drawn = (task.specification, *task.specification.spares)
    for spare, number in product(range(len(drawn)), range(task.attempts)):
        specification = again(drawn[spare], number)
        quality, labels, images, fault = None, None, None, ""
        try:
            with warnings.catch_warnings(), working_on(task.device):
                warnings.simplefilter("ignore")  # They would disturb the progress bar.
                quality, labels, images = _train_once(
                    trainer, specification, (real, *source), task.n_images
                )
            fault = quality.fault
        except Exception as error:  # noqa: BLE001 - whatever it is, the other GMs go on
            check_device_fault(error, task.name)
            text = str(error).splitlines()[0] if str(error) else "no message"
            fault = f"{type(error).__name__}: {text}"
        found = quality.to_dict() if quality else None
        attempts.append(Attempt(specification.seed, specification.steps, found, fault, spare))
        if not fault and images is not None:
            return Outcome(task.specification, tuple(attempts), labels, png_files(images))
    return Outcome(task.specification, tuple(attempts), None, ())


def train_from_files(work: tuple[TrainingTask, tuple[Path, ...], tuple[str, ...]]) -> Outcome:
    """Runs `train_gm` with real images from array files, which processes share in memory.

    Args:
        work: The task, the files, and the GPUs that the processes of the build take in turn.
    """
    task, paths, gpus = work
    take_gpu(gpus, worker_number())
    return train_gm(task, *(np.load(path, mmap_mode="r") for path in paths))


def again(specification: Specification, number: int) -> Specification:
    """Returns what a given attempt trains: attempt 0 is the specification itself.

    A later attempt has another seed, derived from the first one and its number, and half of the
    first one's steps more each time: some GMs fail by bad luck, others for lack of training. Steps
    are not a label.
    """
    if number == 0:
        return specification
    digest = hashlib.sha256(f"{specification.seed}/{number}".encode()).digest()
    return replace(
        specification,
        seed=int.from_bytes(digest[:4]) >> 1,
        steps=round(specification.steps * (1 + number / 2)),
    )


def png_files(images: Images) -> tuple[bytes, ...]:
    """Returns images as the bytes of PNG files: RGB, or grey if all of them are grey.

    A grey file is half the size of a colour one with three equal channels, and has the same pixels
    as RGB.
    """
    grey = bool((images[:, :1] == images[:, 1:]).all())
    files = []
    for image in images:
        pixels = image[0] if grey else image.transpose(1, 2, 0)
        buffer = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", optimize=True)
        files.append(buffer.getvalue())
    return tuple(files)


def _train_once(
    trainer: Trainer, specification: Specification, real: tuple[Images, ...], n_images: int
) -> tuple[Quality, tuple[float, ...], Images]:
    import torch

    # The array may be read-only memory that other processes share; torch needs its own copy, which
    # is placed on torch's default device.
    pixels = [torch.as_tensor(np.array(images)) for images in real]
    trained = trainer(specification, *pixels)
    images = _sample(trained, specification, max(n_images, N_SAMPLE))
    untrained = None
    if specification.kind != "AA":
        before = trainer(replace(specification, steps=0), *pixels)
        untrained = _sample(before, specification, N_SAMPLE)
    quality = judge(
        specification.kind, trained.history, images[:N_SAMPLE], np.asarray(real[0]), untrained
    )
    return quality, _labels(trained), images[:n_images]


def _sample(trained: TrainedGM, specification: Specification, n_images: int) -> Images:
    """Returns images of a GM, shape (images, 3, size, size).

    Raises:
        ValueError: It made something of another type or shape.
    """
    import torch

    from gmbench.zoo.reproducible import reproducible

    made: list[torch.Tensor] = []
    with reproducible(specification.seed) as generator:
        for first in range(0, n_images, _AT_ONCE):
            made.append(trained.sample(min(_AT_ONCE, n_images - first), generator))
    images = torch.cat(made).detach()
    expected = (n_images, 3, specification.size, specification.size)
    if images.dtype != torch.uint8 or tuple(images.shape) != expected:
        raise ValueError(f"made {images.dtype} {tuple(images.shape)}, not uint8 {expected}")
    return np.asarray(images.cpu().numpy())


def _labels(trained: TrainedGM) -> tuple[float, ...]:
    """Returns the 25 label values: 15 measured on the network, 10 from the losses summed up.

    Raises:
        ValueError: A loss is not in the schema.
    """
    from gmbench.measuring.measure import measure

    known = [loss.name for loss in LOSSES]
    if strange := set(trained.losses) - set(known):
        raise ValueError(f"losses that the schema does not have: {', '.join(sorted(strange))}")
    architecture = measure(trained.network, trained.example).labels
    return (*architecture, *(float(name in trained.losses) for name in known))
