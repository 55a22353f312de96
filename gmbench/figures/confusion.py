"""Figure 9: confusion matrices, with weighted and with plain cross-entropy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gmbench.errors import UnknownNameError
from gmbench.evaluation.set_table import set_tables
from gmbench.figures.style import PAGE, SEQUENTIAL, FigureError, new_figure
from gmbench.predictions.predictions import Predictions
from gmbench.schema import DISCRETE, LOSSES

SHOWN: tuple[str, ...] = (
    "normalization", "block_nonlinearity", "skip_connection", "loss_adversarial",
)  # fmt: skip
"""Parameters drawn by default; the paper shows four."""

_LETTERS = 26
"""Letters of a method's name that fit beside its row."""

_HEADS = tuple(parameter.name for parameter in (*DISCRETE, *LOSSES))


def confusion_matrices(
    predictions: Mapping[str, Predictions], parameters: Sequence[str] = SHOWN
) -> Figure:
    """Draws one row of matrices per method (Figure 9): columns are true classes, as in the paper.

    Every column sums to 1; the number below a true class is its number of images.

    Args:
        predictions: Predictions by method, such as with plain and with weighted cross-entropy.
        parameters: Class parameters and losses.

    Raises:
        UnknownNameError: A parameter is neither a class parameter nor a loss.
        FigureError: There is no method or no parameter.
    """
    if not predictions or not parameters:
        raise FigureError("The figure needs a prediction file and a parameter at least.")
    for name in parameters:
        if name not in _HEADS:
            raise UnknownNameError("Class parameter", name, _HEADS, f"Take {', '.join(_HEADS)}.")
    width = min(PAGE, 0.5 + 1.7 * len(parameters))
    with new_figure(width, 0.45 + 1.75 * len(predictions)) as figure:
        grid = figure.subplots(len(predictions), len(parameters), squeeze=False)
        for row, (method, one) in zip(grid, predictions.items(), strict=True):
            tables = set_tables(one)
            for axes, name in zip(row, parameters, strict=True):
                head = _HEADS.index(name)
                counts = np.sum([table.sums.confusions[head] for table in tables], axis=0)
                names = one.benchmark.classes.get(name, ("no", "yes"))
                totals = counts.sum(axis=1)
                shares = np.divide(
                    counts, totals[:, None], out=np.full(counts.shape, np.nan),
                    where=totals[:, None] > 0,
                )  # fmt: skip
                picture = axes.imshow(shares.T, vmin=0, vmax=1, cmap=SEQUENTIAL)
                for true in range(len(names)):
                    for said in range(len(names)):
                        if totals[true]:
                            share = shares[true, said]
                            axes.text(
                                true, said, f"{share:.2f}", ha="center", va="center",
                                fontsize=5.5, color="white" if share < 0.6 else "black",
                            )  # fmt: skip
                ticks = [
                    f"{n.replace('_', chr(10))}\n{int(t):,}"
                    for n, t in zip(names, totals, strict=True)
                ]
                axes.set_xticks(range(len(names)), ticks, fontsize=5.5)
                axes.set_yticks(
                    range(len(names)), [n.replace("_", " ") for n in names], fontsize=5.5
                )
                axes.tick_params(length=0)
                axes.spines[:].set_visible(False)
                axes.set_title(name.replace("_", " "))
            lines = [*wrap(method, _LETTERS), "predicted"]
            row[0].set_ylabel("\n".join(lines), fontweight="bold")
        for axes in grid[-1]:
            axes.set_xlabel("true")
        bar = figure.colorbar(picture, ax=grid, shrink=0.6, pad=0.01)
        bar.set_label("share of the true class")
        bar.ax.yaxis.set_major_locator(MaxNLocator(5))
        return figure
