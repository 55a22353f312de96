"""What the coordinated attack found: a score for each similarity, categories, paired tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gmbench.evaluation.intervals import Interval

METRICS: tuple[str, ...] = ("auc", "auc_same_content", "accuracy", "accuracy_optimum")
"""What is told of each similarity."""

COMPARED: tuple[str, ...] = ("auc", "accuracy")
"""Metrics of the paired tests: those of Table 10."""

SAME_CONTENT = "same_content"
"""The reference that is told the contents of the two images, and nothing else."""


@dataclass(frozen=True)
class Score:
    """A number and its 95% interval; None where it is not defined."""

    value: float | None
    ci: Interval | None


@dataclass(frozen=True)
class Category:
    """One of the five categories of pairs (Figure 12).

    Attributes:
        n_pairs: Pairs drawn.
        n_wrong: How many of them are judged wrongly.
        wrong: The share of the category's pairs that is.
        share_of_wrong: The category's share of all pairs that are judged wrongly; None where none
            is.
    """

    n_pairs: int
    n_wrong: int
    wrong: Score
    share_of_wrong: float | None


@dataclass(frozen=True)
class AttackMethod:
    """How well one similarity tells whether two images are of one GM.

    Attributes:
        name: Of the similarity.
        meaning: One line for people.
        auc: Area under the ROC curve over all pairs.
        auc_same_content: The same where pairs of two GMs are those whose images show the same.
        accuracy: Share of the pairs that are judged rightly with the threshold from other GMs.
        accuracy_optimum: With the threshold that is best for the pairs themselves, as in the paper.
        thresholds: From other GMs: one, or the least and the greatest where pairs have several.
        threshold_optimum: The best one for the pairs themselves.
        categories: The five categories that occur, by name.
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
    """Two similarities on the same pairs.

    Attributes:
        first: Name of one.
        second: Name of the other.
        metric: One of `COMPARED`.
        difference: First less second.
        ci: Its 95% interval.
        p_value: Two-sided, by Student's t with the spread over GMs; None where undefined.
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
    """Everything that `gmbench attack` has to say.

    Attributes:
        benchmark: Name of the benchmark.
        version: Its version.
        source: Whose parsing.
        n_seen: GMs that the parser was trained on.
        n_unseen: GMs that it was not.
        n_images: Images whose pairs are drawn.
        n_pairs: Pairs of each category.
        always_different: Accuracy of who always says that two images are of two GMs.
        threshold_from: Whose pairs the threshold is from: `training GMs` or `other test GMs`.
        methods: Each similarity's result, by name.
        differences: Paired tests.
        replicates: Bootstrap replicates.
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
        """Reads back what `to_dict` made, from JSON too.

        Raises:
            KeyError: A key is missing.
            TypeError: A key does not belong there.
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
