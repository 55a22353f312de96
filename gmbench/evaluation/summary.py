"""A number over the sets of a benchmark, with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gmbench.evaluation.intervals import Interval


@dataclass(frozen=True)
class Summary:
    """One metric over the sets.

    Attributes:
        mean: Mean over the sets; None unless it is defined in every set.
        std: Standard deviation (ddof 0) over the sets; None with a single set.
        ci: 95% interval of the mean; None where undefined.
        reason: Why the mean is None; empty otherwise.
    """

    mean: float | None
    std: float | None
    ci: Interval | None
    reason: str = ""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Summary:
        """Reads back the output of `dataclasses.asdict`, also from JSON."""
        return cls(**{**data, "ci": data["ci"] and tuple(data["ci"])})


def finite(value: float) -> float | None:
    """Returns a finite number unchanged and any other as None."""
    return float(value) if math.isfinite(value) else None
