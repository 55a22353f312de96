"""Images of GMs whose vectors are known, for the tests of the coordinated attack."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gmbench.applications.attack import Similarity
from gmbench.applications.attack_pairs import AttackImages
from gmbench.applications.similarity import unit_vectors


def images_of(
    n_gms: int = 12, n_images: int = 8, *, n_seen: int | None = None, parsers: int = 1
) -> AttackImages:
    """As many images of each GM, the first half of the GMs seen, two contents in turn."""
    rows = np.arange(n_gms)
    return AttackImages(
        names=tuple(f"GM_{row:02d}" for row in rows),
        contents=tuple(("faces", "objects")[row % 2] for row in rows),
        seen=rows < (n_gms // 2 if n_seen is None else n_seen),
        parsers=rows % parsers,
        gms=np.repeat(rows, n_images),
    )


def similarity_of(images: AttackImages, noise: float, seed: int = 0, name: str = "s") -> Similarity:
    """Directions of the GMs, and noise on each image."""
    generator = np.random.default_rng(seed)
    directions = generator.normal(size=(len(images.names), 16))[images.gms]
    return Similarity(
        name, name, unit_vectors(directions + noise * generator.normal(size=directions.shape))
    )


def plain_auc(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """The definition: every pair of one GM against every pair of two."""
    one, two = scores[same][:, None], scores[~same][None, :]
    return float(((one > two) + 0.5 * (one == two)).mean())
