"""Figure 3: where the labels of the GMs lie, by t-SNE."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gmbench.benchmark.benchmark import Benchmark
from gmbench.figures.style import COLOURS, KIND_MARKERS, PAGE, FigureError, new_figure
from gmbench.models.clusters import label_vectors
from gmbench.models.targets import TrainingTargets
from gmbench.schema import KINDS, N_LOSSES

_PERPLEXITY = 20.0


def label_map(benchmark: Benchmark, seed: int = 0) -> Figure:
    """Draws the labels of all GMs: the architecture, the losses, and both (Figure 3).

    Counts are normalised and classes are ones among zeros, as where GMs are clustered (equation 6).
    GMs of faces have another colour than all else, each kind has its mark.

    Args:
        benchmark: Whose labels.
        seed: Seed of t-SNE.

    Raises:
        FigureError: There are fewer than four GMs.
    """
    from sklearn.manifold import TSNE

    n = len(benchmark.gms)
    if n < 4:
        raise FigureError(f"{benchmark.name} has {n} GMs; t-SNE takes four or more.")
    vectors = label_vectors(TrainingTargets.of(benchmark, benchmark.index))
    # The last two columns of each loss, no and yes, are those of the losses.
    n_of_losses = 2 * N_LOSSES
    parts = {
        "(a) architecture": vectors[:, :-n_of_losses],
        "(b) losses": vectors[:, -n_of_losses:],
        "(c) both": vectors,
    }
    faces = np.array([gm.content == "faces" for gm in benchmark.gms])
    kinds = np.array([gm.kind for gm in benchmark.gms])
    with new_figure(PAGE, 2.6) as figure:
        for axes, (title, part) in zip(figure.subplots(1, 3), parts.items(), strict=True):
            perplexity = min(_PERPLEXITY, (n - 1) / 3)
            places = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(part)
            for kind in KINDS:
                for is_face, colour in ((True, COLOURS[5]), (False, COLOURS[0])):
                    chosen = (kinds == kind) & (faces == is_face)
                    axes.scatter(
                        *places[chosen].T,
                        s=14, marker=KIND_MARKERS[kind], color=colour, alpha=0.75, linewidth=0,
                    )  # fmt: skip
            axes.set_title(title)
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
