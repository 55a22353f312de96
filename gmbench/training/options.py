"""How a baseline is run: the options of `gmbench baseline` and `gmbench train`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gmbench.benchmark.extra import ExtraGMs


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a baseline is run.

    Attributes:
        preset: `paper` or `small`, for baselines that train a network.
        changes: The user's own changes to settings, by name.
        seed: Seed of everything random.
        device: `auto`, `cpu`, `cuda` or `mps`.
        runs: Where trainings keep their logs, states and checkpoints; None keeps nothing.
        extra: GMs to train on in addition to those of the benchmark, in every fold.
    """

    preset: str = "small"
    changes: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    device: str = "auto"
    runs: Path | None = None
    extra: tuple[ExtraGMs, ...] = ()


def hashed_name(name: str, *differing: str) -> str:
    """Returns the name of a folder of trainings: a name, with a hash of what it does not say.

    Args:
        name: The name, such as that of a preset.
        *differing: What differs from what the name stands for; nothing leaves the name as it is.
    """
    if not differing:
        return name
    return f"{name}-{hashlib.sha256('/'.join(differing).encode()).hexdigest()[:8]}"
