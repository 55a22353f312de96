"""How a baseline is run: the options of `gmbench baseline` and `gmbench train`."""

from __future__ import annotations

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
