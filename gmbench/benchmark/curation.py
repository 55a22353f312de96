"""Draws the four curated test sets of a zoo, or of a user's own GMs.

A set resembles one of the paper's: 6 GAN, 2 VAE, 2 AR, 1 AA and 1 NF out of 116 GMs, and
proportionally fewer from a smaller population. A GM is in one set at most, and the training GMs of
a set are all GMs that are not in it, as in the paper. A draw must satisfy these rules:

1. no architecture row (the 15 measured values) is shared by a test GM and a training GM, so that
   no method can score by recognising a twin; a GM that has a twin is therefore in no set;
2. every class of every discrete parameter that a set holds, and each loss that it has or lacks,
   also occurs among its training GMs, so that it can be learnt;
3. the kinds of a set also occur among its training GMs.

Of many seeded draws that satisfy all rules, the one is taken whose sets have the most even contents
and the fewest discrete parameters and losses that are constant in a whole set, as those cannot be
measured there. A diffusion GM is in no set unless requested.
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
        sets: Names of the test GMs of each set, by set name, in the population's order; sets that
            would be empty are left out.
        warnings: What the sets lack compared with the paper's, and why.
    """

    sets: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]


def draw_test_sets(gms: Sequence[GM], *, seed: int = 0, diffusion_per_set: int = 0) -> Curation:
    """Draws the test sets of a population by the rules above.

    Args:
        gms: The population, with measured labels.
        seed: Seed of the draws.
        diffusion_per_set: Number of diffusion GMs in each set.
    """
    reasons = _ineligible(gms)
    eligible = [row for row, gm in enumerate(gms) if gm.name not in reasons]
    wanted = _wanted(gms, diffusion_per_set)
    slots = _slots(
        wanted, Counter(gms[row].kind for row in eligible), Counter(gm.kind for gm in gms)
    )
    generator = np.random.default_rng(seed)
    table = _Table(gms)
    best: tuple[float, list[list[int]]] | None = None
    for _ in range(_DRAWS):
        drawn = _draw(gms, eligible, slots, generator)
        if any(table.untrained(test) for test in drawn):
            continue
        cost = sum(table.cost(test) for test in drawn)
        if best is None or cost < best[0] - 1e-9:
            best = (cost, drawn)
    sets = _named(gms, best[1]) if best else {}
    return Curation(sets, _warnings(gms, wanted, sets, reasons))


def _ineligible(gms: Sequence[GM]) -> dict[str, str]:
    """Returns, for each GM that can be in no test set, the reason."""
    rows = Counter(gm.row(N_ARCHITECTURE) for gm in gms)
    reasons = {}
    for gm in gms:
        if rows[gm.row(N_ARCHITECTURE)] > 1:
            twins = [
                other.name
                for other in gms
                if other is not gm and other.row(N_ARCHITECTURE) == gm.row(N_ARCHITECTURE)
            ]
            reasons[gm.name] = f"has the architecture row of {', '.join(twins[:3])}"
    for column in range(N_CONTINUOUS, len(NAMES)):
        counts = Counter(gm.row()[column] for gm in gms)
        for gm in gms:
            if counts[gm.row()[column]] == 1 and gm.row()[column] is not None:
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

    Where a kind has fewer eligible GMs than four sets want, they are dealt in turn, starting where
    the last such kind ended. At least a third of a kind is in no set, as in the paper, except for
    kinds with few GMs; and no set takes all GMs of a kind.
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
    gms: Sequence[GM],
    eligible: Sequence[int],
    slots: Sequence[Mapping[str, int]],
    generator: np.random.Generator,
) -> list[list[int]]:
    """Fills the slots of every set with eligible GMs, in random order."""
    waiting: dict[str, list[int]] = {}
    for place in generator.permutation(len(eligible)):
        waiting.setdefault(gms[eligible[place]].kind, []).append(eligible[place])
    return [
        [waiting[kind].pop() for kind, count in of_set.items() for _ in range(count)]
        for of_set in slots
    ]


class _Table:
    """Which GM has which class, loss and content, by which a draw is judged."""

    def __init__(self, gms: Sequence[GM]) -> None:
        labels = np.array([gm.values[N_CONTINUOUS:] for gm in gms])
        labels = labels[:, ~np.isnan(labels).all(0)]
        values = [np.unique(column[~np.isnan(column)]) for column in labels.T]
        self._varied = np.array([len(found) > 1 for found in values])
        self._starts = np.cumsum([0, *map(len, values)])[:-1]
        self._has = np.concatenate(
            [column[:, None] == found for column, found in zip(labels.T, values, strict=True)], 1
        )
        contents = np.array([gm.content for gm in gms])
        self._contents = contents[:, None] == np.unique(contents)
        self._diffusion = np.array([gm.kind == "DM" for gm in gms])

    def untrained(self, test: Sequence[int]) -> bool:
        """Returns whether a class or a loss occurs in a set but not among its training GMs."""
        tested = self._has[test].sum(0)
        return bool((tested == self._has.sum(0))[tested > 0].any())

    def cost(self, test: Sequence[int]) -> float:
        """Returns how far a set is from even contents and from varied labels; 0 is best."""
        if not test:
            return 0.0
        counted = ~self._diffusion
        counted[list(test)] = True
        share = self._contents[counted].mean(0)
        uneven = np.abs(self._contents[test].sum(0) - len(test) * share).sum()
        constant = np.add.reduceat(self._has[test].any(0), self._starts, dtype=int) == 1
        return float(uneven + 0.5 * (constant & self._varied).sum())


def _named(gms: Sequence[GM], drawn: Sequence[Sequence[int]]) -> dict[str, tuple[str, ...]]:
    """Returns the non-empty sets by name, each in the population's order."""
    return {
        f"set_{number}": tuple(gms[row].name for row in sorted(rows))
        for number, rows in enumerate(filter(None, drawn), start=1)
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
            if not of_kind:
                warnings.append(f"{kind}: no GM, where the paper's share is {per_set * N_SETS}")
                continue
            why = [f"{name} {reasons[name]}" for name in of_kind if name in reasons]
            detail = f" ({'; '.join(why[:3])}{'; ...' if len(why) > 3 else ''})" if why else ""
            warnings.append(
                f"{kind}: {tested} test GMs in {N_SETS} sets where the paper's share is "
                f"{per_set * N_SETS}; there are {len(of_kind)}, of which "
                f"{len(of_kind) - len(why)} can be tested{detail}"
            )
    if not sets and not set(wanted) & {gm.kind for gm in gms}:
        warnings.append("No test set: diffusion models are drawn into none. Give sets of your own.")
    elif not sets:
        warnings.append(
            "No test set: a set needs GMs whose architecture no other GM has and whose every class "
            f"still occurs in training, and none of {_DRAWS} draws had them. More GMs help."
        )
    return tuple(warnings)
