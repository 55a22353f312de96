"""Hand-crafted features of images: a generator's traces in the noise and in the pixel values.

Up-sampling layers leave periodic traces in the spectrum of the noise residual (Zhang, Karaman and
Chang 2019; Wang et al. 2020); output non-linearities and losses show in sharpness and in the
distribution of pixel values. Image size and colour are kept apart, after the others: they reveal
the dataset that a GM was trained on, not its architecture. Where published GMs of one architecture
share their data, that is a clue nonetheless.

Images of one size are processed together, and whatever is an integer is counted as one: grey
values, and nine times the residual, which is a pixel minus the mean of the nine around it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, rfft2

from gmbench.data.rgb import Pixels

Array = NDArray[np.float64]
Whole = NDArray[np.integer]

BLOCK = 32
"""Side of the blocks whose spectra are averaged, in pixels."""

MOST_BLOCKS = 16
"""Most blocks of an image that are used, spread evenly over it."""

VERSION = 1
"""Changes whenever the features of an image change."""

N_SPECTRAL = BLOCK * (BLOCK // 2 + 1) + 64 + 16 + 30
"""Number of features of an image other than its size and colours; they come first."""

N_FEATURES = N_SPECTRAL + 20
"""Total number of features of an image."""

_EPSILON = 1e-8
_PIXELS_AT_ONCE = 2**14
_WHOLE = 9 * 255
"""A residual of 1 as an integer."""


def features_of(images: Pixels) -> Array:
    """Returns the features of the RGB pixels of images of one size.

    Args:
        images: Shape (images, height, width, 3).

    Returns:
        Shape (images, `N_FEATURES`): first `N_SPECTRAL` of them, then size and colours.
    """
    grey = luminance_blocks(images)
    blocks, whole = grey / 255, _residual(grey)
    residual, counts = whole / _WHOLE, _counts(grey, 256)
    power = np.abs(rfft2(residual)) ** 2
    # Relative to the residual's energy, so that the spectrum's shape is independent of its scale.
    mean = power.mean(axis=(1, 2, 3))[:, None, None]
    spectrum = np.log(power.mean(axis=1) / (mean + _EPSILON) + _EPSILON)
    # The block transform of JPEG, which also reveals the traces of a patch decoder.
    patches = blocks.reshape(len(images), -1, BLOCK // 8, 8, BLOCK // 8, 8)
    cosine = np.log(np.abs(dctn(patches, axes=(3, 5))).mean(axis=(1, 2, 4)) + _EPSILON)
    parts = [
        spectrum,
        cosine,
        _radial(spectrum),
        _quantiles(counts, (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)) / 255,
        _quantiles(_counts(np.abs(whole), _WHOLE), (0.25, 0.5, 0.75, 0.9, 0.95, 0.99)) / _WHOLE,
        _noise(residual),
        _flatness(grey, counts),
        _size_and_colour(images),
    ]
    return np.hstack([part.reshape(len(images), -1) for part in parts])


def luminance_blocks(images: Pixels) -> NDArray[np.int32]:
    """Returns square blocks of the images' luminance, 0 to 255, as Pillow computes it.

    Blocks are cut at native resolution, because resizing smears the traces of interest. An image
    smaller than a block is mirrored at its edges.

    Args:
        images: Shape (images, height, width, 3).

    Returns:
        Shape (images, blocks, 32, 32).
    """
    lacking = [(0, max(0, BLOCK - side)) for side in images.shape[1:3]]
    images = np.pad(images, [(0, 0), *lacking, (0, 0)], mode="symmetric")
    n, rows, columns = len(images), images.shape[1] // BLOCK, images.shape[2] // BLOCK
    chosen = np.linspace(0, rows * columns - 1, min(rows * columns, MOST_BLOCKS)).astype(int)
    grid = images[:, : rows * BLOCK, : columns * BLOCK].reshape(n, rows, BLOCK, columns, BLOCK, 3)
    tiles = grid[:, chosen // columns, :, chosen % columns].swapaxes(0, 1).astype(np.int32)
    grey = (tiles @ np.array([19595, 38470, 7471], np.int32) + 0x8000) >> 16
    return np.asarray(grey)


def _residual(grey: NDArray[np.int32]) -> NDArray[np.int32]:
    """Returns nine times the residual of a 3 x 3 mean of each block, mirrored at its edges."""
    padded = np.pad(grey, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="symmetric")
    rows = padded[:, :, :-2] + padded[:, :, 1:-1] + padded[:, :, 2:]
    return np.asarray(9 * grey - (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]))


def _radial(spectra: Array) -> Array:
    """Returns the means of spectra over rings of equal frequency, shape (images, 16)."""
    vertical = np.abs(np.fft.fftfreq(BLOCK) * BLOCK)[:, None]
    horizontal = np.arange(spectra.shape[2])[None, :]
    ring = np.minimum(np.hypot(vertical, horizontal).astype(int), 15).ravel()
    within = np.equal.outer(ring, np.arange(16)) / np.bincount(ring)
    return np.asarray(spectra.reshape(len(spectra), -1) @ within)


def _quantiles(counts: Whole, shares: Sequence[float]) -> Array:
    """Returns the quantiles of each image's integers from their counts, shape (images, shares)."""
    reached = counts.cumsum(axis=1)
    place = np.asarray(shares) * (reached[0, -1] - 1)
    below = place.astype(int)
    above = np.minimum(below + 1, reached[0, -1] - 1)
    # The value at a place, counted from 0, is the first whose cumulative count exceeds that place.
    low, high = (
        np.array([np.searchsorted(row, places, side="right") for row in reached])
        for places in (below, above)
    )
    return np.asarray(low + (place - below) * (high - low))


def _counts(whole: Whole, number: int) -> NDArray[np.int64]:
    """Counts each integer below `number` in each image, shape (images, number)."""
    return np.stack([np.bincount(one.ravel(), minlength=number) for one in whole])


def _noise(residual: Array) -> Array:
    """Returns moments and autocorrelations of the residual, shape (images, 11)."""
    squares = residual**2
    # Its mean is 0: with mirrored edges, every pixel has the same total weight in all means.
    variance = squares.mean(axis=(1, 2, 3))
    deviation = np.sqrt(variance) + _EPSILON
    third, fourth = _products(squares, residual), _products(squares, squares)
    # Shifted down and to the right, by one to four pixels.
    shifted = [(residual[:, :, n:], residual[:, :, :-n]) for n in (1, 2, 3, 4)]
    shifted += [(residual[..., n:], residual[..., :-n]) for n in (1, 2, 3, 4)]
    neighbours = [_products(*pair) / (variance + _EPSILON) for pair in shifted]
    return np.column_stack([deviation, third / deviation**3, fourth / deviation**4, *neighbours])


def _products(one: Array, other: Array) -> Array:
    """Returns the mean product of two arrays for each image, shape (images,)."""
    return np.asarray(np.einsum("nbij,nbij->n", one, other) / one[0].size)


def _flatness(grey: Whole, counts: Whole) -> Array:
    """Returns shares of black, white, most common, used and repeated values, shape (images, 6)."""
    shares = counts / grey[0].size
    repeated = [(np.diff(grey, axis=axis) == 0).mean(axis=(1, 2, 3)) for axis in (2, 3)]
    return np.column_stack(
        [shares[:, 0], shares[:, 255], shares.max(axis=1), (shares > 0).mean(axis=1), *repeated]
    )


def _size_and_colour(images: Pixels) -> Array:
    """Returns size, greyness, and moments of red, green, blue and chroma, shape (images, 20)."""
    n, height, width = images.shape[:3]
    planes = np.ascontiguousarray(np.moveaxis(images.reshape(n, -1, 3), 2, 0))
    red, green, blue = planes
    chroma = np.maximum(np.maximum(red, green), blue)
    chroma -= np.minimum(np.minimum(red, green), blue)
    counts = _counts(chroma, 256)
    colours = np.array([_colour_moments(one) for one in planes.swapaxes(0, 1)]).T
    steps, n_pixels = np.arange(256), height * width
    mean = counts @ steps / n_pixels
    spread = np.sqrt((counts * (steps - mean[:, None]) ** 2).sum(axis=1) / n_pixels)
    quantiles = _quantiles(counts, (0.5, 0.95, 0.99)).T
    moments = [*colours, mean, spread, *quantiles]
    size = np.tile([height, width, height / width, np.log(n_pixels)], (n, 1))
    grey = counts[:, 0] / n_pixels
    return np.column_stack([size, grey == 1, np.column_stack(moments) / 255, grey])


def _colour_moments(planes: Pixels) -> list[float]:
    """Returns the means of red, green and blue, and deviations of these and their differences.

    All sums are integers, and exact: for 67 million pixels, none exceeds 2**53.
    """
    n = planes.shape[1]
    products = np.zeros((3, 3))
    for first in range(0, n, _PIXELS_AT_ONCE):
        part = planes[:, first : first + _PIXELS_AT_ONCE].astype(float)
        products += part @ part.T
    sums = [int(one) for one in planes.sum(axis=1, dtype=np.int64)]
    squares = [int(one) for one in products.diagonal()]
    pairs = ((0, 1), (1, 2), (0, 2))
    of_differences = [
        (squares[a] + squares[b] - 2 * int(products[a, b]), sums[a] - sums[b]) for a, b in pairs
    ]
    both = [*zip(squares, sums, strict=True), *of_differences]
    return [*(one / n for one in sums), *(math.sqrt(n * sq - one**2) / n for sq, one in both)]
