"""Toy images whose class can be told, or cannot, and settings of a training that takes a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gmbench.applications.sources import DetectionFold, Source
from gmbench.data.rgb import Pixels
from gmbench.training.options import RunOptions

SIDE = 8

TINY: Mapping[str, Any] = {
    "view": {"kind": "resized", "size": SIDE},
    "model": {"fen_depth": 2, "fen_width": 4, "widths": [4, 4], "hidden": 4, "dropout": 0.0},
    "learning_rate": 0.03,
    "steps": 40,
}

OPTIONS = RunOptions(changes=TINY, device="cpu")

PLAIN = RunOptions(
    changes={
        **TINY,
        "objective": {
            "lambda_magnitude": 0.0,
            "lambda_spectrum": 0.0,
            "lambda_repetitive": 0.0,
            "lambda_energy": 0.0,
        },
        "steps": 80,
    },
    device="cpu",
)
"""Without the constraints, which take longer than a second to find their balance."""


def noise(n: int, seed: int, wave: float = 0.0) -> Pixels:
    """Noise about a grey, shape (n, 1, side, side, 3), with stripes of a strength."""
    generator = np.random.default_rng(seed)
    stripes = wave * np.cos(np.pi * np.arange(SIDE))[:, None]
    values = 128 + generator.normal(0, 10, (n, 1, SIDE, SIDE, 3)) + stripes
    return np.asarray(values.clip(0, 255), np.uint8)


def source(name: str, fake: bool, seed: int, wave: float = 0.0, n: int = 6) -> Source:
    return Source(name, fake, noise(n, seed, wave), "", frozenset([name]))


def fold(wave: float, name: str = "fold", seed: int = 0) -> DetectionFold:
    """Six sources a class and side; fakes have stripes of a strength."""
    sides = [
        tuple(
            source(
                f"{name}/{side}/{fake}/{k}",
                fake,
                1000 * seed + 100 * side + 10 * fake + k,
                wave * fake,
            )
            for fake in (False, True)
            for k in range(6)
        )
        for side in (0, 1)
    ]
    return DetectionFold(name, sides[0], sides[1])
