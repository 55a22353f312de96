"""Further hand-crafted features of images: which neighbouring residuals and pixel values co-occur.

Spectra tell how strong a residual is at each frequency; these features tell which values co-occur.
Quantised residuals of neighbouring pixels are counted in pairs (Fridrich and Kodovsky 2012, "rich
models"), pixels by the order of their neighbours (local binary patterns; Ojala, Pietikäinen and
Mäenpää 2002), and values near black and white, where output non-linearities differ, one by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gmbench.data.rgb import Pixels
from gmbench.training.spectral_features import luminance_blocks

Array = NDArray[np.float64]
Whole = NDArray[np.integer]

VERSION = 1
"""Changes whenever the features of an image change."""

STEPS = ((1, 4, 16), (1, 6), (2, 12))
"""Quantisation steps of differences, second differences and Laplacians, in grey values."""

FARTHEST = 2
"""Residuals are clipped to this many steps from 0."""

EDGES = (1, 2, 3, 4, 6, 10, 18, 34, 66, 128, 190, 222, 238, 246, 250, 252, 253, 254, 255)
"""Lower edges of the bins of pixel values after the first, which starts at 0."""

_LEVELS = 2 * FARTHEST + 1
_LARGEST = 4 * 255
_LEVEL_OF = {
    step: (
        np.clip(np.rint(np.arange(-_LARGEST, _LARGEST + 1) / step), -FARTHEST, FARTHEST) + FARTHEST
    ).astype(np.uint8)
    for step in {step for steps in STEPS for step in steps}
}
"""For each step, the level of each residual from the least possible on; it saves divisions."""

_PAIRS = [
    (one, other)
    for one in range(_LEVELS)
    for other in range(one, _LEVELS)
    if (one, other) <= tuple(sorted((_LEVELS - 1 - one, _LEVELS - 1 - other)))
]
"""One of every four pairs of levels that are equal up to their order and their sign."""

_MANY = 2**11
"""Number of values per image above which it is faster to count each image separately."""

_RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))

N_RESIDUAL = 2 * 3 * len(_PAIRS) * sum(map(len, STEPS)) + 2 * (10 + 9) + len(EDGES) + 1 + 9 + 2
"""Number of these features per image."""


def residual_features_of(images: Pixels) -> Array:
    """Returns these features of the RGB pixels of images of one size.

    Args:
        images: Shape (images, height, width, 3).

    Returns:
        Shape (images, `N_RESIDUAL`).
    """
    grey = luminance_blocks(images)
    return np.hstack([_co_occurrences(grey), *(_patterns(grey, n) for n in (1, 2)), _ends(images)])


def _co_occurrences(grey: Whole) -> Array:
    """Returns pair features of residuals: mean of across and down, and half their difference."""
    across, down = (
        np.hstack([_pairs(residual, step) for residual, step in _residuals(plane)])
        for plane in (grey, grey.swapaxes(2, 3))
    )
    return np.hstack([(across + down) / 2, (across - down) / 2])


def _residuals(grey: Whole) -> list[tuple[Whole, int]]:
    """Returns residuals along rows, each with a quantisation step."""
    inner = grey[:, :, 1:-1, 1:-1]
    beside = grey[:, :, :-2, 1:-1] + grey[:, :, 2:, 1:-1]
    laplacian = 4 * inner - beside - grey[:, :, 1:-1, :-2] - grey[:, :, 1:-1, 2:]
    kinds = (np.diff(grey, axis=3), np.diff(grey, n=2, axis=3), laplacian)
    return [
        (residual, step) for residual, steps in zip(kinds, STEPS, strict=True) for step in steps
    ]


def _pairs(residual: Whole, step: int) -> Array:
    """Returns root shares of pairs at offsets (0, 1), (1, 0), (0, 2), shape (images, 3 * pairs)."""
    levels = np.take(_LEVEL_OF[step], residual + _LARGEST, mode="clip")
    met = (
        (levels[..., :-1], levels[..., 1:]),
        (levels[:, :, :-1], levels[:, :, 1:]),
        (levels[..., :-2], levels[..., 2:]),
    )
    one, other = np.transpose(_PAIRS)
    found = []
    for first, second in met:
        table = _shares(first * np.uint8(_LEVELS) + second, _LEVELS**2).reshape(
            -1, _LEVELS, _LEVELS
        )
        table = table + table[:, ::-1, ::-1]
        found.append(np.sqrt((table + table.swapaxes(1, 2))[:, one, other]))
    return np.hstack(found)


def _patterns(grey: Whole, radius: int) -> Array:
    """Returns root shares of local binary patterns, and of pixels by number of equal neighbours.

    A pattern is the number of the eight neighbours that are no darker if these are contiguous on
    the ring, and 9 otherwise.
    """
    side = grey.shape[2] - 2 * radius
    centre = grey[:, :, radius:-radius, radius:-radius]
    ring = np.stack(
        [
            grey[:, :, radius * (1 + down) :, radius * (1 + right) :][:, :, :side, :side]
            for down, right in _RING
        ]
    )
    above = ring >= centre
    changes = (above != np.roll(above, 1, axis=0)).sum(axis=0)
    pattern = np.where(changes <= 2, above.sum(axis=0), 9)
    equal = (ring == centre).sum(axis=0)
    return np.sqrt(np.hstack([_shares(pattern, 10), _shares(equal, 9)]))


def _ends(images: Pixels) -> Array:
    """Returns the distribution of pixel values, finer near black and white, shape (images, 31)."""
    channels = [_shares(images[..., channel], 256) for channel in range(3)]
    there = np.stack([shares > 0 for shares in channels], axis=1)
    mean = np.mean(channels, axis=0)
    # Stretched values, and values from few levels, leave gaps in the histogram.
    rough = np.abs(np.diff(mean, n=2, axis=1)).sum(axis=1)
    odd = mean[:, 1::2].sum(axis=1) - mean[:, ::2].sum(axis=1)
    return np.column_stack(
        [
            np.sqrt(np.add.reduceat(mean, (0, *EDGES), axis=1)),
            there.argmax(axis=2) / 255,  # The smallest value present, and the largest.
            (255 - there[..., ::-1].argmax(axis=2)) / 255,
            there.mean(axis=2),
            rough,
            odd,
        ]
    )


def _shares(values: Whole, number: int) -> Array:
    """Returns the share of each integer below `number` in each image, shape (images, number)."""
    if values[0].size > _MANY:
        counts = np.stack([np.bincount(one.ravel(), minlength=number) for one in values])
    else:  # Small images are counted together.
        flat = values.reshape(len(values), -1)
        numbered = flat + number * np.arange(len(flat))[:, None]
        counts = np.bincount(numbered.ravel(), minlength=number * len(flat)).reshape(-1, number)
    return np.asarray(counts / values[0].size)
