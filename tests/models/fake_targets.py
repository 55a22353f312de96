"""Targets of made-up GMs, and a network small enough to test."""

from __future__ import annotations

import numpy as np

from gmbench.models.parsing import PAPER_CLASSES, ParserConfig
from gmbench.models.targets import TrainingTargets

SMALL = ParserConfig(fen_depth=4, fen_width=4, trunk_widths=(4, 8), parser_width=8)


def fake_targets(
    n: int = 24, seed: int = 0, kinds: tuple[str, ...] = ("GAN", "VAE")
) -> TrainingTargets:
    """Targets of `n` GMs with random labels, kinds in turn."""
    generator = np.random.default_rng(seed)
    return TrainingTargets(
        names=tuple(f"GM_{i}" for i in range(n)),
        kinds=tuple(kinds[i % len(kinds)] for i in range(n)),
        continuous=generator.random((n, 9)).astype(np.float32),
        discrete=np.stack([generator.integers(0, c, n) for c in PAPER_CLASSES], axis=1),
        n_classes=PAPER_CLASSES,
    )
