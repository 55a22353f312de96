"""Where a claimed result differs from the recomputed one."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-6
"""Largest difference, relative to the larger of 1 and the value, that counts as equal."""

Place = tuple[str, ...]
"""Keys that lead to a value, outermost first."""


def differences(
    claimed: dict[str, Any], found: dict[str, Any], free: Collection[Place] = ()
) -> list[str]:
    """Returns a description of each value that differs; empty if none does.

    Args:
        claimed: An untrusted result, as parsed from JSON.
        found: The recomputed result.
        free: Places where any value is allowed.
    """
    # Most parts of most results agree, which is quick to check.
    alike = {key for key in found if key in claimed and _alike(claimed[key], found[key])}
    claimed, found = ({k: v for k, v in one.items() if k not in alike} for one in (claimed, found))
    return list(_differing(claimed, found, (), free))


def short(value: Any) -> str:
    """Returns a value as text that fits in a line."""
    if isinstance(value, list | dict):
        text = reprlib.repr(value)  # However deeply it is nested.
    else:
        text = f"{value:.8g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _alike(claimed: Any, found: Any) -> bool:
    """Returns whether two parts surely agree in form and words, and numbers within tolerance."""
    try:
        (form, a), (other, b) = _unfolded(claimed), _unfolded(found)
    except RecursionError:
        return False  # Nested more deeply than any result.
    if form != other or not np.isfinite(a).all():
        return False
    return bool((abs(a - b) <= TOLERANCE * np.maximum(1, np.maximum(abs(a), abs(b)))).all())


def _unfolded(value: Any) -> tuple[list[Any], NDArray[np.float64]]:
    form: list[Any] = []
    numbers: list[float] = []
    _unfold(value, form, numbers)
    return form, np.array(numbers)


def _unfold(value: Any, form: list[Any], numbers: list[float]) -> None:
    if type(value) is float:
        form.append(float)
        numbers.append(value)
    elif isinstance(value, dict):
        form.append(tuple(value))
        for one in value.values():
            _unfold(one, form, numbers)
    elif isinstance(value, list):
        form.append(len(value))
        for one in value:
            _unfold(one, form, numbers)
    else:
        # Python treats True as 1; a result may not.
        form.append((type(value), value))


def _differing(claimed: Any, found: Any, place: Place, free: Collection[Place]) -> Iterator[str]:
    if place in free:
        return
    where = ".".join(place)
    if isinstance(found, dict) and isinstance(claimed, dict):
        for key in found:
            if key in claimed:
                yield from _differing(claimed[key], found[key], (*place, key), free)
            elif (*place, key) not in free:
                yield f"{'.'.join((*place, key))} is missing"
        yield from (f"{'.'.join((*place, short(key)))} does not belong there"
                    for key in claimed if key not in found)  # fmt: skip
    elif isinstance(found, list) and isinstance(claimed, list) and len(found) == len(claimed):
        for number, (one, other) in enumerate(zip(claimed, found, strict=True)):
            yield from _differing(one, other, (*place, str(number)), free)
    elif not _equal(claimed, found):
        yield f"{where} is {short(claimed)}, recomputed {short(found)}"


def _equal(claimed: Any, found: Any) -> bool:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return type(claimed) is type(found) and bool(claimed == found)
    if isinstance(claimed, bool) or not isinstance(claimed, int | float):
        return False
    if isinstance(claimed, int) and abs(claimed) > 2**1000:
        return False  # Too large for a float; no figure is.
    return math.isclose(claimed, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
