"""Figure 3: t-SNE map of the labels of the GMs."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gmbench.benchmark.benchmark import Benchmark
from gmbench.figures.label_places import label_places
from gmbench.figures.style import COLOURS, KIND_MARKERS, PAGE, FigureError, new_figure
from gmbench.schema import KINDS


def label_map(benchmark: Benchmark, seed: int = 0) -> Figure:
    """Draws a map of the labels of all GMs: the architecture, the losses, and both (Figure 3).

    Colours separate GMs of faces from all others; each kind has its own marker.

    Args:
        benchmark: The benchmark.
        seed: Seed of t-SNE.

    Raises:
        FigureError: There are fewer than four GMs.
    """
    n = len(benchmark.gms)
    if n < 4:
        raise FigureError(f"{benchmark.name} has {n} GMs; t-SNE takes four or more. Add some.")
    places = label_places(benchmark, seed)
    faces = np.array([gm.content == "faces" for gm in benchmark.gms])
    kinds = np.array([gm.kind for gm in benchmark.gms])
    with new_figure(PAGE, 2.6) as figure:
        panels = zip(figure.subplots(1, 3), "abc", places.items(), strict=True)
        for axes, letter, (part, of) in panels:
            for kind in KINDS:
                for is_face, colour in ((True, COLOURS[5]), (False, COLOURS[0])):
                    chosen = (kinds == kind) & (faces == is_face)
                    axes.scatter(
                        *of[chosen].T,
                        s=14, marker=KIND_MARKERS[kind], color=colour, alpha=0.75, linewidth=0,
                    )  # fmt: skip
            axes.set_title(f"({letter}) {part}")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(True)
        handles = [
            Line2D([], [], linestyle="", marker="o", markersize=4, color=colour, label=label)
            for colour, label in ((COLOURS[5], "faces"), (COLOURS[0], "all else"))
        ]
        handles += [
            Line2D(
                [], [], linestyle="", marker=KIND_MARKERS[kind], markersize=4, color="#555555",
                label=kind,
            )
            for kind in KINDS
            if kind in kinds
        ]  # fmt: skip
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        return figure
