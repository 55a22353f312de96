"""Results of the coordinated attack: scores of each similarity, categories, paired tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gmbench.evaluation.intervals import Interval

METRICS: tuple[str, ...] = ("auc", "auc_same_content", "accuracy", "accuracy_optimum")
"""Metrics reported for each similarity."""

COMPARED: tuple[str, ...] = ("auc", "accuracy")
"""Metrics of the paired tests: those of Table 10."""

SAME_CONTENT = "same_content"
"""The reference similarity that knows only the contents of the two images."""


@dataclass(frozen=True)
class Score:
    """A number and its 95% interval; None where undefined."""

    value: float | None
    ci: Interval | None


@dataclass(frozen=True)
class Category:
    """One of the five categories of pairs (Figure 12).

    Attributes:
        n_pairs: Number of pairs drawn.
        n_wrong: Number of them that are misjudged.
        wrong: Share of the category's pairs that are misjudged.
        share_of_wrong: The category's share of all misjudged pairs; None if no pair is misjudged.
    """

    n_pairs: int
    n_wrong: int
    wrong: Score
    share_of_wrong: float | None


@dataclass(frozen=True)
class AttackMethod:
    """How well one similarity tells whether two images come from the same GM.

    Attributes:
        name: Name of the similarity.
        meaning: One-line description for display.
        auc: Area under the ROC curve over all pairs.
        auc_same_content: The same with pairs of two GMs restricted to GMs of the same content.
        accuracy: Share of pairs judged correctly with the threshold from other GMs.
        accuracy_optimum: The same with the best threshold for the pairs themselves, as in the
            paper.
        thresholds: Thresholds from other GMs: one, or the smallest and largest if there are
            several.
        threshold_optimum: The best threshold for the pairs themselves.
        categories: Results by name for those of the five categories that occur.
    """

    name: str
    meaning: str
    auc: Score
    auc_same_content: Score
    accuracy: Score
    accuracy_optimum: Score
    thresholds: tuple[float, ...]
    threshold_optimum: float
    categories: dict[str, Category]


@dataclass(frozen=True)
class AttackDifference:
    """The difference between two similarities on the same pairs.

    Attributes:
        first: Name of the first similarity.
        second: Name of the second.
        metric: One of `COMPARED`.
        difference: First minus second.
        ci: 95% interval of the difference.
        p_value: Two-sided p-value by Student's t with the spread over GMs; None where undefined.
        p_holm: The same, corrected for all tests of the result (Holm).
    """

    first: str
    second: str
    metric: str
    difference: float | None
    ci: Interval | None
    p_value: float | None
    p_holm: float | None


@dataclass(frozen=True)
class AttackResult:
    """The full result of `gmbench attack`.

    Attributes:
        benchmark: Name of the benchmark.
        version: Version of the benchmark.
        source: Source of the parsing.
        n_seen: Number of GMs that the parser was trained on.
        n_unseen: Number of GMs that it was not trained on.
        n_images: Number of images that pairs are drawn from.
        n_pairs: Number of pairs by category.
        always_different: Accuracy of always answering that two images come from two GMs.
        threshold_from: GMs that the threshold was chosen on: `training GMs` or `other test GMs`.
        methods: Results by similarity.
        differences: Paired tests.
        replicates: Number of bootstrap replicates.
        seed: Seed of pairs and replicates.
    """

    benchmark: str
    version: str
    source: str
    n_seen: int
    n_unseen: int
    n_images: int
    n_pairs: dict[str, int]
    always_different: float
    threshold_from: str
    methods: dict[str, AttackMethod]
    differences: tuple[AttackDifference, ...]
    replicates: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data: finite numbers or None."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AttackResult:
        """Restores a result from the output of `to_dict`, also after a round trip through JSON.

        Raises:
            KeyError: A key is missing.
            TypeError: A key is unknown.
        """

        def interval(ends: Sequence[float] | None) -> Interval | None:
            return None if ends is None else (ends[0], ends[1])

        def score(of: Mapping[str, Any]) -> Score:
            return Score(of["value"], interval(of["ci"]))

        def method(of: Mapping[str, Any]) -> AttackMethod:
            categories = {
                name: Category(**{**one, "wrong": score(one["wrong"])})
                for name, one in of["categories"].items()
            }
            read: dict[str, Any] = {name: score(of[name]) for name in METRICS}
            read |= {"thresholds": tuple(of["thresholds"]), "categories": categories}
            return AttackMethod(**{**of, **read})

        read = {
            "methods": {name: method(one) for name, one in data["methods"].items()},
            "differences": tuple(
                AttackDifference(**{**one, "ci": interval(one["ci"])})
                for one in data["differences"]
            ),
        }
        return cls(**{**data, **read})
