"""Figure 11: similarity of the fingerprints of every two GMs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from gmbench.applications.similarity import fingerprint_vectors, gm_similarities
from gmbench.benchmark.benchmark import Benchmark
from gmbench.figures.style import PAGE, SEQUENTIAL, FigureError, new_figure
from gmbench.models.clusters import Clusters
from gmbench.models.targets import TrainingTargets
from gmbench.schema import KINDS

_BOX = "#D55E00"


def fingerprint_similarity(
    benchmark: Benchmark, fingerprints: Mapping[str, NDArray[np.float32]], seed: int = 0
) -> Figure:
    """Draws the mean cosine of the fingerprints of every two GMs (Figure 11).

    The mean is over all pairs of images, whereas the paper draws 25 of them. GMs are ordered by
    kind, and within a kind by the clusters of their labels (section 3.3.2), each marked by a box.

    Args:
        benchmark: Labels and kinds.
        fingerprints: Fingerprints by GM, each of shape (images, views, channels, size, size) with
            at least two images.
        seed: Seed of the clusters.

    Raises:
        FigureError: There are fewer than two GMs, or one has fewer than two images.
    """
    few = [gm for gm, of_images in fingerprints.items() if len(of_images) < 2]
    if few or len(fingerprints) < 2:
        raise FigureError(
            "The figure needs two GMs and two images of each at least"
            + (f"; {few[0]} has one. Leave it out, or give more images." if few else ".")
        )
    names, clusters = ordered(benchmark, list(fingerprints), seed)
    vectors = np.concatenate([fingerprint_vectors(fingerprints[gm]) for gm in names])
    gms = np.repeat(np.arange(len(names)), [len(fingerprints[gm]) for gm in names])
    found = gm_similarities(vectors, gms)
    kinds = [benchmark.gm(gm).kind for gm in names]
    size_of_text = min(6.0, 300 / len(names))
    # In units of the figure's width: space for the longest name, side of the matrix, height.
    room = 0.02 + max(map(len, names)) * 0.6 * size_of_text / 72 / PAGE
    side, height = 0.86 - room, 0.91
    with new_figure(PAGE, PAGE * height) as figure:
        # A layout engine that measures hundreds of names takes as long as everything else.
        figure.set_layout_engine("none")
        axes = figure.add_axes((room, room / height, side, side / height))
        low, high = np.percentile(found, [1, 99])
        picture = axes.imshow(found, cmap=SEQUENTIAL, vmin=low, vmax=high, interpolation="nearest")
        for cluster in dict.fromkeys(clusters):
            first, size = clusters.index(cluster), clusters.count(cluster)
            axes.add_patch(
                Rectangle(
                    (first - 0.5, first - 0.5), size, size, fill=False, edgecolor=_BOX,
                    linewidth=0.8,
                )
            )  # fmt: skip
        for kind in dict.fromkeys(kinds):
            first, size = kinds.index(kind), kinds.count(kind)
            middle = first + (size - 1) / 2
            axes.text(len(names) + 0.5, middle, kind, rotation=90, va="center", fontsize=7)
            if first:
                axes.axhline(first - 0.5, color="white", linewidth=0.6)
                axes.axvline(first - 0.5, color="white", linewidth=0.6)
        _name_rows_and_columns(axes, [gm.replace("_", " ") for gm in names], size_of_text)
        axes.spines[:].set_visible(False)
        own = np.diag(found)
        others = found[~np.eye(len(names), dtype=bool)]
        axes.set_title(
            f"mean cosine: {own.mean():.3f} within a GM, {others.mean():.3f} between two",
            loc="left",
        )
        bar = figure.add_axes((0.9, 0.35, 0.02, 0.4))
        figure.colorbar(picture, cax=bar).set_label("mean cosine")
        return figure


def _name_rows_and_columns(axes: Axes, names: list[str], size: float) -> None:
    """Writes names where tick labels would be, as ticks are laid out over and over again."""
    axes.set_xticks([])
    axes.set_yticks([])
    left, va, ha = axes.get_yaxis_text1_transform(1.0)
    below, va_below, ha_below = axes.get_xaxis_text1_transform(1.0)
    for place, name in enumerate(names):
        axes.text(0, place, name, transform=left, va=va, ha=ha, fontsize=size)
        axes.text(
            place, 0, name, transform=below, va=va_below, ha=ha_below, fontsize=size, rotation=90,
        )  # fmt: skip


def ordered(benchmark: Benchmark, gms: list[str], seed: int) -> tuple[list[str], list[int]]:
    """Returns GMs ordered by kind and cluster, and the cluster of each.

    Args:
        benchmark: Labels and kinds.
        gms: Names of GMs.
        seed: Seed of the clusters.
    """
    ids = Clusters.of(TrainingTargets.of(benchmark, gms), seed).ids.tolist()
    keys = [
        (KINDS.index(benchmark.gm(gm).kind), cluster, gm)
        for gm, cluster in zip(gms, ids, strict=True)
    ]
    return [gm for *_, gm in sorted(keys)], [cluster for _, cluster, _ in sorted(keys)]
