"""The log-loss of scores: what a loss's score costs, given its confidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SURE = (0.01, 0.99)
"""Scores are clipped to this range: a score that is certain and wrong would cost infinity."""


def log_loss_of_known(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the sum of the log-loss over known losses, divided by the number of all losses.

    Args:
        scores: As for `log_loss`.
        truth: 0 or 1, or -1 where unknown.
    """
    costs = log_loss(scores, truth)
    return np.asarray(np.where(truth < 0, 0.0, costs).mean(axis=-1))


def log_loss(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns -log of the score given to the truth, in nats.

    Args:
        scores: Scores from 0 to 1, shape (..., losses); clipped to 0.01..0.99.
        truth: Whether each loss is used, 0 or 1, of a shape that broadcasts with the scores.

    Examples:
        >>> import numpy as np
        >>> log_loss(np.array([0.5, 1.0]), np.array([0, 0])).round(3).tolist()
        [0.693, 4.605]
    """
    clipped = np.clip(scores, *SURE)
    return np.asarray(-np.log(np.where(truth == 1, clipped, 1.0 - clipped)))
