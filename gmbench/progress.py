"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with what is counted, such as `images`, how many are done, and of how many, if known."""


def prefixed(progress: Progress | None, prefix: str) -> Progress | None:
    """Returns what tells the same under a longer name: `full images` for `images`."""
    if progress is None:
        return None
    return lambda what, done, total: progress(f"{prefix} {what}", done, total)
