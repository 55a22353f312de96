"""Draws the four curated test sets of a zoo.

A set is like one of the paper's: 6 GAN, 2 VAE, 2 AR, 1 AA and 1 NF of 116 GMs, in proportion fewer
of a smaller population. A GM is in one set at most, and the training GMs of a set are all GMs
that are not in it, as in the paper. What a draw must keep:

1. no architecture row (the 15 measured values) is shared by a test GM and a training GM, so that
   no method can score by recognising a twin; a GM that has a twin is therefore in no set;
2. every class of every discrete parameter that a set holds, and each loss that it has or lacks,
   also occurs among its training GMs, so that it can be learnt;
3. the kinds of a set also occur among its training GMs.

Of many seeded draws that keep all this, the one is taken whose sets have the contents most evenly
and the fewest discrete parameters and losses that are the same in a whole set, as those cannot be
measured there. A diffusion GM is in no set unless it is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gmbench.benchmark.catalog import GM
from gmbench.schema import N_ARCHITECTURE, N_CONTINUOUS, NAMES, get_parameter

N_SETS = 4

PER_SET: Mapping[str, int] = {"GAN": 6, "VAE": 2, "AR": 2, "AA": 1, "NF": 1}
"""Test GMs of each kind in each of the paper's sets."""

_PAPER_GMS = 116
_DRAWS = 400


@dataclass(frozen=True, slots=True)
class Curation:
    """The test sets of a population.

    Attributes:
        sets: Names of the test GMs of each set, by the set's name, in the population's order;
            without a set where no GM can be tested.
        warnings: What the sets lack of the paper's, and what is in the way.
    """

    sets: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]


def draw_test_sets(gms: Sequence[GM], *, seed: int = 0, diffusion_per_set: int = 0) -> Curation:
    """Draws the test sets of a population, by the rules above.

    Args:
        gms: The population, with measured labels.
        seed: Seed of the draws.
        diffusion_per_set: Diffusion GMs in each set.
    """
    reasons = _ineligible(gms)
    eligible = [gm for gm in gms if gm.name not in reasons]
    wanted = _wanted(gms, diffusion_per_set)
    slots = _slots(wanted, Counter(gm.kind for gm in eligible), Counter(gm.kind for gm in gms))
    generator = np.random.default_rng(seed)
    best: tuple[float, dict[str, tuple[str, ...]]] | None = None
    for _ in range(_DRAWS):
        drawn = _draw(eligible, slots, generator)
        if any(_untrained(gms, test) for test in drawn):
            continue
        cost = sum(_cost(gms, test) for test in drawn)
        if best is None or cost < best[0] - 1e-9:
            best = (cost, _named(gms, drawn))
    sets = best[1] if best else {}
    return Curation(sets, _warnings(gms, wanted, sets, reasons))


def _ineligible(gms: Sequence[GM]) -> dict[str, str]:
    """Returns why a GM can be in no test set, for each that cannot."""
    rows = Counter(gm.values[:N_ARCHITECTURE] for gm in gms)
    reasons = {}
    for gm in gms:
        if rows[gm.values[:N_ARCHITECTURE]] > 1:
            twins = [
                other.name
                for other in gms
                if other is not gm and other.values[:N_ARCHITECTURE] == gm.values[:N_ARCHITECTURE]
            ]
            reasons[gm.name] = f"has the architecture row of {', '.join(twins[:3])}"
    for column in range(N_CONTINUOUS, len(NAMES)):
        counts = Counter(gm.values[column] for gm in gms)
        for gm in gms:
            if counts[gm.values[column]] == 1:
                value = _class_name(column, gm.values[column])
                reasons.setdefault(gm.name, f"is the only GM with {NAMES[column]} {value}")
    return reasons


def _class_name(column: int, value: float) -> str:
    classes = get_parameter(NAMES[column]).classes
    return classes[int(value)] if classes and int(value) < len(classes) else f"{value:g}"


def _wanted(gms: Sequence[GM], diffusion_per_set: int) -> dict[str, int]:
    """Returns how many GMs of each kind a set should have: the paper's share, rounded up."""
    share = min(1.0, sum(gm.kind != "DM" for gm in gms) / _PAPER_GMS)
    wanted = {kind: int(np.ceil(count * share)) for kind, count in PER_SET.items()}
    if diffusion_per_set:
        wanted["DM"] = diffusion_per_set
    return wanted


def _slots(
    wanted: Mapping[str, int], eligible: Mapping[str, int], present: Mapping[str, int]
) -> list[dict[str, int]]:
    """Returns how many GMs of each kind each set gets.

    Where a kind has fewer eligible GMs than four sets want, they are dealt in turn, on from
    where the last such kind ended. A third of a kind at least is in no set, as in the paper, but
    for kinds of few GMs; and no set takes all GMs of a kind.
    """
    slots: list[dict[str, int]] = [{} for _ in range(N_SETS)]
    turn = 0
    for kind, per_set in wanted.items():
        n = present.get(kind, 0)
        total = min(per_set * N_SETS, eligible.get(kind, 0), max(n - n // 3, 1))
        if n < 2:
            continue
        for _ in range(total):
            if slots[turn].get(kind, 0) < n - 1:
                slots[turn][kind] = slots[turn].get(kind, 0) + 1
            turn = (turn + 1) % N_SETS
    return slots


def _draw(
    eligible: Sequence[GM], slots: Sequence[Mapping[str, int]], generator: np.random.Generator
) -> list[list[GM]]:
    """Fills the slots of every set with GMs in random order."""
    waiting: dict[str, list[GM]] = {}
    for index in generator.permutation(len(eligible)):
        waiting.setdefault(eligible[index].kind, []).append(eligible[index])
    return [
        [waiting[kind].pop() for kind, count in of_set.items() for _ in range(count)]
        for of_set in slots
    ]


def _untrained(gms: Sequence[GM], test: Sequence[GM]) -> bool:
    """Returns whether a class or a loss occurs in a set but not among its training GMs."""
    names = {gm.name for gm in test}
    training = [gm for gm in gms if gm.name not in names]
    return any(
        not {gm.values[column] for gm in test} <= {gm.values[column] for gm in training}
        for column in range(N_CONTINUOUS, len(NAMES))
    )


def _cost(gms: Sequence[GM], test: Sequence[GM]) -> float:
    """Returns how far a set is from even contents and from varied labels; 0 is best."""
    if not test:
        return 0.0
    share = Counter(gm.content for gm in gms if gm.kind != "DM" or gm in test)
    total = sum(share.values())
    found = Counter(gm.content for gm in test)
    uneven = sum(abs(found[name] - len(test) * n / total) for name, n in share.items())
    constant = sum(
        len({gm.values[column] for gm in test}) == 1
        for column in range(N_CONTINUOUS, len(NAMES))
        if len({gm.values[column] for gm in gms}) > 1
    )
    return uneven + 0.5 * constant


def _named(gms: Sequence[GM], drawn: Sequence[Sequence[GM]]) -> dict[str, tuple[str, ...]]:
    """Returns the sets that have a GM by name, each in the population's order."""
    members = [{gm.name for gm in test} for test in drawn]
    return {
        f"set_{number}": tuple(gm.name for gm in gms if gm.name in names)
        for number, names in enumerate((names for names in members if names), start=1)
    }


def _warnings(
    gms: Sequence[GM],
    wanted: Mapping[str, int],
    sets: Mapping[str, tuple[str, ...]],
    reasons: Mapping[str, str],
) -> tuple[str, ...]:
    warnings = []
    for kind, per_set in wanted.items():
        of_kind = [gm.name for gm in gms if gm.kind == kind]
        tested = sum(name in test for test in sets.values() for name in of_kind)
        if tested < per_set * N_SETS:
            why = [f"{name} {reasons[name]}" for name in of_kind if name in reasons]
            detail = f" ({'; '.join(why[:3])}{'; ...' if len(why) > 3 else ''})" if why else ""
            warnings.append(
                f"{kind}: {tested} test GMs in {N_SETS} sets where the paper's share is "
                f"{per_set * N_SETS}; there are {len(of_kind)}, of which "
                f"{len(of_kind) - len(why)} can be tested{detail}"
            )
    if not sets:
        warnings.append(
            "No test set: a set needs GMs whose architecture no other GM has and whose every class "
            f"still occurs in training, and none of {_DRAWS} draws had them. Build a zoo with more "
            "GMs."
        )
    return tuple(warnings)
