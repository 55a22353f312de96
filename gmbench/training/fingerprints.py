"""The fingerprints that a trained parser estimates for images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from gmbench.errors import BenchmarkError
from gmbench.progress import Progress
from gmbench.training.cache import cached_images
from gmbench.training.checkpoint import ModelParserCheckpoint
from gmbench.training.devices import device_for
from gmbench.training.predict import parse_with_fingerprints


def require_fingerprints(network: nn.Module, name: str) -> None:
    """Checks that a network estimates fingerprints.

    Args:
        network: The network of a parser.
        name: What to call it in the error.

    Raises:
        BenchmarkError: It does not.
    """
    if not hasattr(network, "fen"):
        raise BenchmarkError(
            f"{name} estimates no fingerprints. Take a parser such as `full`, which has the "
            "paper's fingerprint network."
        )


def gm_fingerprints(
    checkpoint: ModelParserCheckpoint,
    folder: Path,
    gms: Sequence[str],
    n_images: int,
    device: str = "auto",
    progress: Progress | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Estimates the fingerprints of the first images of GMs.

    Args:
        checkpoint: The parser.
        folder: The dataset folder.
        gms: Names of GMs.
        n_images: Most images of each GM.
        device: `auto`, `cpu`, `cuda` or `mps`.
        progress: Progress callback, with the number of GMs done.

    Returns:
        Fingerprints by GM, each of shape (images, views, 3, size, size).

    Raises:
        BenchmarkError: The parser estimates none, or the folder is not a dataset.
        UnknownNameError: The dataset has no such GM.
    """
    require_fingerprints(checkpoint.network, f"This parser (method {checkpoint.method})")
    images = cached_images(folder, checkpoint.view, gms=gms, progress=progress)
    place = device_for(device)
    network = checkpoint.network.to(place)
    found = {}
    for done, gm in enumerate(gms):
        if progress:
            progress("fingerprints", done, len(gms))
        pixels = images.pixels(gm)[:n_images]
        found[gm] = parse_with_fingerprints(network, pixels, place, checkpoint.precision)[1]
    if progress:
        progress("fingerprints", len(gms), len(gms))
    return found
