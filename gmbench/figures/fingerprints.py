"""Figure 10: the fingerprint and its spectrum for each GM, averaged over some of its images."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gmbench.figures.style import PAGE, SEQUENTIAL, FigureError, new_figure

_SIDE_BY_SIDE = 8
"""GMs per row."""

_GAP, _TITLE = 0.06, 0.3
"""Space between pictures and above them, in units of a picture's side."""

Picture = NDArray[np.floating]


def fingerprint_spectra(fingerprints: Mapping[str, NDArray[np.float32]]) -> Figure:
    """Draws the mean fingerprint and the mean spectrum of each GM (Figure 10).

    The fingerprint is drawn as the mean of its channels, the spectrum as the logarithm of the mean
    amplitude with low frequencies in the centre; both range from their 1st to their 99th
    percentile.

    Args:
        fingerprints: Fingerprints by GM, each of shape (images, views, channels, size, size).

    Raises:
        FigureError: There is no GM.
    """
    if not fingerprints:
        raise FigureError("The figure needs the fingerprints of one GM at least.")
    columns = min(_SIDE_BY_SIDE, len(fingerprints))
    rows = -(-len(fingerprints) // columns)
    wide, high = 2 + 2 * _GAP, 1 + _TITLE
    width = PAGE * max(columns, 2) / _SIDE_BY_SIDE
    with new_figure(width, width * rows * high / (columns * wide)) as figure:
        figure.set_layout_engine("none")
        # All pictures share one axes: one per picture would take ten times as long to draw.
        axes = figure.add_axes((0, 0, 1, 1))
        for number, (gm, of_images) in enumerate(fingerprints.items()):
            row, column = divmod(number, columns)
            left, top = column * wide, row * high + _TITLE
            mean = of_images.mean(axis=(0, 1, 2))
            spectrum = np.log(mean_spectrum(of_images) + 1e-12)
            for place, picture, colours in (
                (left, mean, "gray"),
                (left + 1 + _GAP / 2, spectrum, SEQUENTIAL),
            ):
                axes.imshow(
                    _coloured(picture, colours),
                    extent=(place, place + 1, top + 1, top),
                    interpolation="nearest",
                )
            axes.text(left, top - 0.06, gm.replace("_", " "), fontsize=4, va="bottom")
        axes.set_xlim(0, columns * wide)
        axes.set_ylim(rows * high, 0)
        axes.set_axis_off()
        return figure


def mean_spectrum(fingerprints: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the mean amplitude over images, views and channels, low frequencies in the centre.

    Args:
        fingerprints: Fingerprints of shape (images, views, channels, size, size).
    """
    amplitude = np.abs(np.fft.fft2(fingerprints.astype(np.float64)))
    return np.asarray(np.fft.fftshift(amplitude.mean(axis=(0, 1, 2))))


def _coloured(picture: Picture, colours: str) -> NDArray[np.uint8]:
    low, high = np.percentile(picture, [1, 99])
    shown = (picture - low) / max(high - low, 1e-12)
    return np.asarray(mpl.colormaps[colours](shown.clip(0, 1), bytes=True))
