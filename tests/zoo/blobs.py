"""Small images that a network can learn in seconds, and a distance to see whether it did."""

from __future__ import annotations

import torch


def make_blobs(n: int, size: int, grey: bool, seed: int = 0) -> torch.Tensor:
    """Returns bright discs on a dark ground, shape (n, 3, size, size), uint8."""
    generator = torch.Generator().manual_seed(seed)
    centres = 0.3 + 0.4 * torch.rand(n, 2, 1, 1, generator=generator)
    radii = 0.1 + 0.15 * torch.rand(n, 1, 1, generator=generator)
    places = (torch.arange(size) + 0.5) / size
    squared = (places[:, None] - centres[:, 0]) ** 2 + (places[None] - centres[:, 1]) ** 2
    discs = torch.sigmoid(20.0 * (1.0 - squared.sqrt() / radii)).unsqueeze(1)
    colours = 0.5 + 0.5 * torch.rand(n, 1 if grey else 3, 1, 1, generator=generator)
    return (255.0 * discs * colours).round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous()


def moment_distance(made: torch.Tensor, real: torch.Tensor) -> float:
    """Returns how far mean image and image of standard deviations are apart, in [0, 1] each."""
    moments = [
        torch.stack([images.mean(1).mean(0), images.mean(1).std(0)])
        for images in (made.float() / 255.0, real.float() / 255.0)
    ]
    return float((moments[0] - moments[1]).abs().mean((1, 2)).sum())
