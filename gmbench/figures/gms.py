"""Figure 8: how well the counts, classes and losses of each GM are parsed, one point per GM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from gmbench.evaluation.breakdown import gm_results
from gmbench.evaluation.set_table import set_tables
from gmbench.figures.style import KIND_COLOURS, KIND_MARKERS, PAGE, light_grid, new_figure
from gmbench.predictions.predictions import Predictions
from gmbench.schema import KINDS

_NAMED = 3

_BESIDE: tuple[tuple[float, float, Literal["left", "center", "right"]], ...] = tuple(
    place for y in (3, -8, 9, -14) for place in ((-3, y, "right"), (0, y, "center"), (3, y, "left"))
)
"""Where a name may be written: points to the right of what it names, above it, and alignment."""


def gm_scores(predictions: Predictions) -> Figure:
    """Draws the l1 of every test GM against the share of its classes and losses that are correct.

    The paper uses F1 scores; for one GM, whose truth is a single class, the share that is correct
    says the same. The dotted lines mark the paper's thresholds of practical use: l1 below 0.1, 90%
    correct.

    Args:
        predictions: Predictions of a method.
    """
    found = list(gm_results(set_tables(predictions), predictions.benchmark).values())
    errors = np.array([one.l1 for one in found])
    with new_figure(PAGE, 2.9) as figure:
        panels = (
            ("arch_accuracy", "architecture classes right"),
            ("loss_accuracy", "losses right"),
        )
        for axes, (score, label) in zip(
            figure.subplots(1, 2, sharex=True, sharey=True), panels, strict=True
        ):
            right = np.array([getattr(one, score) for one in found])
            for kind in KINDS:
                chosen = np.array([one.kind == kind for one in found])
                if chosen.any():
                    axes.scatter(
                        errors[chosen], right[chosen], s=16, marker=KIND_MARKERS[kind],
                        color=KIND_COLOURS[kind], label=kind, alpha=0.85, linewidth=0,
                    )  # fmt: skip
            axes.axvline(0.1, color="#555555", linewidth=0.6, linestyle=":")
            axes.axhline(0.9, color="#555555", linewidth=0.6, linestyle=":")
            correlation = _correlation(errors, right)
            axes.set_title(
                label if correlation is None else f"{label} (correlation {correlation:.2f})"
            )
            axes.set_xlabel("l1 of the counts, normalised")
            light_grid(axes, "both")
        axes.set_xlim(left=0)
        axes.set_ylim(0, 1.08)
        figure.supylabel("share", fontsize=7)
        figure.legend(
            *axes.get_legend_handles_labels(), loc="outside upper center", ncols=len(KINDS)
        )
        figure.draw_without_rendering()  # Now it is known what lies where.
        worst = np.argsort(-errors)[:_NAMED].tolist()
        for axes, (score, _) in zip(figure.axes, panels, strict=True):
            shares = np.array([getattr(one, score) for one in found])
            points = np.column_stack([errors, shares])
            _write_names(axes, points, {place: found[place].gm for place in worst})
        return figure


def _write_names(axes: Axes, points: np.ndarray, names: Mapping[int, str]) -> None:
    """Writes names beside some of the points, where they cover the fewest points and names."""
    shown, taken = axes.transData.transform(points), list[Bbox]()
    for place, name in names.items():
        texts = [
            axes.annotate(
                name, points[place], (x, y), textcoords="offset points", ha=side, fontsize=5.5,
                color="#333333", in_layout=False,
            )
            for x, y, side in _BESIDE
        ]  # fmt: skip
        boxes = [text.get_window_extent().padded(2) for text in texts]
        covered = [
            box.count_contains(shown)
            + box.count_overlaps(taken)
            + len(points) * (not axes.bbox.containsx(box.x0) or not axes.bbox.containsx(box.x1))
            for box in boxes
        ]
        best = int(np.argmin(covered))
        taken.append(boxes[best])
        for text in texts[:best] + texts[best + 1 :]:
            text.remove()


def _correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    if len(first) < 3 or first.std() == 0 or second.std() == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])
