"""Predictions of a trained network as arrays, averaged over the views of each image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gmbench.training.devices import autocast_for
from gmbench.training.parsed import ParsedImages, join
from gmbench.training.parser_place import CheckpointError

if TYPE_CHECKING:
    from gmbench.training.cache import CachedImages

_AT_ONCE = 256
"""Views in one forward pass on a GPU."""

_PIXELS_AT_ONCE = 2**15
"""Pixels in one forward pass on a CPU: few enough for the activations to stay in its cache."""


def parse_pixels(
    network: nn.Module, pixels: NDArray[np.uint8], device: torch.device, precision: str = "fp32"
) -> ParsedImages:
    """Runs a network over images.

    Args:
        network: A trained network on `device`.
        pixels: Shape (images, views, size, size, 3).
        device: The network's device.
        precision: The precision that it was trained in, a setting of `TrainingConfig`.
    """
    return _run(network, pixels, device, precision, keep_fingerprints=False)[0]


def parse_with_fingerprints(
    network: nn.Module, pixels: NDArray[np.uint8], device: torch.device, precision: str = "fp32"
) -> tuple[ParsedImages, NDArray[np.float32]]:
    """Runs a network that estimates fingerprints over images; arguments as in `parse_pixels`.

    Returns:
        Its output, and the fingerprint of each view, shape (images, views, 3, size, size).
    """
    return _run(network, pixels, device, precision, keep_fingerprints=True)


def _run(
    network: nn.Module,
    pixels: NDArray[np.uint8],
    device: torch.device,
    precision: str,
    *,
    keep_fingerprints: bool,
) -> tuple[ParsedImages, NDArray[np.float32]]:
    n, views = pixels.shape[:2]
    flat = pixels.reshape(n * views, *pixels.shape[2:])
    network.eval()
    found, fingerprints = [], []
    slots: Any = network.slots
    with torch.inference_mode(), autocast_for(device, precision):
        for part in in_parts(flat, device):
            said = network(part)
            parsed = said.final()
            found.append(torch.cat([parsed.continuous, parsed.probabilities], dim=1).cpu())
            if keep_fingerprints:
                fingerprints.append(said.fingerprint.float().cpu())
    values = torch.cat(found).double().numpy().reshape(n, views, -1).mean(axis=1)
    if not np.isfinite(values).all():
        raise CheckpointError(
            "What the network says of an image is no number: its weights are damaged, or were "
            "lost in its training. Train it again, or give another."
        )
    n_continuous = values.shape[1] - sum(slots.n_classes)
    traces = torch.cat(fingerprints).numpy() if fingerprints else np.empty(0, np.float32)
    return (
        ParsedImages(values[:, :n_continuous], values[:, n_continuous:], slots.n_classes),
        traces.reshape(n, views, *traces.shape[1:]) if keep_fingerprints else traces,
    )


def in_parts(flat: NDArray[np.uint8], device: torch.device) -> Iterator[torch.Tensor]:
    """Yields views as input of a network, in chunks of a size that suits the device.

    Args:
        flat: Shape (views, size, size, 3).
        device: The network's device.

    Yields:
        Shape (some, 3, size, size), float32 in [0, 1], on the device.
    """
    step = _AT_ONCE
    if device.type == "cpu":
        step = max(1, _PIXELS_AT_ONCE // (flat.shape[1] * flat.shape[2]))
    for first in range(0, len(flat), step):
        # A copy: memory-mapped pixels are read-only, which torch objects to.
        part = torch.from_numpy(np.array(flat[first : first + step])).to(device)
        yield part.permute(0, 3, 1, 2).float().div(255.0)


def parse_images(
    network: nn.Module,
    images: CachedImages,
    gms: Sequence[str],
    device: torch.device,
    precision: str = "fp32",
) -> ParsedImages:
    """Runs a network over all images of some GMs, in their order, as `parse_pixels` does."""
    return join(parse_pixels(network, images.pixels(gm), device, precision) for gm in gms)
