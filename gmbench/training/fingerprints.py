"""How alike the fingerprints of GMs are: whether a network has found what belongs to a GM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gmbench.models.settings import SettingError

if TYPE_CHECKING:
    from gmbench.training.cache import CachedImages

_AT_ONCE = 256


@dataclass(frozen=True)
class FingerprintSimilarity:
    """Mean cosine similarity of fingerprints, GM by GM.

    Attributes:
        gms: Names of the GMs.
        matrix: Mean over the pairs of an image of one GM and an image of the other, shape (GMs,
            GMs). On the diagonal the pairs are of different images; not a number for one image.
    """

    gms: tuple[str, ...]
    matrix: NDArray[np.float64]

    @property
    def within(self) -> float:
        """Mean over the GMs of the similarity of their own images."""
        return float(np.nanmean(np.diag(self.matrix)))

    @property
    def between(self) -> float:
        """Mean over the pairs of different GMs."""
        return float(self.matrix[~np.eye(len(self.gms), dtype=bool)].mean())


def fingerprint_similarity(
    network: nn.Module, images: CachedImages, gms: Sequence[str], device: torch.device
) -> FingerprintSimilarity:
    """Compares the fingerprints of all images of some GMs.

    Args:
        network: A trained network on `device`, of the method `parser`.
        images: Decoded images.
        gms: Names of GMs.
        device: Where the network is.

    Raises:
        SettingError: The network has no fingerprints.
    """
    fen: Any = getattr(network, "fen", None)
    if fen is None:
        raise SettingError("The network has no fingerprints. Take a method that has, such as full.")
    network.eval()
    # The mean over all pairs is the product of the means: no pair is looked at.
    sums, squares, counts = [], [], []
    with torch.inference_mode():
        for gm in gms:
            pixels = images.pixels(gm)
            flat = pixels.reshape(-1, *pixels.shape[2:])
            total, square = torch.zeros(()).double(), 0.0
            for first in range(0, len(flat), _AT_ONCE):
                part = torch.from_numpy(np.array(flat[first : first + _AT_ONCE])).to(device)
                found = fen(part.permute(0, 3, 1, 2).float().div(255.0)).flatten(1)
                unit = nn.functional.normalize(found.cpu().double(), dim=1)
                total, square = total + unit.sum(dim=0), square + float(unit.square().sum())
            sums.append(total.numpy())
            squares.append(square)
            counts.append(len(flat))
    stacked, n = np.stack(sums), np.array(counts, dtype=np.float64)
    matrix = stacked @ stacked.T
    np.fill_diagonal(matrix, np.diag(matrix) - np.array(squares))
    pairs = np.outer(n, n)
    np.fill_diagonal(pairs, n * (n - 1))
    with np.errstate(invalid="ignore"):
        return FingerprintSimilarity(tuple(gms), np.asarray(matrix / pairs))
