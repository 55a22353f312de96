"""What images share besides what they show: the mean and the mean spectrum of their noise."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter

from gmbench.data.rgb import rgb_pixels
from gmbench.training.image_inputs import Images, opened

SIDE = 64
"""Side of what the pictures show, in pixels of the images."""

_SHOWN = 256


def noise_pictures(images: Images) -> tuple[tuple[str, str, bytes], ...]:
    """Draws the mean noise residual of images, and the mean spectrum of their residuals.

    Args:
        images: What `gmbench.parse` takes.

    Returns:
        The title, text and PNG of each picture.

    Raises:
        SourceError: There is no image, or one cannot be read.
    """
    residual, power = _means(opened(images))
    spectrum = np.fft.fftshift(np.log(power + 1e-6))
    return (
        (
            "Fingerprint",
            "What the images' noise has in common: their mean less its 3 by 3 mean, centre.",
            _png(residual),
        ),
        (
            "Spectrum",
            "Mean power of the noise, low frequencies in the middle. Peaks off the middle are "
            "what up-sampling leaves.",
            _png(spectrum),
        ),
    )


def _means(images: Iterable[Image.Image]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the mean and the mean power of the centres' residuals, each (SIDE, SIDE)."""
    total, power, n = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE)), 0
    for image in images:
        grey = rgb_pixels(image, "").mean(axis=2)
        lacking = [(0, max(0, SIDE - side)) for side in grey.shape]
        grey = np.pad(grey, lacking, mode="symmetric")
        down, right = ((side - SIDE) // 2 for side in grey.shape)
        centre = grey[down : down + SIDE, right : right + SIDE]
        residual = centre - uniform_filter(centre, 3, mode="mirror")
        total += residual
        power += np.abs(np.fft.fft2(residual)) ** 2
        n += 1
    return total / n, power / n


def _png(values: NDArray[np.float64]) -> bytes:
    """Returns a grey picture, scaled from the 1st to the 99th percentile."""
    low, high = np.percentile(values, [1, 99])
    grey = np.clip((values - low) / (high - low + 1e-9), 0, 1) * 255
    picture = Image.fromarray(np.rint(grey).astype(np.uint8))
    buffer = io.BytesIO()
    picture.resize((_SHOWN, _SHOWN), Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()
