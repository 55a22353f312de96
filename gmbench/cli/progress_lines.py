"""How far long work is, in a line each half minute: for logs, where no bar can be drawn."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 30.0
"""Seconds between lines."""


class ProgressLines:
    """Says how far work is, now and then; what is done within `EVERY` seconds is not spoken of.

    Args:
        say: Prints a line.
        clock: Returns seconds that only grow.
    """

    def __init__(
        self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say, self._clock = say, clock
        self._what, self._since, self._first, self._last = "", 0.0, 0, 0.0

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Takes what a `Progress` takes."""
        now = self._clock()
        if what != self._what:
            self._what, self._since, self._first, self._last = what, now, done, now
            return
        if now - self._last < EVERY:
            return
        self._last = now
        taken, made = now - self._since, done - self._first
        rate = f", {made / taken:,.0f} a second" if made >= taken > 0 else ""
        if total is None:
            self._say(f"{what}: {done:,} in {_minutes(taken)}{rate}")
            return
        left = f", about {_minutes(taken / made * (total - done))} left" if made > 0 else ""
        self._say(f"{what}: {done:,} of {total:,} in {_minutes(taken)}{rate}{left}")


def _minutes(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
