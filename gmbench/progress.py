"""How long work tells how far it is, and before it begins how long it will take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int, int | None], None]
"""Called with what is counted, such as `images`, how many are done, and of how many, if known."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """How long work will take, told before it begins.

    Attributes:
        seconds: What it will take, about; None where there is nothing to tell.
        of_one_core: Whether one core would take that, and how many will work is not known.
        unknown: Why that is known after the first items alone, for people.
    """

    seconds: float | None = None
    of_one_core: bool = False
    unknown: str = ""


def prefixed(progress: Progress | None, prefix: str) -> Progress | None:
    """Returns what tells the same under a longer name: `full images` for `images`."""
    if progress is None:
        return None
    return lambda what, done, total: progress(f"{prefix} {what}", done, total)
