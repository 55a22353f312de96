"""Counts below zero: no network has them, but a regression may predict them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gmbench.predictions.checks import MOST_SHOWN, Checklist
from gmbench.schema import CONTINUOUS
from gmbench.wording import plural

NAME = "no_negative_count"


def check_counts(
    continuous: NDArray[np.float64], place: Callable[[int], str], checklist: Checklist
) -> None:
    """Warns of counts below zero; an evaluation accepts them, a new submission must have none.

    Args:
        continuous: Shape (rows, 9), natural units.
        place: Returns the location of a row, for messages.
        checklist: Receives the check `no_negative_count`.
    """
    negative = continuous < 0
    n_negative = int(negative.sum())
    if n_negative == 0:
        checklist.passed(NAME, "no count is below 0")
        return
    rows = np.flatnonzero(negative.any(axis=1))[:MOST_SHOWN].tolist()
    offenders = [
        f"{place(row)}: {parameter.name} is {continuous[row, column]:g}"
        for row in rows
        for column, parameter in enumerate(CONTINUOUS)
        if negative[row, column]
    ]
    checklist.warned(
        NAME,
        f"{plural(n_negative, 'count is', 'counts are')} below 0.",
        offenders,
        "put 0 in their place: a submission has none (in pandas: clip(lower=0)).",
        n_offenders=n_negative,
    )
