"""Clusters of points and of images."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from gmbench.zoo.kinds.k_means import assign, cluster, k_means


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_classes_are_clusters_of_the_images() -> None:
    dark, bright = torch.zeros(6, 1, 32, 32), torch.ones(5, 1, 32, 32)
    images = torch.cat([dark, bright]) + 0.01 * torch.rand(11, 1, 32, 32, generator=seeded())
    assert cluster(images, 2, seeded()).tolist() == [0] * 6 + [1] * 5
    # How an image lies in memory changes nothing.
    laid_otherwise = images.repeat(1, 3, 1, 1).to(memory_format=torch.channels_last)
    assert cluster(laid_otherwise, 2, seeded()).tolist() == [0] * 6 + [1] * 5


def test_centres_are_the_means_of_their_points() -> None:
    points = torch.randn(60, 2, generator=seeded()) + torch.tensor([[9.0, 0.0]]) * (
        torch.arange(60)[:, None] % 3
    )
    centres = k_means(points, 3, seeded())
    nearest = assign(points, centres)
    for number in range(3):
        assert torch.allclose(centres[number], points[nearest == number].mean(0), atol=1e-5)
    assert torch.equal(centres.mean(1), centres.mean(1).sort().values)
    assert len(k_means(torch.zeros(5, 2), 3, seeded())) == 3
