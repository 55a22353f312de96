"""Choosing the best epoch on held-out training GMs, never on a test set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from gmbench.benchmark.benchmark import Benchmark
from gmbench.models.settings import SettingError
from gmbench.models.targets import TrainingTargets
from gmbench.training.cache import CachedImages
from gmbench.training.predict import parse_images


def hold_out(
    benchmark: Benchmark, training: Sequence[str], number: int, seed: int
) -> tuple[list[str], list[str]]:
    """Splits training GMs into those to learn from and those to validate on, kind by kind.

    Args:
        benchmark: The benchmark.
        training: Names of the training GMs.
        number: Number of GMs to hold out: of each kind its share, by largest remainder.
        seed: Seed of the draw.

    Returns:
        Names to learn from, and names to validate on; both in the order of `training`.

    Raises:
        SettingError: No GM would be left to learn from.
    """
    if number and number >= len(training):
        raise SettingError(
            f"validation_gms={number}: there are {len(training)} training GMs. Give fewer."
        )
    by_kind: dict[str, list[str]] = {}
    for name in training:
        by_kind.setdefault(benchmark.gm(name).kind, []).append(name)
    shares = {kind: number * len(names) / len(training) for kind, names in by_kind.items()}
    taken = {kind: int(share) for kind, share in shares.items()}
    by_remainder = sorted(shares, key=lambda kind: taken[kind] - shares[kind])
    for kind in by_remainder[: number - sum(taken.values())]:
        taken[kind] += 1
    generator = np.random.default_rng([seed, 0xE0])
    held = {
        names[row]
        for kind, names in by_kind.items()
        for row in generator.permutation(len(names))[: taken[kind]].tolist()
    }
    return [name for name in training if name not in held], [n for n in training if n in held]


def validation_error(
    network: nn.Module,
    images: CachedImages,
    targets: TrainingTargets,
    device: torch.device,
    precision: str,
) -> float:
    """Returns the error of a network on GMs that it has not seen; lower is better.

    It is the mean absolute error of the continuous parameters, in normalised units, plus the mean
    share of wrong classes and losses: what l1 and the accuracies of an evaluation measure.

    Args:
        network: The network, on `device`.
        images: Images of these GMs.
        targets: Their labels.
        device: The network's device.
        precision: The precision that it is trained in and will predict in.
    """
    l1, wrong = [], []
    for row, name in enumerate(targets.names):
        parsed = parse_images(network, images, [name], device, precision)
        l1.append(np.abs(parsed.continuous - targets.continuous[row]).mean())
        wrong.append((parsed.classes != targets.discrete[row]).mean())
    return float(np.mean(l1) + np.mean(wrong))
