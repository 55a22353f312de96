"""The training loop: one network on the training GMs of one set, from the first epoch to the last.

An interrupted training resumes where it stopped, and ends with the same numbers as one that was
not: all randomness follows from the seed, the epoch and the step (`gmbench.training.state`).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from gmbench.data.kept_memory import keep_freed_memory
from gmbench.files import write_durably
from gmbench.models.class_targets import ClassTargets
from gmbench.models.targets import TrainingTargets
from gmbench.progress import Progress
from gmbench.training.batches import Batches
from gmbench.training.cache import CachedImages, HeldImages
from gmbench.training.config import TrainingConfig, TrainingError
from gmbench.training.devices import accelerator_for, compiled, device_for, precision_for
from gmbench.training.methods import build_method
from gmbench.training.processes import Processes
from gmbench.training.state import Standing, load_state, read_standing, save_state, weights_of
from gmbench.training.validation import validation_error
from gmbench.version import __version__
from gmbench.wording import plural

LOG = "log.jsonl"
"""Log with one line per epoch, in the training's folder."""

_LOOKED_AT_EVERY = 25
"""Batches between two checks of the loss: on a GPU, each check waits for everything queued."""


@dataclass(frozen=True)
class TrainingRun:
    """The result of a training.

    Attributes:
        network: The trained network, ready to predict, on the CPU.
        log: One entry per epoch: `epoch`, `step` (batches so far), `seconds`, `learning_rate`, the
            mean of each term of the objective, and `validation` if GMs are held out.
        seconds: Time spent in training, excluding interruptions.
        resumed_at: Epoch after which it was resumed; 0 if it was not interrupted.
    """

    network: nn.Module
    log: tuple[Mapping[str, Any], ...]
    seconds: float
    resumed_at: int = 0


def train(
    config: TrainingConfig,
    targets: TrainingTargets | ClassTargets,
    images: CachedImages | HeldImages,
    *,
    seed: int = 0,
    device: str = "auto",
    folder: Path | None = None,
    key: str = "",
    initial: Mapping[str, torch.Tensor] | None = None,
    validation: TrainingTargets | None = None,
    progress: Progress | None = None,
) -> TrainingRun:
    """Trains a network.

    Args:
        config: Settings of the training.
        targets: Labels of the GMs to train on, or classes.
        images: Images of these GMs or classes, and of the held-out GMs.
        seed: Seed of the network's initial weights, of dropout and of the batches.
        device: `auto`, `cpu`, `cuda` or `mps`.
        folder: Where the log and the state are kept; a training without one cannot be resumed.
        key: Hash of labels and images; with the settings it identifies the training of a state.
        initial: Initial weights in place of random ones, by their names in the network; `key` must
            identify them.
        validation: Labels of held-out training GMs, to take the best epoch instead of the last.
        progress: Progress callback, with the number of batches done and in total.

    Raises:
        TrainingError: The loss is no longer finite, the device is not available, or the folder
            cannot be written to.
        SettingError: The network cannot be built from the settings.
        UnknownNameError: There is no such method, setting of it, or device.
    """
    accelerator = accelerator_for(device, config.precision)
    place = accelerator.device
    if place.type == "cpu":
        keep_freed_memory()
    network, objective = build_method(config, targets, seed)
    network.load_state_dict({**network.state_dict(), **(initial or {})})
    network.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    objective.to(place)
    processes = Processes.of(accelerator)
    processes.join(network)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    key = _state_key(config, key, seed, place, accelerator.mixed_precision)
    reads = folder is not None and processes.rank == 0
    standing = load_state(folder, key, network, optimizer) if folder and reads else Standing()
    standing = processes.take_up(standing, network, optimizer)
    if standing.scaler and accelerator.scaler is not None:
        accelerator.scaler.load_state_dict(dict(standing.scaler))
    resumed_at = standing.epoch
    epochs = _Epochs(config, targets, images, network, objective, optimizer, accelerator, seed)
    for epoch in range(standing.epoch, epochs.number):
        started = time.perf_counter()
        terms, rate = epochs.run(epoch, progress)
        seconds = standing.seconds + time.perf_counter() - started
        entry = {
            "epoch": epoch + 1,
            "step": epochs.first_steps[epoch + 1],
            "seconds": round(seconds, 3),
            "learning_rate": rate,
            **terms,
        }
        best = standing.best
        if validation is not None:
            assert isinstance(images, CachedImages)
            error = entry["validation"] = processes.agreed(
                validation_error(network, images, validation, place, config.precision)
            )
            if all(error < earlier["validation"] for earlier in standing.log):
                best = weights_of(network)
        scaler = accelerator.scaler.state_dict() if accelerator.scaler is not None else {}
        standing = Standing(epoch + 1, seconds, (*standing.log, entry), scaler, best)
        if folder is not None and processes.rank == 0:
            _keep(folder, key, standing, network, optimizer)
    if standing.best:
        network.load_state_dict(standing.best)
    return TrainingRun(network.cpu().eval(), standing.log, standing.seconds, resumed_at)


def is_finished(config: TrainingConfig, folder: Path, key: str, seed: int, device: str) -> bool:
    """Returns whether a training without extra GMs was finished before; its weights are not read.

    Args:
        config: Settings of the training.
        folder: Where its log and state are kept.
        key: Hash of labels and images, as for `train`.
        seed: Seed of the training.
        device: `auto`, `cpu`, `cuda` or `mps`.

    Raises:
        TrainingError: The device is not available.
        UnknownNameError: There is no such device.
    """
    place = device_for(device)
    key = _state_key(config, key, seed, place, precision_for(place, config.precision))
    standing = read_standing(folder, key)
    return bool(standing.log) and standing.epoch >= _n_epochs(config, standing.log[0]["step"])


def _state_key(
    config: TrainingConfig, key: str, seed: int, place: torch.device, precision: str
) -> str:
    made_by = f"{__version__}/{torch.__version__}"
    return f"{config.sha256}/{key}/{seed}/{made_by}/{place.type}/{precision}"


def _n_epochs(config: TrainingConfig, steps: int) -> int:
    """Returns the number of epochs, each of so many steps."""
    return max(config.epochs, -(-config.steps // steps))


class _Epochs:
    """The epochs of training one network on its device.

    Attributes:
        number: Number of epochs.
        first_steps: Number of the first step of each epoch, then the total number of steps.
    """

    def __init__(
        self,
        config: TrainingConfig,
        targets: TrainingTargets | ClassTargets,
        images: CachedImages | HeldImages,
        network: nn.Module,
        objective: nn.Module,
        optimizer: torch.optim.Optimizer,
        accelerator: Accelerator,
        seed: int,
    ) -> None:
        self._processes = processes = Processes.of(accelerator)
        self._batches = _passes(config, targets, images, accelerator.device, seed, processes)
        self.number = len(self._batches)
        self.first_steps = tuple(accumulate(map(len, self._batches), initial=0))
        self._config, self._seed, self._accelerator = config, seed, accelerator
        self._network, self._objective = network, objective
        # Compiled code cannot wait for other processes midway.
        wanted = config.compile if processes.number == 1 else "no"
        self._called = compiled(network, accelerator.device, wanted)
        self._optimizer = accelerator.prepare(optimizer)

    def run(self, epoch: int, progress: Progress | None) -> tuple[dict[str, float], float]:
        """Trains for one epoch.

        Returns:
            The mean of each term of the objective, and the last learning rate.
        """
        self._network.train()
        place, total = self._accelerator.device, self.first_steps[-1]
        batches, first = self._batches[epoch], self.first_steps[epoch]
        sums: dict[str, torch.Tensor] = {}
        with torch.random.fork_rng([place] if place.type == "cuda" else []):
            torch.manual_seed(int(np.random.SeedSequence([self._seed, epoch]).generate_state(1)[0]))
            for number, (pixels, rows) in enumerate(batches.epoch(epoch)):
                step = first + number
                rate = self._config.learning_rate * step_size(self._config, step, total)
                terms = self._learn(number, len(batches), rate, pixels, rows)
                for name, value in terms.items():
                    sums[name] = sums[name] + value if name in sums else value
                if number % _LOOKED_AT_EVERY == 0 or number == len(batches) - 1:
                    _check(terms, step, rate)
                if progress:
                    progress("batches", step + 1, total)
        return {name: float(value) / len(batches) for name, value in sums.items()}, rate

    def _learn(
        self, number: int, steps: int, rate: float, pixels: torch.Tensor, rows: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Accumulates the gradient of a batch, and takes a step after the last batch of a group.

        No group extends beyond the end of an epoch, where a training may be resumed.
        """
        first = number - number % self._config.accumulate
        together = min(self._config.accumulate, steps - first)
        with self._accelerator.autocast():
            try:
                own = self._called(pixels)
            except ValueError as error:
                raise TrainingError(
                    f"Batches of {plural(len(rows), 'image')} are too small for batch "
                    f"normalisation ({error}). Give a larger batch_size, or larger views."
                ) from error
            said = self._processes.whole(own, len(rows))
            terms: dict[str, torch.Tensor] = self._objective(said, rows)
        self._accelerator.backward(terms["total"] / together)
        if number == first + together - 1:
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            self._processes.add_gradients(self._network.parameters())
            if self._config.clip:
                self._accelerator.clip_grad_norm_(self._network.parameters(), self._config.clip)
            self._optimizer.step()
            self._optimizer.zero_grad(set_to_none=True)
        return {name: value.detach() for name, value in terms.items()}


def _passes(
    config: TrainingConfig,
    targets: TrainingTargets | ClassTargets,
    images: CachedImages | HeldImages,
    device: torch.device,
    seed: int,
    processes: Processes,
) -> list[Batches]:
    """Returns the batches of each epoch: of all GMs, from `extra_until` on of the benchmark's only.

    Both parts together have as many steps as training on all GMs in every epoch would have, and the
    rest of the last epoch.
    """

    def batches_of(gms: Sequence[str]) -> Batches:
        n_images = sum(len(images.image_ids(gm)) for gm in gms)
        return Batches(
            images,
            gms,
            config.batch_size,
            device=device,
            seed=seed,
            balanced=config.balanced,
            # A single image has no spread for batch normalisation to measure.
            drop_last=n_images > 1 and n_images % config.batch_size == 1,
            share=processes.share,
        )

    everything = batches_of(targets.names)
    number = _n_epochs(config, len(everything))
    if not targets.n_extra or config.extra_until == 1:
        return [everything] * number
    joint = max(1, round(config.extra_until * number))
    own = batches_of(targets.names[: -targets.n_extra])
    return [everything] * joint + [own] * -(-(number - joint) * len(everything) // len(own))


def step_size(config: TrainingConfig, step: int, total: int) -> float:
    """Returns the factor of the learning rate at a step: warm-up, then constant or cosine."""
    warmup = config.warmup * total
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if config.schedule == "constant":
        return 1.0
    done = (step - warmup) / max(1.0, total - warmup)
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * done))


def _keep(
    folder: Path, key: str, standing: Standing, network: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Writes the state of a training, and its log for human readers.

    The log is first: an epoch that it is ahead of the state is trained and logged again, whereas
    one that it lacked behind the state of a finished training would be lacking for good.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / LOG, "".join(f"{json.dumps(row)}\n" for row in standing.log))
        save_state(folder, key, standing, network, optimizer)
    except OSError as error:
        raise TrainingError(
            f"{folder} cannot be written ({error.strerror}). Make room, or give another --runs; "
            "what was trained until the last epoch is kept."
        ) from error


def _check(terms: Mapping[str, torch.Tensor], step: int, rate: float) -> None:
    """Stops a training whose loss is no longer finite."""
    if math.isfinite(float(terms["total"])):
        return
    lost = [name for name, value in terms.items() if not math.isfinite(float(value))]
    raise TrainingError(
        f"The loss is no longer a number at step {step + 1}: {', '.join(lost)}. Train with a "
        f"smaller step (`--change learning_rate={rate / 3:.1g}`) or a limit on the gradient "
        "(`--change clip=1.0`)."
    )
