"""What a trained network says of images: the mean over the views of an image, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gmbench.schema import N_DISCRETE
from gmbench.training.devices import autocast_for

if TYPE_CHECKING:
    from gmbench.training.cache import CachedImages

_AT_ONCE = 256
"""Views that go through a network together on a GPU."""

_PIXELS_AT_ONCE = 2**15
"""Pixels that do on a CPU: what the layers make of them stays in its cache."""


@dataclass(frozen=True)
class ParsedImages:
    """What a network says of images.

    Attributes:
        continuous: Normalised values, shape (images, 9); not clipped to [0, 1].
        probabilities: Of every class of every head, shape (images, classes of all heads).
        n_classes: Number of classes of each of the 16 heads.
    """

    continuous: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    n_classes: tuple[int, ...]

    @cached_property
    def by_head(self) -> list[NDArray[np.float64]]:
        """Probabilities of each head's classes, each of shape (images, classes)."""
        return np.split(self.probabilities, np.cumsum(self.n_classes)[:-1], axis=1)

    @cached_property
    def classes(self) -> NDArray[np.int64]:
        """The likeliest class of each head, shape (images, 16); losses as 0 or 1."""
        return np.stack([head.argmax(axis=1) for head in self.by_head], axis=1)

    @property
    def loss_scores(self) -> NDArray[np.float64]:
        """Probability of each loss, shape (images, 10)."""
        return np.stack([head[:, 1] for head in self.by_head[N_DISCRETE:]], axis=1)


def parse_pixels(
    network: nn.Module, pixels: NDArray[np.uint8], device: torch.device, precision: str = "fp32"
) -> ParsedImages:
    """Runs a network over images.

    Args:
        network: A trained network on `device`.
        pixels: Shape (images, views, size, size, 3).
        device: Where it is.
        precision: The one that it was trained in, a setting of `TrainingConfig`.
    """
    n, views = pixels.shape[:2]
    flat = pixels.reshape(n * views, *pixels.shape[2:])
    network.eval()
    found = []
    slots: Any = network.slots
    step = _AT_ONCE
    if device.type == "cpu":
        step = max(1, _PIXELS_AT_ONCE // (flat.shape[1] * flat.shape[2]))
    with torch.inference_mode(), autocast_for(device, precision):
        for first in range(0, len(flat), step):
            # A copy: what is mapped from a file may not be written to, which torch minds.
            part = torch.from_numpy(np.array(flat[first : first + step])).to(device)
            parsed = network(part.permute(0, 3, 1, 2).float().div(255.0)).final()
            found.append(torch.cat([parsed.continuous, parsed.probabilities], dim=1).cpu())
    values = torch.cat(found).double().numpy().reshape(n, views, -1).mean(axis=1)
    n_continuous = values.shape[1] - sum(slots.n_classes)
    return ParsedImages(values[:, :n_continuous], values[:, n_continuous:], slots.n_classes)


def parse_images(
    network: nn.Module,
    images: CachedImages,
    gms: Sequence[str],
    device: torch.device,
    precision: str = "fp32",
) -> ParsedImages:
    """Runs a network over all images of some GMs, in their order, as `parse_pixels` does."""
    return join(parse_pixels(network, images.pixels(gm), device, precision) for gm in gms)


def join(parts: Iterable[ParsedImages]) -> ParsedImages:
    """Returns several results as one, in order."""
    parsed = list(parts)
    return ParsedImages(
        np.concatenate([part.continuous for part in parsed]),
        np.concatenate([part.probabilities for part in parsed]),
        parsed[0].n_classes,
    )


def mean(parts: Sequence[ParsedImages], weights: Sequence[float] | None = None) -> ParsedImages:
    """Returns the mean of what several parsers say of the same images.

    Args:
        parts: What each of them says.
        weights: How much each counts; alike when None.
    """
    return ParsedImages(
        np.average([part.continuous for part in parts], axis=0, weights=weights),
        np.average([part.probabilities for part in parts], axis=0, weights=weights),
        parts[0].n_classes,
    )
