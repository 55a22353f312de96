"""Figure 8: how well the counts, classes and losses of each GM are parsed, one point per GM."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from gmbench.evaluation.breakdown import gm_results
from gmbench.evaluation.set_table import set_tables
from gmbench.figures.style import KIND_COLOURS, KIND_MARKERS, PAGE, light_grid, new_figure
from gmbench.predictions.predictions import Predictions
from gmbench.schema import KINDS

_NAMED = 3


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
            for place in np.argsort(-errors)[:_NAMED]:
                axes.annotate(
                    found[place].gm, (errors[place], right[place]), (-3, 3),
                    textcoords="offset points", ha="right", fontsize=5.5, color="#333333",
                )  # fmt: skip
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
        return figure


def _correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    if len(first) < 3 or first.std() == 0 or second.std() == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])
