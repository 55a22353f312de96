"""Results as pandas tables, which pandas writes as LaTeX, Markdown, CSV or spreadsheets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gmbench.evaluation.intervals import Interval

if TYPE_CHECKING:
    import pandas as pd


def to_frame(rows: Iterable[Mapping[str, Any]], index: str | None = None) -> pd.DataFrame:
    """Returns rows as a DataFrame; None becomes NaN.

    Args:
        rows: The cells of each row, by column.
        index: The column that names the rows; by default, rows are numbered.
    """
    import pandas as pd  # Slow to import, and `gmbench evaluate` does not need it.

    cells = [{key: math.nan if v is None else v for key, v in row.items()} for row in rows]
    frame = pd.DataFrame(cells)
    return frame if index is None or frame.empty else frame.set_index(index)


def ends(interval: Interval | None, prefix: str = "") -> dict[str, float | None]:
    """Returns the cells `lo` and `hi` of an interval."""
    low, high = interval or (None, None)
    return {f"{prefix}lo": low, f"{prefix}hi": high}
