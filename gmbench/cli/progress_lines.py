"""Progress of long work, one line every half minute, for logs where no bar can be drawn.

A first line estimates how long the work will take, as soon as enough is done to tell. The lines
come however rarely the work reports: a training on another core takes minutes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 30.0
"""Seconds between lines."""

SOON = 3.0
"""Minimum seconds of work that an estimate is based on."""


_LOOKS_EVERY = 3.0
"""Seconds between two looks at whether a line is due."""


@contextmanager
def progress_lines(say: Callable[[str], None]) -> Iterator[ProgressLines]:
    """Yields a progress callback that says every `EVERY` seconds how far the work is.

    Args:
        say: Function that prints a line.
    """
    lines, ended = ProgressLines(say), threading.Event()

    def repeat() -> None:
        while not ended.wait(_LOOKS_EVERY):
            lines.tell_if_due()

    looking = threading.Thread(target=repeat, name="progress", daemon=True)
    looking.start()
    try:
        yield lines
    finally:
        ended.set()
        looking.join()


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
        self._done, self._reached = 0, 0.0
        self._total: int | None = None
        self._told = False
        self._lock = threading.Lock()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Takes a report, with the arguments of a `Progress`."""
        with self._lock:
            now = self._clock()
            if done != self._done or what != self._what:
                self._reached = now
            self._done, self._total = done, total
            if what == self._what:
                self._tell()
                return
            # Not with every work: many short ones would never have a line.
            if not self._what:
                self._last = now
            self._what, self._since, self._first, self._told = what, now, done, False

    def tell_if_due(self) -> None:
        """Prints a line if the last one is long ago and the work reported last is not done."""
        with self._lock:
            if self._what and self._done != self._total:
                self._tell()

    def _tell(self) -> None:
        now, done, total = self._clock(), self._done, self._total
        taken = now - self._since
        made = done - self._first if taken >= SOON else 0
        tells = not self._told and total is not None and made > 0
        # The finished items tell how long each takes; the next one has been under way since.
        each = (self._reached - self._since) / made if made else 0.0
        left = each * ((total or 0) - done) - min(now - self._reached, each)
        is_long = tells and left > EVERY
        if now - self._last < EVERY and not is_long:
            return
        self._last, self._told = now, True
        rate = f", {made / taken:,.0f} a second" if made >= taken > 0 else ""
        if total is None:
            self._say(f"{self._what}: {done:,} in {_minutes(taken)}{rate}")
            return
        still = f", about {_minutes(left)} left" if left > 0 or (made and done == total) else ""
        self._say(f"{self._what}: {done:,} of {total:,} in {_minutes(taken)}{rate}{still}")


def _minutes(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
