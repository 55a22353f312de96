"""Draws the pictures of docs/parser.md into docs/images.

Run as `python docs/parser_figures.py`.
"""

from __future__ import annotations

import json

import numpy as np
from parser_tables import CONFIG, ROBUSTNESS, ROOT

from gmbench.figures.style import COLOURS, PAGE, new_figure, save_figure
from gmbench.parsing.train import METRICS

IMAGES = ROOT / "docs" / "images"


def calibration() -> None:
    """Draws how often predictions are right, by their confidence."""
    accuracy = json.loads(CONFIG.read_text(encoding="utf-8"))["trained_on"]["accuracy"]
    with new_figure(PAGE, 2.6) as figure:
        for place, (kind, title) in enumerate((("classes", "Classes"), ("losses", "Losses"))):
            axes = figure.add_subplot(1, 2, place + 1)
            axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.6, linestyle="--")
            for colour, domain in zip(COLOURS, ("published", "replicas"), strict=False):
                for level, style in (("calibration", "-"), ("calibration_gm", ":")):
                    curve = np.array(accuracy[domain][level][kind]["curve"])
                    told = curve[curve[:, 2] >= 0.01]
                    name = "an image" if level == "calibration" else "all images of a model"
                    axes.plot(
                        told[:, 0], told[:, 1], style, marker="o", markersize=3, color=colour,
                        label=f"{domain}, {name}",
                    )  # fmt: skip
            axes.set(
                title=title, xlabel="confidence in what is named", xlim=(0.2, 1), ylim=(0.2, 1)
            )
        figure.axes[0].set_ylabel("share that is right, models left out")
        figure.axes[1].legend(loc="lower right")
    save_figure(figure, IMAGES / "parser_calibration.png")


def robustness() -> None:
    """Draws what becomes of the scores when images are saved again or changed."""
    found = json.loads(ROBUSTNESS.read_text(encoding="utf-8"))
    told = (("scores", "learned from copies too"), ("without_copies", "without copies"))
    with new_figure(PAGE, 3.2) as figure:
        for place, (metric, title) in enumerate(METRICS.items()):
            axes = figure.add_subplot(1, 3, place + 1)
            for shift, colour, (key, name) in zip((0.15, -0.15), COLOURS, told, strict=False):
                values = np.array([one[metric] for one in found[key].values()])
                rows = np.arange(len(values))[::-1]
                ends = np.abs(values[:, 1:] - values[:, :1]).T
                axes.errorbar(
                    values[:, 0], rows + shift, xerr=ends, fmt="o", markersize=3, color=colour,
                    label=name,
                )  # fmt: skip
            names = list(found["scores"]) if not place else []
            axes.set(title=title, yticks=rows, yticklabels=names)
        handles = figure.axes[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=2)
    save_figure(figure, IMAGES / "parser_robustness.png")


if __name__ == "__main__":
    calibration()
    robustness()
