"""How long-running work reports its progress and, before it begins, its expected duration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int, int | None], None]
"""Called with what is counted, such as `images`, how many are done, and the total, if known."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """How long work will take, as told before it begins.

    Attributes:
        seconds: Approximate duration; None where there is nothing to tell.
        of_one_core: Whether this is the duration on one core, because the number of cores that
            will work is not known.
        unknown: Why the duration is known only after the first items, for people.
    """

    seconds: float | None = None
    of_one_core: bool = False
    unknown: str = ""


def prefixed(progress: Progress | None, prefix: str) -> Progress | None:
    """Returns a callback that reports under a longer name: `full images` for `images`."""
    if progress is None:
        return None
    return lambda what, done, total: progress(f"{prefix} {what}", done, total)
