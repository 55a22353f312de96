"""The coordinated attack: do two images come from the same GM, even one unseen in training?

A similarity measures how alike two images are, and a threshold turns it into a yes or no. AUC needs
no threshold. The threshold is the best one for pairs of images other than those being judged. If
images that the method was trained on are given, it comes from them: no test image is used; of the
seen GMs, the images that the parser was trained on are. Otherwise it comes from the other test GMs,
in cross-validation. Intervals and tests resample GMs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement

import numpy as np

from gmbench.applications.attack_pairs import CATEGORIES, AttackImages, Pairs, draw_pairs
from gmbench.applications.attack_result import (
    COMPARED,
    METRICS,
    SAME_CONTENT,
    AttackDifference,
    AttackMethod,
    AttackResult,
    Category,
    Score,
)
from gmbench.applications.attack_scores import (
    AUC,
    Array,
    Cells,
    Mean,
    best_threshold,
    ends,
    p_value,
)
from gmbench.applications.similarity import Vectors, pair_similarities
from gmbench.errors import BenchmarkError
from gmbench.evaluation.intervals import REPLICATES, Resampled
from gmbench.evaluation.significance import holm

PAIRS = 2000
"""Default number of pairs per category."""

_FOLDS = 5


@dataclass(frozen=True)
class Similarity:
    """A similarity between images.

    Attributes:
        name: Name, such as `parsed`.
        meaning: One-line description for display.
        vectors: Vectors of the judged images; their dot product is the similarity.
        training: Vectors of images of training GMs, in the order of the `training` images given
            to `judge`; None if there are none.
    """

    name: str
    meaning: str
    vectors: Vectors
    training: Vectors | None = None


def judge(
    images: AttackImages,
    similarities: Sequence[Similarity],
    training: AttackImages | None = None,
    *,
    told: tuple[str, str, str],
    n_pairs: int = PAIRS,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> AttackResult:
    """Draws pairs and measures how well each similarity recognises pairs from the same GM.

    Args:
        images: The images to judge.
        similarities: The similarities to compare, all on the same pairs.
        training: Images of training GMs, for the threshold; None uses the other test GMs.
        told: Name and version of the benchmark, and the source of the parsing.
        n_pairs: Maximum number of pairs per category.
        replicates: Number of bootstrap replicates; 0 disables intervals.
        seed: Seed for the pairs, the folds and the replicates.

    Raises:
        BenchmarkError: There are too few GMs or images.
    """
    pairs = draw_pairs(images, n_pairs, seed)
    cells = Cells.of(images, pairs, replicates, seed)
    counts = np.bincount(pairs.categories, minlength=len(CATEGORIES)).tolist()
    n_pairs_of = {name: n for name, n in zip(CATEGORIES, counts, strict=True) if n}
    share_same = float(pairs.same.mean())
    # A GM parsed by two parsers is one GM.
    names, contents = np.array(images.names), np.array(images.contents)
    alike = contents[cells.one] == contents[cells.other]
    reference = Similarity(
        SAME_CONTENT,
        "told what the two images show, and nothing else",
        (contents[images.gms][:, None] == np.unique(contents)).astype(np.float32),
    )
    methods, found = {}, {}
    for one in (*similarities, reference):
        scores = pair_similarities(one.vectors, pairs.first, pairs.second)
        if one is reference:
            thresholds = np.full(len(pairs), 0.5)
        elif training is not None and one.training is not None:
            thresholds = np.full(
                len(pairs), _trained_threshold(one.training, training, n_pairs, share_same, seed)
            )
        else:
            thresholds = _crossed_thresholds(scores, images, pairs, share_same, seed)
        optimum = best_threshold(scores, pairs.same, share_same)
        right = (scores >= thresholds) == pairs.same
        parts = cells.resampled(
            {
                "auc": AUC.of_scores(cells, scores),
                "auc_same_content": AUC.of_scores(cells, scores, alike),
                "accuracy": Mean.over(cells, right),
                "accuracy_optimum": Mean.over(cells, (scores >= optimum) == pairs.same),
                **{
                    name: Mean.over(cells, ~right, pairs.categories == CATEGORIES.index(name))
                    for name in n_pairs_of
                },
            }
        )
        found[one.name] = parts
        methods[one.name] = AttackMethod(
            name=one.name,
            meaning=one.meaning,
            **{name: _score(parts[name]) for name in METRICS},
            thresholds=tuple(sorted({float(thresholds.min()), float(thresholds.max())})),
            threshold_optimum=optimum,
            categories={
                name: _category(n, parts[name], int((~right).sum()))
                for name, n in n_pairs_of.items()
            },
        )
    return AttackResult(
        *told,
        n_seen=len(set(names[images.seen])),
        n_unseen=len(set(names[~images.seen])),
        n_images=len(images.gms),
        n_pairs=n_pairs_of,
        always_different=1 - share_same,
        threshold_from="other test GMs" if training is None else "training GMs",
        methods=methods,
        differences=_differences(found),
        replicates=replicates,
        seed=seed,
    )


def _score(part: Resampled) -> Score:
    value = float(part.value)
    return Score(value if np.isfinite(value) else None, ends(part))


def _category(n_pairs: int, part: Resampled, all_wrong: int) -> Category:
    n_wrong = round(float(part.value) * n_pairs)
    return Category(n_pairs, n_wrong, _score(part), n_wrong / all_wrong if all_wrong else None)


def _differences(found: dict[str, dict[str, Resampled]]) -> tuple[AttackDifference, ...]:
    tests = []
    for metric in COMPARED:
        for first, second in combinations(found, 2):
            difference = found[first][metric] - found[second][metric]
            tests.append((first, second, metric, difference, p_value(difference)))
    defined = [test for test in tests if np.isfinite(test[4])]
    corrected = dict(
        zip([test[:3] for test in defined], holm([test[4] for test in defined]), strict=True)
    )
    return tuple(
        AttackDifference(
            first, second, metric,
            difference=_score(part).value,
            ci=ends(part, (-1.0, 1.0)),
            p_value=p if np.isfinite(p) else None,
            p_holm=corrected.get((first, second, metric)),
        )
        for first, second, metric, part, p in tests
    )  # fmt: skip


def _trained_threshold(
    vectors: Vectors, training: AttackImages, n_pairs: int, share_same: float, seed: int
) -> float:
    """Returns the best threshold for pairs of training GMs."""
    pairs = draw_pairs(training, n_pairs, seed)
    scores = pair_similarities(vectors, pairs.first, pairs.second)
    return best_threshold(scores, pairs.same, share_same)


def _crossed_thresholds(
    scores: Array, images: AttackImages, pairs: Pairs, share_same: float, seed: int
) -> Array:
    """Returns a threshold for each pair, chosen on pairs with no GM in the folds of its two GMs.

    Raises:
        BenchmarkError: The remaining pairs contain none of one GM, or none of two.
    """
    # A GM parsed by two parsers is one GM.
    _, identity = np.unique(images.names, return_inverse=True)
    folds = np.random.default_rng([seed, 0xF0]).permutation(identity.max() + 1) % _FOLDS
    fold_of = folds[identity][images.gms]
    one, other = fold_of[pairs.first], fold_of[pairs.second]
    thresholds = np.empty(len(pairs))
    for held in combinations_with_replacement(range(_FOLDS), 2):
        judged = ((one == held[0]) & (other == held[1])) | ((one == held[1]) & (other == held[0]))
        if not judged.any():
            continue
        free = ~np.isin(one, held) & ~np.isin(other, held)
        if not 0 < pairs.same[free].sum() < free.sum():
            raise BenchmarkError(
                f"The threshold for two GMs comes from pairs of other GMs, and of "
                f"{identity.max() + 1} GMs there are too few. Give images of ten GMs or more of "
                "one parser, or predictions of training GMs with --training."
            )
        thresholds[judged] = best_threshold(scores[free], pairs.same[free], share_same)
    return thresholds
