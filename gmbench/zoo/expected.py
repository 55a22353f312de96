"""How long the training of GMs is expected to take, from the times of measured builds."""

from __future__ import annotations

from collections.abc import Sequence

from gmbench.progress import Expectation
from gmbench.zoo.specification import Specification

CORE_SECONDS = {32: 30.0, 64: 120.0}
"""Seconds of one core that a GM takes, by the size of its images, including all of its attempts;
from the builds reported in docs/zoo.md. Kinds differ tenfold, large populations little."""


def expectation(
    gms: Sequence[Specification], at_once: int | None, device: str = "cpu"
) -> Expectation:
    """Returns how long GMs are expected to take.

    Args:
        gms: GMs to be trained.
        at_once: Number trained in parallel, each on its own core; None if a cluster decides.
        device: Where they are trained: `cpu` or `cuda`.
    """
    if not gms:
        return Expectation()
    if device != "cpu":
        return Expectation(unknown="it was measured on no GPU yet")
    return Expectation(expected_seconds(gms, at_once or 1), of_one_core=at_once is None)


def expected_seconds(gms: Sequence[Specification], at_once: int) -> float:
    """Returns roughly how many seconds GMs will take on a CPU.

    Args:
        gms: GMs to be trained.
        at_once: Number trained in parallel, each on its own core.
    """
    sizes = [min(CORE_SECONDS, key=lambda known: abs(known - gm.size)) for gm in gms]
    return sum(CORE_SECONDS[size] for size in sizes) / max(1, min(at_once, len(gms)))
