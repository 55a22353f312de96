"""Numbers of things in words."""

from __future__ import annotations


def plural(count: int, one: str, many: str = "") -> str:
    """Returns `1 row`, `2 rows`, `48,000 rows`.

    Args:
        count: How many there are.
        one: The word for one of them.
        many: The word for several; by default `one` with an s.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
