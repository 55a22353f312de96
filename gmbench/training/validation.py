"""Choosing the best epoch on training GMs that are held out, never on a test set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import nn

from gmbench.benchmark import Benchmark
from gmbench.files import write_durably
from gmbench.models.targets import TrainingTargets
from gmbench.training.cache import CachedImages
from gmbench.training.predict import parse_images

_BEST = "best.safetensors"


def hold_out(
    benchmark: Benchmark, training: Sequence[str], number: int, seed: int
) -> tuple[list[str], list[str]]:
    """Parts training GMs into those to learn from and those to validate on, kind by kind.

    Args:
        benchmark: The benchmark.
        training: Names of the training GMs.
        number: How many are held out; of each kind its share, by largest remainder.
        seed: Seed of the draw.

    Returns:
        Names to learn from, and names to validate on; both in the order of `training`.
    """
    generator = np.random.default_rng([seed, 0xE0])
    shuffled = [training[row] for row in generator.permutation(len(training))]
    by_kind: dict[str, list[str]] = {}
    for name in shuffled:
        by_kind.setdefault(benchmark.gm(name).kind, []).append(name)
    # Taken in turn by how far a kind has come, so that every prefix is in proportion.
    places = sorted(
        ((place + 0.5) / len(names), name)
        for names in by_kind.values()
        for place, name in enumerate(names)
    )
    held = {name for _, name in places[:: max(1, len(places) // max(1, number))][:number]}
    held = held if number else set()
    return [name for name in training if name not in held], [n for n in training if n in held]


def validation_error(
    network: nn.Module, images: CachedImages, targets: TrainingTargets, device: torch.device
) -> float:
    """Returns how wrong a network is on GMs that it has not seen: the lower, the better.

    The mean absolute error of the continuous parameters, in normalised units, plus the mean
    share of wrong classes and losses: what l1 and the accuracies of an evaluation measure.
    """
    l1, wrong = [], []
    for row, name in enumerate(targets.names):
        parsed = parse_images(network, images, [name], device)
        l1.append(np.abs(parsed.continuous - targets.continuous[row]).mean())
        wrong.append((parsed.classes != targets.discrete[row]).mean())
    return float(np.mean(l1) + np.mean(wrong))


class BestEpoch:
    """The weights of the best epoch so far, kept in a training's folder or in memory."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / _BEST if folder else None
        self._weights: dict[str, torch.Tensor] | None = None

    def offer(self, network: nn.Module, error: float, earlier: Sequence[float]) -> None:
        """Keeps the network's weights if its error is below all earlier ones."""
        if earlier and error >= min(earlier):
            return
        weights = {
            name: tensor.detach().cpu().clone().contiguous()
            for name, tensor in network.state_dict().items()
        }
        if self._path:
            write_durably(self._path, save(weights))
        else:
            self._weights = weights

    def take(self, network: nn.Module) -> None:
        """Gives the network the weights of the best epoch."""
        weights = load_file(self._path) if self._path else self._weights
        if weights is not None:
            network.load_state_dict(weights)
