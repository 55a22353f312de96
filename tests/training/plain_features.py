"""The features of an image as plain code, one image at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn, rfft2
from scipy.ndimage import uniform_filter

from gmbench.data.rgb import Pixels

Array = NDArray[np.float64]

EPSILON = 1e-8


def plain_features(pixels: Pixels) -> Array:
    """Returns what `features_of` returns of one image, shape (674,)."""
    blocks = plain_blocks(pixels)
    residual = blocks - uniform_filter(blocks, size=(0, 3, 3), mode="reflect")
    power = np.abs(rfft2(residual)) ** 2
    spectrum = np.log(power.mean(axis=0) / (power.mean() + EPSILON) + EPSILON)
    patches = blocks.reshape(-1, 4, 8, 4, 8)
    cosine = np.log(np.abs(dctn(patches, axes=(2, 4))).mean(axis=(0, 1, 3)) + EPSILON)
    parts = [_radial(spectrum), _pixel_statistics(blocks, residual), _size_and_colour(pixels / 255)]
    return np.concatenate([spectrum.ravel(), cosine.ravel(), *parts])


def plain_blocks(pixels: Pixels) -> Array:
    """Returns blocks of the luminance that Pillow computes, in [0, 1], shape (blocks, 32, 32)."""
    grey = np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float64) / 255
    grey = np.pad(grey, [(0, max(0, 32 - side)) for side in grey.shape], mode="symmetric")
    tiles = [
        grey[top : top + 32, left : left + 32]
        for top in range(0, grey.shape[0] - 31, 32)
        for left in range(0, grey.shape[1] - 31, 32)
    ]
    chosen = np.linspace(0, len(tiles) - 1, min(len(tiles), 16)).astype(int)
    return np.array([tiles[row] for row in chosen])


def _radial(spectrum: Array) -> Array:
    vertical = np.abs(np.fft.fftfreq(32) * 32)[:, None]
    ring = np.minimum(np.hypot(vertical, np.arange(17)).astype(int), 15)
    return np.array([spectrum[ring == number].mean() for number in range(16)])


def _pixel_statistics(blocks: Array, residual: Array) -> Array:
    levels = np.rint(blocks * 255).astype(int).ravel()
    histogram = np.bincount(levels, minlength=256) / len(levels)
    spread = [np.quantile(blocks, q) for q in (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)]
    noise = [np.quantile(np.abs(residual), q) for q in (0.25, 0.5, 0.75, 0.9, 0.95, 0.99)]
    deviation = residual.std() + EPSILON
    moments = [deviation, *[((residual / deviation) ** power).mean() for power in (3, 4)]]
    neighbours = [_correlation(residual, axis, step) for axis in (1, 2) for step in (1, 2, 3, 4)]
    flat = [histogram[0], histogram[255], histogram.max(), (histogram > 0).mean()]
    flat += [(np.abs(np.diff(blocks, axis=axis)) < 1 / 510).mean() for axis in (1, 2)]
    return np.array([*spread, *noise, *moments, *neighbours, *flat])


def _correlation(residual: Array, axis: int, step: int) -> float:
    length = residual.shape[axis]
    first = np.take(residual, range(length - step), axis=axis)
    second = np.take(residual, range(step, length), axis=axis)
    return float((first * second).mean() / (residual.var() + EPSILON))


def _size_and_colour(pixels: Array) -> Array:
    height, width = pixels.shape[:2]
    channels = pixels.reshape(-1, 3)
    chroma = channels.max(axis=1) - channels.min(axis=1)
    between = [(channels[:, a] - channels[:, b]).std() for a, b in ((0, 1), (1, 2), (0, 2))]
    size = [height, width, height / width, np.log(height * width), float(chroma.max() == 0)]
    spread = [chroma.mean(), chroma.std(), *np.quantile(chroma, (0.5, 0.95, 0.99))]
    moments = [*channels.mean(axis=0), *channels.std(axis=0), *between, *spread]
    return np.array([*size, *moments, (chroma == 0).mean()])
