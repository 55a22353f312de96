"""The methods of a benchmark in pairs, as `gmbench compare` compares them.

What a comparison needs of one method was computed with its score; a pair then is a subtraction
and a permutation test. Pairs are remembered where scores are, by what both were made from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from gmbench.board.processes import each
from gmbench.board.scoring import Score
from gmbench.evaluation.comparison import COMPARED, Difference, Half, compare_pair, corrected
from gmbench.evaluation.permutations import PERMUTATIONS
from gmbench.files import write_whole
from gmbench.progress import Progress

Pairs = Mapping[tuple[str, str], tuple[Difference, ...]]
"""The differences of two methods, first less second, one a metric, by the two names."""

_FEW = 40
"""So many pairs are compared while other processes would start."""


def board_pairs(
    scores: Mapping[str, Score],
    *,
    cache: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Pairs:
    """Compares every two methods of a benchmark.

    The p-values of one metric are one family: they are corrected (Holm) for the number of pairs
    that the board has, whichever of them somebody looks at.

    Args:
        scores: What was computed of each method, by its name.
        cache: Folder of pairs compared before.
        jobs: Processes; by default all cores.
        progress: Told how many pairs are compared.
    """
    keys = {(a, b): _key(scores[a], scores[b]) for a, b in combinations(scores, 2)}
    found = {pair: kept for pair, key in keys.items() if (kept := _recall(cache, key, pair))}
    tasks = [_Task(a, b, scores[a].half, scores[b].half) for a, b in keys if (a, b) not in found]
    for pair, made in each(
        _run, tasks, what="pairs", name_of=str, few=_FEW, jobs=jobs, progress=progress
    ):
        found[pair] = made
        if cache is not None:
            _remember(cache, keys[pair], made)
    in_order = {pair: found[pair] for pair in keys}
    families = [corrected([made[m] for made in in_order.values()]) for m in range(len(COMPARED))]
    return dict(zip(in_order, zip(*families, strict=True), strict=True))


@dataclass(frozen=True, slots=True)
class _Task:
    first: str
    second: str
    half: Half
    other: Half

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"


def _run(task: _Task) -> tuple[tuple[str, str], list[Difference]]:
    names = (task.first, task.second)
    return names, compare_pair(task.half, task.other, names, permutations=PERMUTATIONS)


def _key(first: Score, second: Score) -> str:
    """Returns the name under which a pair is remembered: a hash of all that it depends on."""
    made_from = [
        {key: value for key, value in score.result["manifest"].items() if key != "predictions"}
        for score in (first, second)
    ]
    text = json.dumps([made_from, PERMUTATIONS], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _remember(cache: Path, key: str, made: list[Difference]) -> None:
    data = {one.metric: [one.difference, one.ci, one.p_value] for one in made}
    write_whole(cache / f"{key}.pair.json", json.dumps(data))


def _recall(cache: Path | None, key: str, pair: tuple[str, str]) -> list[Difference] | None:
    """Returns a pair that was kept, or None; a damaged one counts as absent."""
    if cache is None:
        return None
    try:
        data: dict[str, Any] = json.loads((cache / f"{key}.pair.json").read_bytes())
        return [
            Difference(*pair, metric.name, difference, ci and (ci[0], ci[1]), p_value)
            for metric in COMPARED
            for difference, ci, p_value in (data[metric.name],)
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None
