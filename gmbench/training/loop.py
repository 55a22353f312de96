"""The training loop: one network on the training GMs of one set, from the first epoch to the last.

It goes on where it was stopped, and ends with the numbers of a training that was not: all that is
random follows from the seed, the epoch and the step (`gmbench.training.state`).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gmbench.files import write_durably
from gmbench.models.targets import TrainingTargets
from gmbench.training.batches import Batches
from gmbench.training.cache import CachedImages
from gmbench.training.config import TrainingConfig, TrainingError
from gmbench.training.devices import accelerator_for
from gmbench.training.methods import build_method
from gmbench.training.state import Standing, load_state, save_state
from gmbench.training.validation import BestEpoch, validation_error

LOG = "log.jsonl"
"""One line an epoch, in the training's folder."""

_LOOKED_AT_EVERY = 25
"""Steps between two looks at the loss: on an accelerator each one waits for all that is queued."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class TrainingRun:
    """What a training came to.

    Attributes:
        network: The trained network, ready to predict, on the CPU.
        log: One entry an epoch: `epoch`, `step`, `seconds`, `learning_rate`, the mean of each term
            of the objective, and `validation` where GMs are held out.
        seconds: Time spent in training, interruptions left out.
        resumed_at: Epoch at which it was taken up again; 0 if it ran through.
    """

    network: nn.Module
    log: tuple[Mapping[str, Any], ...]
    seconds: float
    resumed_at: int = 0


def train(
    config: TrainingConfig,
    targets: TrainingTargets,
    images: CachedImages,
    *,
    seed: int = 0,
    device: str = "auto",
    folder: Path | None = None,
    key: str = "",
    validation: TrainingTargets | None = None,
    progress: Progress | None = None,
) -> TrainingRun:
    """Trains a network.

    Args:
        config: How.
        targets: Labels of the GMs to train on.
        images: Their images, and those of the GMs held out.
        seed: Seed of the network's first weights, of the clusters and of the batches.
        device: `auto`, `cpu`, `cuda` or `mps`.
        folder: Where the log and the state are kept; a training without one cannot be resumed.
        key: Fingerprint of labels and images; with the settings it tells whose state it is.
        validation: Labels of training GMs that are held out, to take the best epoch, not the last.
        progress: Told how many steps are done, and of how many.

    Raises:
        TrainingError: The loss is no longer a number, or the device is not there.
        UnknownNameError: There is no such method or setting of it.
    """
    accelerator = accelerator_for(device, config.accumulate)
    network, objective = build_method(config, targets, seed)
    network.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    objective.to(accelerator.device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    key = f"{config.sha256}/{key}/{seed}/{torch.__version__}"
    standing, log, best = Standing(), [], BestEpoch(folder)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        standing = load_state(folder, key, network, optimizer)
        log = _read_log(folder)[: standing.epoch]
    resumed_at = standing.epoch
    batches = Batches(
        images,
        targets.names,
        config.batch_size,
        device=accelerator.device,
        seed=seed,
        balanced=config.balanced,
    )
    steps = len(batches)
    prepared, optimizer = accelerator.prepare(network, optimizer)
    for epoch in range(standing.epoch, config.epochs):
        started = time.perf_counter()
        network.train()
        sums: dict[str, torch.Tensor] = {}
        for number, (pixels, rows) in enumerate(batches.epoch(epoch)):
            step = epoch * steps + number
            rate = config.learning_rate * step_size(config, step, config.epochs * steps)
            for group in optimizer.param_groups:
                group["lr"] = rate
            with accelerator.accumulate(prepared):
                with accelerator.autocast():
                    output = prepared(pixels)
                terms = objective(output, rows)
                accelerator.backward(terms["total"])
                if config.clip and accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(prepared.parameters(), config.clip)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value.detach()
            if number % _LOOKED_AT_EVERY == 0 or number == steps - 1:
                _check(terms, step, rate)
            if progress:
                progress(step + 1, config.epochs * steps)
        seconds = standing.seconds + time.perf_counter() - started
        standing = Standing(epoch + 1, (epoch + 1) * steps, seconds)
        entry: dict[str, Any] = {
            "epoch": standing.epoch,
            "step": standing.step,
            "seconds": round(seconds, 3),
            "learning_rate": rate,
            **{name: float(value) / steps for name, value in sums.items()},
        }
        if validation is not None:
            entry["validation"] = validation_error(network, images, validation, accelerator.device)
            best.offer(network, entry["validation"], [row["validation"] for row in log])
        log.append(entry)
        if folder is not None:
            write_durably(folder / LOG, "".join(f"{json.dumps(row)}\n" for row in log))
            save_state(folder, key, standing, network, optimizer)
    if validation is not None:
        best.take(network)
    return TrainingRun(network.cpu().eval(), tuple(log), standing.seconds, resumed_at)


def step_size(config: TrainingConfig, step: int, total: int) -> float:
    """Returns the share of the step size that a step takes: warm-up, then constant or cosine."""
    warmup = config.warmup * total
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if config.schedule == "constant":
        return 1.0
    done = (step - warmup) / max(1.0, total - warmup)
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * done))


def _check(terms: Mapping[str, torch.Tensor], step: int, rate: float) -> None:
    """Stops a training whose loss is no longer a number."""
    if math.isfinite(float(terms["total"].detach())):
        return
    lost = [name for name, value in terms.items() if not math.isfinite(float(value.detach()))]
    raise TrainingError(
        f"The loss is no longer a number at step {step + 1}: {', '.join(lost)}. Train with a "
        f"smaller step (`--change learning_rate={rate / 3:.1g}`) or a limit on the gradient "
        "(`--change clip=1.0`)."
    )


def _read_log(folder: Path) -> list[dict[str, Any]]:
    try:
        lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]
