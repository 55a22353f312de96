"""How long the training of GMs will take, from what it took where it was measured."""

from __future__ import annotations

from collections.abc import Sequence

from gmbench.progress import Expectation
from gmbench.zoo.specification import Specification

CORE_SECONDS = {32: 30.0, 64: 120.0}
"""Seconds that one GM keeps a core busy, by the size of its images, with all of its attempts: after
the builds that docs/zoo.md tells of. Kinds differ tenfold, populations of many little."""


def expectation(
    gms: Sequence[Specification], at_once: int | None, device: str = "cpu"
) -> Expectation:
    """Returns how long GMs will take.

    Args:
        gms: What is trained.
        at_once: So many side by side, each on a core of its own; None where a cluster says it.
        device: Where: `cpu` or `cuda`.
    """
    if not gms:
        return Expectation()
    if device != "cpu":
        return Expectation(unknown="it was measured on no GPU yet")
    return Expectation(expected_seconds(gms, at_once or 1), of_one_core=at_once is None)


def expected_seconds(gms: Sequence[Specification], at_once: int) -> float:
    """Returns how many seconds GMs will take, about, on a CPU.

    Args:
        gms: What is trained.
        at_once: So many side by side, each on a core of its own.
    """
    sizes = [min(CORE_SECONDS, key=lambda known: abs(known - gm.size)) for gm in gms]
    return sum(CORE_SECONDS[size] for size in sizes) / max(1, min(at_once, len(gms)))
