"""Telling images of several sources apart by which known GMs they are like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

APART = 0.5
"""Mean distance (1 - cosine of the shares' square roots) of groups that are split on request."""

MIXED = 0.88
"""The same for groups that are reported unasked: one source in twenty-five is taken for several."""

MOST_COMPARED = 500
"""Most images that are compared in pairs, to see whether all are of one source."""


def sources_of(shares: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Splits images where they plainly are of several sources.

    Args:
        shares: Shares of the known GMs in each image, shape (images, GMs).

    Returns:
        Indices of the images of each source, the largest first; of more than `MOST_COMPARED`
        images, so many that are evenly spread.
    """
    n = len(shares)
    rows = np.linspace(0, n - 1, min(n, MOST_COMPARED)).astype(np.int64)
    return [rows[part] for part in groups_of(shares[rows], MIXED)]


def groups_of(shares: NDArray[np.float64], apart: float = APART) -> list[NDArray[np.int64]]:
    """Splits images into groups that look like one source each, by average linkage.

    Args:
        shares: Shares of the known GMs in each image, shape (images, GMs).
        apart: Mean distance beyond which two groups are of two sources, 0 to 1.

    Returns:
        Indices of the images of each group, the largest group first.
    """
    if len(shares) == 1:
        return [np.zeros(1, dtype=np.int64)]
    # This takes half a second to import, and a single image does not need it.
    from scipy.cluster.hierarchy import fcluster, linkage

    roots = np.sqrt(shares)
    found = fcluster(linkage(roots, "average", "cosine"), apart, "distance")
    parts = [np.flatnonzero(found == number) for number in np.unique(found)]
    return sorted(parts, key=lambda part: (-len(part), int(part[0])))
