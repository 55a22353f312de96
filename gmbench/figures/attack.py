"""Figure 12: which categories of pairs the coordinated attack gets wrong."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from gmbench.applications.attack_result import SAME_CONTENT, AttackResult
from gmbench.figures.style import COLOURS, PAGE, light_grid, new_figure

_HATCHES = ("", "///", "...", "xxx")


def attack_categories(result: AttackResult) -> Figure:
    """Draws the pairs that are misjudged, by category and similarity (Figure 12).

    Left: the category's share of all misjudged pairs. Right: the share of the category's pairs that
    are misjudged, with its 95% interval.

    Args:
        result: Result of `gmbench attack`.
    """
    methods = [one for name, one in result.methods.items() if name != SAME_CONTENT]
    names = list(result.n_pairs)
    width = 0.8 / len(methods)
    with new_figure(PAGE, 2.5) as figure:
        left, right = figure.subplots(1, 2)
        for number, one in enumerate(methods):
            places = np.arange(len(names)) - 0.4 + (number + 0.5) * width
            look = {
                "color": COLOURS[number], "hatch": _HATCHES[number % len(_HATCHES)],
                "edgecolor": "white", "linewidth": 0.3,
            }  # fmt: skip
            categories = [one.categories[name] for name in names]
            shares = [category.share_of_wrong or 0.0 for category in categories]
            left.bar(places, shares, width, label=one.name, **look)  # type: ignore[arg-type]
            wrong = np.array([category.wrong.value or 0.0 for category in categories])
            ends = np.array(
                [
                    category.wrong.ci or (value, value)
                    for category, value in zip(categories, wrong, strict=True)
                ]
            )
            reach = np.abs(np.stack([wrong - ends[:, 0], ends[:, 1] - wrong]))
            right.bar(
                places, wrong, width, yerr=reach, error_kw={"elinewidth": 0.6}, **look,  # type: ignore[arg-type]
            )  # fmt: skip
        left.set_ylabel("share of all pairs judged wrongly")
        right.set_ylabel("share of the category judged wrongly")
        for axes in (left, right):
            labels = [name.replace("_", " ") for name in names]
            axes.set_xticks(
                range(len(names)), labels, rotation=20, ha="right", rotation_mode="anchor"
            )
            axes.tick_params(axis="x", length=0)
            light_grid(axes)
        figure.legend(
            *left.get_legend_handles_labels(), loc="outside upper center", ncols=len(methods)
        )
        return figure
