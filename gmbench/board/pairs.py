"""Pairs of a benchmark's methods, compared as by `gmbench compare`.

What a comparison needs from one method was computed with its score; a pair is then a subtraction
and a permutation test. Pairs are cached where scores are, by what both were made from.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from gmbench.board.pair_memory import Numbers, recall_pairs, remember_pairs
from gmbench.board.processes import each
from gmbench.board.scoring import Score
from gmbench.evaluation.comparison import COMPARED, Difference, Half, compare_pairs, corrected
from gmbench.evaluation.permutations import PERMUTATIONS
from gmbench.progress import Progress

Pairs = Mapping[tuple[str, str], tuple[Difference, ...]]
"""The differences of two methods, first less second, one per metric, by the two names."""


_FEW = 200
"""Number of pairs that are compared in the time that other processes take to start."""

_SIDE = 8
"""Number of methods compared at once with as many others: they are sent to a process together."""


def board_pairs(
    scores: Mapping[str, Score],
    *,
    cache: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Pairs:
    """Compares all pairs of methods of a benchmark.

    The p-values of one metric form one family: they are corrected (Holm) for the number of pairs
    on the board, whichever of them a reader looks at.

    Args:
        scores: Score of each method, by its name.
        cache: Folder of pairs compared earlier.
        jobs: Number of processes; by default one per core.
        progress: Progress callback, with the number of pairs compared.
    """
    keys = _keys(scores)
    found = {} if cache is None else _recalled(cache, keys)
    missing = [pair for pair in keys if pair not in found]
    n_kept = len(found)
    if len(missing) <= _FEW:
        jobs = 1
    for done in each(_run, _tasks(scores, missing), what="pairs", name_of=str, few=0, jobs=jobs):
        found |= done
        if cache is not None:
            remember_pairs(cache, {keys[pair]: _numbers(made) for pair, made in done.items()})
        if progress is not None:
            progress("pairs", len(found) - n_kept, len(missing))
    in_order = {pair: found[pair] for pair in keys}
    families = [corrected([made[m] for made in in_order.values()]) for m in range(len(COMPARED))]
    return dict(zip(in_order, zip(*families, strict=True), strict=True))


def winner(pairs: Pairs, first: str, second: str, number: int) -> str:
    """Returns the name of the better of two methods in metric `number`, or nothing."""
    return (pairs.get((first, second)) or pairs[second, first])[number].better


@dataclass(frozen=True, slots=True)
class _Task:
    pairs: list[tuple[str, str]]
    halves: dict[str, Half]

    def __str__(self) -> str:
        return f"{self.pairs[0][0]} and {self.pairs[0][1]}"


def _tasks(scores: Mapping[str, Score], pairs: list[tuple[str, str]]) -> list[_Task]:
    """Groups pairs into tasks whose pairs share methods."""
    place = {name: number // _SIDE for number, name in enumerate(scores)}
    blocks: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    for first, second in pairs:
        blocks[place[first], place[second]].append((first, second))
    return [
        _Task(block, {name: scores[name].half for pair in block for name in pair})
        for block in blocks.values()
    ]


def _run(task: _Task) -> dict[tuple[str, str], list[Difference]]:
    made = compare_pairs(task.halves, task.pairs, permutations=PERMUTATIONS)
    return dict(zip(task.pairs, made, strict=True))


def _keys(scores: Mapping[str, Score]) -> dict[tuple[str, str], str]:
    """Returns the key under which each pair is cached: a hash of everything it depends on."""
    made_from = {}
    for name, score in scores.items():
        manifest = {k: v for k, v in score.result["manifest"].items() if k != "predictions"}
        made_from[name] = json.dumps([manifest, PERMUTATIONS], sort_keys=True)
    return {
        (a, b): hashlib.sha256(f"{made_from[a]}\n{made_from[b]}".encode()).hexdigest()
        for a, b in combinations(scores, 2)
    }


def _numbers(made: list[Difference]) -> Numbers:
    numbers = [(one.difference, *(one.ci or (None, None)), one.p_value) for one in made]
    return np.array(numbers, dtype=np.float64)


def _recalled(
    cache: Path, keys: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], list[Difference]]:
    """Returns the cached pairs."""
    kept = recall_pairs(cache, keys.values())
    found = {}
    for pair, key in keys.items():
        if key in kept and len(kept[key]) == len(COMPARED):
            lines = [[None if x != x else x for x in line] for line in kept[key].tolist()]
            found[pair] = [
                Difference(
                    *pair,
                    metric=metric.name,
                    difference=difference,
                    ci=None if low is None or high is None else (low, high),
                    p_value=p_value,
                )
                for metric, (difference, low, high, p_value) in zip(COMPARED, lines, strict=True)
            ]
    return found
