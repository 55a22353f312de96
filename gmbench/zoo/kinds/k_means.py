"""Reproducible k-means, for palettes of colours and classes of images."""

from __future__ import annotations

import torch
from torch.nn import functional

SIDE = 8
"""Height and width of the shrunken images that are clustered into classes."""


def cluster(images: torch.Tensor, classes: int, generator: torch.Generator) -> torch.Tensor:
    """Returns classes for images that have none: clusters of their shrunken versions.

    Args:
        images: Shape (n, channels, size, size).
        classes: Number of classes.
        generator: Source of the first centres.

    Returns:
        Shape (n,), int64.
    """
    points = functional.adaptive_avg_pool2d(images, SIDE).flatten(1)
    return assign(points, k_means(points, classes, generator))


def k_means(
    points: torch.Tensor, k: int, generator: torch.Generator, rounds: int = 15
) -> torch.Tensor:
    """Returns `k` cluster centres (Lloyd, 1982; k-means++: Arthur and Vassilvitskii, 2007).

    Args:
        points: Shape (n, features).
        k: Number of clusters.
        generator: Source of the first centres.
        rounds: Rounds of assigning and averaging.

    Returns:
        Shape (k, features), sorted by the centres' mean. Where there are fewer than `k` distinct
        points, some centres are equal.
    """
    first = int(torch.randint(len(points), (1,), generator=generator))
    chosen = [first]
    nearest = (points - points[first]).square().sum(1)
    for _ in range(k - 1):
        weights = nearest if float(nearest.sum()) > 0 else torch.ones_like(nearest)
        chosen.append(int(torch.multinomial(weights, 1, generator=generator)))
        nearest = torch.minimum(nearest, (points - points[chosen[-1]]).square().sum(1))
    centres = points[chosen].clone()
    for _ in range(rounds):
        members = functional.one_hot(assign(points, centres), k).to(points.dtype)
        counts = members.sum(0)
        means = (members.T @ points) / counts.clamp(min=1)[:, None]
        centres = torch.where(counts[:, None] > 0, means, centres)
    return centres[centres.mean(1).argsort(stable=True)]


def assign(points: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """Returns the index of the nearest centre of each point, shape (n,)."""
    return torch.cdist(points, centres).argmin(1)
