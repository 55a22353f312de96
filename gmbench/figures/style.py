"""Style of all figures: widths of a paper's columns, colours that are safe for colour blindness.

Figures are made without pyplot, so nothing is displayed and no global state is kept or changed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gmbench.errors import GmbenchError
from gmbench.files import check_ending, write_whole
from gmbench.schema import KINDS

COLUMN = 3.5
"""Width of a column in inches, as in the journal of the paper."""

PAGE = 7.16
"""Width of two columns and the gap between them, in inches."""

COLOURS: tuple[str, ...] = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#555555",
)  # fmt: skip
"""Colours of Okabe and Ito, Color Universal Design (2008), with grey in place of black."""

MARKERS: tuple[str, ...] = ("o", "s", "^", "D", "v", "P", "X")

KIND_COLOURS = dict(zip(KINDS, COLOURS, strict=False))
KIND_MARKERS = dict(zip(KINDS, MARKERS, strict=False))

SEQUENTIAL = "cividis"
"""Colour map of sequential data, with evenly increasing lightness."""

ENDINGS: tuple[str, ...] = (".png", ".svg", ".pdf")

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.0,
    "hatch.linewidth": 0.5,
    "savefig.dpi": 300,
    # Names of files and GMs are not formulas, whatever signs they have.
    "text.parse_math": False,
    # Text stays text, and repeated runs give identical files.
    "svg.fonttype": "none",
    "svg.hashsalt": "gmbench",
    "pdf.fonttype": 42,
}


class FigureError(GmbenchError):
    """Raised when a figure cannot be drawn from its input."""


@contextmanager
def new_figure(width: float, height: float) -> Iterator[Figure]:
    """Yields an empty figure to draw on in the common style.

    Args:
        width: Width in inches.
        height: Height in inches.
    """
    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


def legend_columns(labels: Sequence[str]) -> int:
    """Returns how many entries of a legend fit side by side on a page's width."""
    # In inches: marker and gaps, then letters of the legend's size.
    widest = 0.45 + 0.058 * max(map(len, labels))
    return min(len(labels), max(1, int(PAGE / widest)))


def light_grid(axes: Axes, axis: str = "y") -> None:
    """Draws thin lines at the ticks of an axis, behind everything else."""
    axes.grid(axis=axis, linewidth=0.4, color="#d9d9d9")  # type: ignore[arg-type]


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a figure in the format of the suffix: .png, .svg or .pdf.

    Args:
        figure: The figure.
        path: The file.

    Raises:
        WriteError: The suffix is not supported, or the file cannot be written.
    """
    check_ending(path, *ENDINGS)
    form, made = path.suffix[1:].lower(), io.BytesIO()
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form, {})
    with mpl.rc_context(_STYLE):
        figure.savefig(made, format=form, metadata=undated)
    write_whole(path, made.getvalue())
