"""Degradation of real images, from which image-to-image GMs start."""

from __future__ import annotations

import torch
from torch.nn import functional


def degrade(
    images: torch.Tensor, name: str, reduction: int, generator: torch.Generator
) -> torch.Tensor:
    """Returns degraded images, in [0, 1].

    Args:
        images: Shape (images, channels, size, size), in [0, 1].
        name: `edges` (Sobel magnitude of the brightness, in every channel), `noise` (Gaussian, of
            standard deviation 0.4), `mask` (a square of half the size set to mid-grey), `blur`
            (averages over squares of 4 x 4 pixels, at the full size), `thumbnail`, `grey` (the
            brightness, in every channel), `mirror` (left and right exchanged) or `nothing`.
        reduction: How many times smaller a thumbnail is.
        generator: Source of the noise and of the positions of masks.

    Returns:
        Shape (images, channels, size, size); a thumbnail is `reduction` times smaller.
    """
    size = images.shape[-1]
    if name == "edges":
        kernel = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]) / 4.0
        kernels = torch.stack([kernel, kernel.T])[:, None]
        grey = functional.pad(images.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
        slopes = functional.conv2d(grey, kernels)
        magnitude = slopes.pow(2).sum(1, keepdim=True).sqrt().clamp(max=1.0)
        return magnitude.expand_as(images).contiguous()
    if name == "noise":
        noise = torch.randn(images.shape, generator=generator)
        return (images + 0.4 * noise).clamp(0.0, 1.0)
    if name == "mask":
        corners = torch.randint(size // 2 + 1, (len(images), 2), generator=generator)
        places = torch.arange(size)
        inside = (places >= corners[..., None]) & (places < corners[..., None] + size // 2)
        square = (inside[:, 0, :, None] & inside[:, 1, None, :])[:, None]
        return torch.where(square, 0.5, images)
    if name == "blur":
        small = functional.avg_pool2d(images, 4)
        return functional.interpolate(small, scale_factor=4.0)
    if name == "thumbnail":
        return functional.avg_pool2d(images, reduction)
    if name == "grey":
        return images.mean(1, keepdim=True).expand_as(images).contiguous()
    if name == "mirror":
        return images.flip(3)
    if name == "nothing":
        return images
    raise ValueError(f"no degradation is called {name!r}")
