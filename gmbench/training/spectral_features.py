"""Hand-made features of an image: what a generator leaves in its noise and in its pixel values.

Up-sampling layers leave periodic traces that stand in the spectrum of the noise residual (Zhang,
Karaman and Chang 2019; Wang et al. 2020); output non-linearities and losses show in sharpness and
in how pixel values are spread. Image size and colour are left out: they tell the data set that a
GM was trained on, not how it is built.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn, rfft2
from scipy.ndimage import uniform_filter

from gmbench.data.rgb import Pixels

Array = NDArray[np.float64]

BLOCK = 32
"""Side of the blocks whose spectra are averaged, in pixels."""

MOST_BLOCKS = 16
"""Blocks of a large image that are looked at, spread evenly over it."""

_EPSILON = 1e-8


def features_of(pixels: Pixels) -> Array:
    """Returns the features of an image's RGB pixels, shape (`N_FEATURES`,)."""
    blocks = luminance_blocks(pixels)
    residual = blocks - uniform_filter(blocks, size=(0, 3, 3), mode="reflect")
    power = np.abs(rfft2(residual)) ** 2
    # Relative to the residual's energy, so that the spectrum's shape is not its size.
    spectrum = np.log(power.mean(axis=0) / (power.mean() + _EPSILON) + _EPSILON)
    # The block transform of JPEG, which also shows what a decoder of patches leaves.
    patches = blocks.reshape(-1, BLOCK // 8, 8, BLOCK // 8, 8)
    cosine = np.log(np.abs(dctn(patches, axes=(2, 4))).mean(axis=(0, 1, 3)) + _EPSILON)
    return np.concatenate(
        [spectrum.ravel(), cosine.ravel(), _radial(spectrum), _pixel_statistics(blocks, residual)]
    )


def features_with_size_and_colour(pixels: Pixels) -> Array:
    """Returns the same features and 20 more: the size of an image, and how it is coloured.

    They tell less how a GM is built than which data it was trained on. Where published GMs of one
    architecture share their data, that is a clue all the same.
    """
    return np.concatenate([features_of(pixels), _size_and_colour(pixels / 255)])


def _size_and_colour(pixels: Array) -> Array:
    """Height, width, grey or not, and moments of red, green, blue, chroma; shape (20,)."""
    height, width = pixels.shape[:2]
    channels = pixels.reshape(-1, 3)
    chroma = channels.max(axis=1) - channels.min(axis=1)
    between = [
        (channels[:, one] - channels[:, other]).std() for one, other in ((0, 1), (1, 2), (0, 2))
    ]
    size = [height, width, height / width, np.log(height * width), float(chroma.max() == 0)]
    spread = [chroma.mean(), chroma.std(), *np.quantile(chroma, (0.5, 0.95, 0.99))]
    return np.array([*size, *channels.mean(axis=0), *channels.std(axis=0), *between, *spread,
                     (chroma == 0).mean()])  # fmt: skip


def luminance_blocks(pixels: Pixels) -> Array:
    """Returns square blocks of an image's luminance in [0, 1], shape (blocks, 32, 32).

    Blocks are cut at native resolution, because resizing smears what they are looked at for. An
    image smaller than a block is mirrored at its edges.
    """
    grey = np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float64) / 255
    lacking = [(0, max(0, BLOCK - side)) for side in grey.shape]
    grey = np.pad(grey, lacking, mode="symmetric")
    rows, columns = (side // BLOCK for side in grey.shape)
    grid = grey[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    tiles = grid.swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)
    chosen = np.linspace(0, len(tiles) - 1, min(len(tiles), MOST_BLOCKS)).astype(int)
    return np.asarray(tiles[chosen])


def _radial(spectrum: Array) -> Array:
    """Means of a spectrum over rings of equal frequency, shape (16,)."""
    vertical = np.abs(np.fft.fftfreq(BLOCK) * BLOCK)[:, None]
    horizontal = np.arange(spectrum.shape[1])[None, :]
    ring = np.minimum(np.hypot(vertical, horizontal).astype(int), 15)
    sums = np.bincount(ring.ravel(), weights=spectrum.ravel(), minlength=16)
    return np.asarray(sums / np.bincount(ring.ravel(), minlength=16))


def _pixel_statistics(blocks: Array, residual: Array) -> Array:
    """How pixel values and the residual are spread, shape (30,)."""
    levels = np.rint(blocks * 255).astype(int).ravel()
    histogram = np.bincount(levels, minlength=256) / len(levels)
    spread = [np.quantile(blocks, q) for q in (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)]
    noise = [np.quantile(np.abs(residual), q) for q in (0.25, 0.5, 0.75, 0.9, 0.95, 0.99)]
    deviation = residual.std() + _EPSILON
    moments = [
        deviation,
        ((residual / deviation) ** 3).mean(),
        ((residual / deviation) ** 4).mean(),
    ]
    neighbours = [_correlation(residual, axis, step) for axis in (1, 2) for step in (1, 2, 3, 4)]
    flat = [
        histogram[0], histogram[255], histogram.max(), (histogram > 0).mean(),
        (np.abs(np.diff(blocks, axis=1)) < 1 / 510).mean(),
        (np.abs(np.diff(blocks, axis=2)) < 1 / 510).mean(),
    ]  # fmt: skip
    return np.array([*spread, *noise, *moments, *neighbours, *flat])


def _correlation(residual: Array, axis: int, step: int) -> float:
    """Correlation of the residual with itself, `step` pixels further along an axis."""
    length = residual.shape[axis]
    first = np.take(residual, range(length - step), axis=axis)
    second = np.take(residual, range(step, length), axis=axis)
    return float((first * second).mean() / (residual.var() + _EPSILON))


N_FEATURES = BLOCK * (BLOCK // 2 + 1) + 64 + 16 + 30
"""Number of features of an image."""
