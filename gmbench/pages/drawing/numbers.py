"""Formatting of numbers in a report: meaningful digits, a true minus sign, or a dash."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gmbench.evaluation.intervals import Interval

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALLEST_EXPONENT = -300
"""Smaller p-values are rounding errors in the tail of the t distribution."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the result as shown on the page.

    Attributes:
        value: The number itself, which the page holds in full beside the text.
        text: The displayed text.
        reason: Why there is no number; empty if there is one.
    """

    value: float | None
    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """The two ends of an interval."""

    low: Figure
    high: Figure


def score(value: float | None, reason: str = "") -> Figure:
    """Returns a score with three decimals, or fewer if it is large."""
    if value is None:
        return Figure(None, DASH, reason)
    size = abs(value)
    if size < 10:
        text = f"{value:.3f}"
    elif size < 1e7:
        text = f"{value:,.{2 if size < 100 else 1 if size < 1000 else 0}f}"
    else:
        text = _power_of_ten(value)
    return Figure(value, _signed("0.000" if text == "-0.000" else text))


def p_value(value: float | None, reason: str = "") -> Figure:
    """Returns a p-value with three decimals, or two digits and a power of ten if it is small."""
    if value is None:
        return Figure(None, DASH, reason)
    if value < 10.0**_SMALLEST_EXPONENT:
        return Figure(value, f"< 10{str(_SMALLEST_EXPONENT).translate(_SUPERSCRIPTS)}")
    return Figure(value, f"{value:.3f}" if value >= 0.001 else _power_of_ten(value))


def span(interval: Interval | None) -> Span | None:
    """Returns the ends of an interval as scores, or None if there is no interval."""
    return None if interval is None else Span(score(interval[0]), score(interval[1]))


def quantity(value: float) -> str:
    """Returns a count or a mean of counts with about three digits and no trailing zeros."""
    size = abs(value)
    if size >= 1e9:
        return _signed(_power_of_ten(value))
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2
    text = f"{value:,.{decimals}f}"
    if decimals:
        text = text.rstrip("0").rstrip(".")
    return _signed("0" if text == "-0" else text)


def score_label(value: float) -> str:
    """Returns the label of a place on the axis of a score, with no more digits than necessary."""
    # Adding 0 takes the sign from -0.0.
    return quantity(value) if abs(value) >= 1e9 else _signed(f"{value + 0.0:,.10g}")


def _signed(text: str) -> str:
    return text.replace("-", MINUS)


def _power_of_ten(value: float) -> str:
    exponent = math.floor(math.log10(abs(value)))
    digits = f"{value / 10.0**exponent:.1f}"
    if digits in ("10.0", "-10.0"):  # 9.96 rounds up to the next power.
        exponent, digits = exponent + 1, digits.replace("10.0", "1.0")
    return f"{digits} {TIMES} 10{str(exponent).translate(_SUPERSCRIPTS)}"
