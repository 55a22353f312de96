"""Progress of long work, one line every half minute, for logs where no bar can be drawn.

A first line estimates how long the work will take, as soon as enough is done to tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 30.0
"""Seconds between lines."""

SOON = 3.0
"""Minimum seconds of work that an estimate is based on."""


class ProgressLines:
    """Reports progress from time to time; nothing for work that is done within `EVERY` seconds.

    Args:
        say: Function that prints a line.
        clock: Monotonic clock, in seconds.
    """

    def __init__(
        self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say, self._clock = say, clock
        self._what, self._since, self._first, self._last = "", 0.0, 0, 0.0
        self._told = False

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Takes a report, with the arguments of a `Progress`."""
        now = self._clock()
        if what != self._what:
            self._what, self._since, self._first, self._last = what, now, done, now
            self._told = False
            return
        taken, made = now - self._since, done - self._first
        tells = not self._told and total is not None and made > 0 and taken >= SOON
        is_long = tells and taken / made * ((total or 0) - done) > EVERY
        if now - self._last < EVERY and not is_long:
            return
        self._last, self._told = now, True
        rate = f", {made / taken:,.0f} a second" if made >= taken > 0 else ""
        if total is None:
            self._say(f"{what}: {done:,} in {_minutes(taken)}{rate}")
            return
        left = f", about {_minutes(taken / made * (total - done))} left" if made > 0 else ""
        self._say(f"{what}: {done:,} of {total:,} in {_minutes(taken)}{rate}{left}")


def _minutes(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
