"""Announcing how long work will take, in one line before it begins."""

from __future__ import annotations

from gmbench.cli import output
from gmbench.cli.progress_lines import EVERY
from gmbench.progress import Expectation

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def expect(what: str, found: float | Expectation | None, basis: str = "") -> None:
    """Prints how long work will take, or why that is unknown; silent below half a minute.

    Args:
        what: The work.
        found: Approximate duration in seconds, or an `Expectation`; None prints nothing.
        basis: What the estimate is based on, for display.
    """
    if not isinstance(found, Expectation):
        found = Expectation(found)
    if found.unknown:
        output.note(f"{what}: how long they take shows with the first ones: {found.unknown}.")
    elif found.seconds is not None and found.seconds >= EVERY:
        of_one_core = " of one core" if found.of_one_core else ""
        up_to_ray = "; how many work on it is up to Ray" if found.of_one_core else ""
        why = f", {basis}" if basis else ""
        output.note(f"{what}: about {rough(found.seconds)}{of_one_core}{why}{up_to_ray}.")


def rough(seconds: float) -> str:
    """Returns a rounded duration: `40 seconds`, `7 minutes`, `25 minutes`, `2.5 hours`.

    Args:
        seconds: The duration in seconds.
    """
    if seconds < 1.5 * _MINUTE:
        return f"{max(10, round(seconds, -1)):.0f} seconds"
    if seconds < 1.5 * _HOUR:
        minutes = seconds / _MINUTE
        return f"{minutes if minutes < 10 else 5 * round(minutes / 5):.0f} minutes"
    if seconds < 1.5 * _DAY:
        hours = seconds / _HOUR
        return f"{round(2 * hours) / 2 if hours < 10 else round(hours):g} hours"
    return f"{seconds / _DAY:,.0f} days"
