"""Figures 6 and 7: error or score of each parameter, mean and standard deviation over the sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gmbench.evaluation.metrics import l1_of_parameters, weighted_f1_from
from gmbench.evaluation.set_table import set_tables
from gmbench.figures.style import COLOURS, PAGE, FigureError, legend_columns, light_grid, new_figure
from gmbench.predictions.predictions import Predictions
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES, N_ARCHITECTURE

Array = NDArray[np.float64]

GROUPS: Mapping[str, tuple[int, ...]] = {
    group: tuple(place for place, loss in enumerate(LOSSES) if loss.group == group)
    for group in dict.fromkeys(loss.group for loss in LOSSES)
}
"""The coarse level: the groups of losses (Table 3), with the indices of their losses."""


def architecture_scores(predictions: Mapping[str, Predictions]) -> Figure:
    """Draws the l1 of each count and the F1 of each class parameter (Figure 6).

    Args:
        predictions: Predictions by method, under the names to show in the figure.

    Raises:
        FigureError: There are no methods, or more than there are colours.
    """
    tables = {name: set_tables(one) for name, one in predictions.items()}
    counts = {
        name: np.array([l1_of_parameters(table.sums) for table in of])
        for name, of in tables.items()
    }
    classes = {
        name: np.array(
            [
                [weighted_f1_from(table.sums.confusions[head]) for head in range(len(DISCRETE))]
                for table in of
            ]
        )
        for name, of in tables.items()
    }
    with new_figure(PAGE, 2.5) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(len(CONTINUOUS), len(DISCRETE)))
        _bars(left, counts, [p.name for p in CONTINUOUS], "l1, normalised (lower is better)")
        _bars(right, classes, [p.name for p in DISCRETE], "weighted F1 (higher is better)", top=1)
        return _finished(figure, left, predictions)


def loss_scores(predictions: Mapping[str, Predictions]) -> Figure:
    """Draws the F1 of each group of losses (coarse) and of each loss (fine) (Figure 7).

    A group is used if any of its losses is.

    Args:
        predictions: Predictions by method, under the names to show in the figure.

    Raises:
        FigureError: There are no methods, or more than there are colours.
    """
    coarse = {name: coarse_f1(one) for name, one in predictions.items()}
    heads = range(len(DISCRETE), len(DISCRETE) + len(LOSSES))
    fine = {
        name: np.array(
            [
                [weighted_f1_from(table.sums.confusions[head]) for head in heads]
                for table in set_tables(one)
            ]
        )
        for name, one in predictions.items()
    }
    with new_figure(PAGE, 2.3) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(len(GROUPS), len(LOSSES)), sharey=True)
        _bars(left, coarse, list(GROUPS), "weighted F1 (higher is better)", top=1)
        _bars(right, fine, [loss.name.removeprefix("loss_") for loss in LOSSES], "", top=1)
        left.set_title("coarse")
        right.set_title("fine")
        return _finished(figure, left, predictions)


def coarse_f1(predictions: Predictions) -> Array:
    """Returns the weighted F1 of each group of losses in each set, shape (sets, groups)."""
    benchmark = predictions.benchmark
    # A loss of unknown use counts as unused: a group is used if any loss is known to be.
    truth = benchmark.known_labels[predictions.gms, N_ARCHITECTURE:] > 0
    said = predictions.values.losses >= 0.5
    rows = []
    for number in np.unique(predictions.sets):
        among = predictions.sets == number
        confusions = []
        for members in GROUPS.values():
            is_used = truth[among][:, members].any(axis=1)
            is_said = said[among][:, members].any(axis=1)
            both = np.bincount(2 * is_used + is_said, minlength=4).reshape(2, 2)
            confusions.append(weighted_f1_from(both.astype(np.float64)))
        rows.append(confusions)
    return np.array(rows, dtype=np.float64)


def _bars(
    axes: Axes, scores: Mapping[str, Array], names: Sequence[str], label: str, top: float = 0
) -> None:
    """Draws one bar per method and parameter, with the standard deviation over the sets."""
    width = 0.84 / max(len(scores), 1)
    for number, (name, of_sets) in enumerate(scores.items()):
        places = np.arange(len(names)) - 0.42 + (number + 0.5) * width
        axes.bar(
            places,
            of_sets.mean(axis=0),
            width,
            yerr=of_sets.std(axis=0) if len(of_sets) > 1 else None,
            color=COLOURS[number % len(COLOURS)],
            # A legend leaves out what begins with an underscore.
            label=f" {name}" if name.startswith("_") else name,
            error_kw={"elinewidth": 0.6, "ecolor": "#222222"},
        )
    axes.set_xticks(
        range(len(names)),
        [name.replace("_", " ") for name in names],
        rotation=35, ha="right", rotation_mode="anchor",
    )  # fmt: skip
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(label)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylim(0, 1.05 * top or None)
    light_grid(axes)


def _finished(figure: Figure, axes: Axes, predictions: Mapping[str, Predictions]) -> Figure:
    if not 0 < len(predictions) <= len(COLOURS):
        raise FigureError(
            f"The figure shows 1 to {len(COLOURS)} methods; given are {len(predictions)}."
        )
    if len(predictions) > 1:
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=legend_columns(labels))
    return figure
