"""Do rank ranges contain the true ranks, and are equal methods told apart? For docs/statistics.md.

Eight simulated methods have known true errors. A GM is equally hard for all methods, up to noise of
each pair of method and GM. A world is a draw of GMs; its pairs of methods are tested by exchanges
of whole GMs, corrected (Holm) and made into ranges by the board's own function.

    python benchmarks/rank_ranges.py --worlds 400
"""

from __future__ import annotations

import argparse
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gmbench.board.ranking import paired_ranks
from gmbench.evaluation.significance import holm

NAMES = tuple("abcdefgh")
TRUTHS: dict[str, list[float]] = {
    "all equal": [0.1] * 8,
    "steps of 0.005": [0.08 + 0.005 * step for step in range(8)],
    "two groups, 0.03 apart": [0.09] * 4 + [0.12] * 4,
}
EXCHANGES = 2000


def p_value(differences: NDArray[np.float64], generator: np.random.Generator) -> float:
    """Returns the share of random exchanges that differ as much, two-sided."""
    signs = generator.choice([-1.0, 1.0], size=(EXCHANGES, len(differences)))
    reached = np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12
    return float((1 + reached.sum()) / (EXCHANGES + 1))


def world(
    truth: list[float], n_gms: int, generator: np.random.Generator
) -> tuple[bool, bool, float]:
    """Returns whether all ranges hold the truth, whether any equals are told apart, mean width."""
    hardness = generator.gamma(2.0, 0.05, size=(n_gms, 1))
    noise = 0.35 * hardness * generator.standard_normal((n_gms, len(truth)))
    errors = hardness + noise + np.array(truth) - np.mean(truth)
    pairs = list(combinations(range(len(truth)), 2))
    corrected = holm([p_value(errors[:, a] - errors[:, b], generator) for a, b in pairs])
    told = [pair for pair, p in zip(pairs, corrected, strict=True) if p < 0.05]
    ranks = paired_ranks(
        dict(zip(NAMES, errors.mean(axis=0).tolist(), strict=True)),
        {frozenset((NAMES[a], NAMES[b])) for a, b in told},
        lower_is_better=True,
    )
    held, widths = True, []
    for name, value in zip(NAMES, truth, strict=True):
        rank = ranks[name]
        assert rank is not None
        best = 1 + sum(other < value for other in truth)
        worst = len(truth) - sum(other > value for other in truth)
        held = held and rank.best <= worst and rank.worst >= best
        widths.append(rank.worst - rank.best + 1)
    return held, any(truth[a] == truth[b] for a, b in told), float(np.mean(widths))


def main() -> None:
    """Prints a row for each number of GMs and truth."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--worlds", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(f"{'GMs':>4}  {'truth':<24}{'ranges hold':>12}{'false':>8}{'width':>8}")
    for n_gms in (12, 48, 116):
        for name, truth in TRUTHS.items():
            generator = np.random.default_rng([given.seed, n_gms])
            made = [world(truth, n_gms, generator) for _ in range(given.worlds)]
            held, false, width = (float(np.mean(part)) for part in zip(*made, strict=True))
            print(f"{n_gms:>4}  {name:<24}{held:>12.3f}{false:>8.3f}{width:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
