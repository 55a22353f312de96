"""The columns of the board, one entry each; table, files and filters are made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gmbench.evaluation.metrics import BY_NAME


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: Name in files and URLs.
        title: Heading.
        kind: `score` (from the result), `cost` (a number from the card) or `text` (from the card).
        better: Which direction is better; empty if neither is.
        shown: Whether it is shown by default.
        meaning: One-line description for display.
        useful: Threshold of practical use; None if there is none.
    """

    key: str
    title: str
    kind: Literal["score", "cost", "text"]
    better: Literal["lower", "higher", ""]
    shown: bool
    meaning: str
    useful: float | None = None


def _score(key: str, title: str, meaning: str, *, shown: bool = True) -> Column:
    metric = BY_NAME[key]
    return Column(key, title, "score", metric.better, shown, meaning, metric.useful)


STATED = "as its makers state it: nothing here was measured"


def _cost(key: str, title: str, meaning: str) -> Column:
    return Column(key, title, "cost", "lower", False, f"{meaning}, {STATED}")


def _text(key: str, title: str, meaning: str, *, shown: bool = False) -> Column:
    return Column(key, title, "text", "", shown, meaning)


def _stated(key: str, title: str, meaning: str) -> Column:
    return _text(key, title, f"{meaning}, {STATED}", shown=True)


COLUMNS: tuple[Column, ...] = (
    _score(
        "skill", "skill", "0 is what labels alone can do, 1 is perfect; counts, classes and losses"
    ),
    _score("l1", "L1", "mean absolute error of the 9 counts, normalised"),
    _score("arch_f1", "arch F1", "weighted F1 of the 6 discrete architecture parameters"),
    _score("loss_f1", "loss F1", "weighted F1 of the 10 training losses"),
    _stated("training_data", "data, as stated", "what the method learned from"),
    _text("date", "date", "day of the submission", shown=True),
    _score("correlation", "corr.", "Pearson correlation of predicted and true counts", shown=False),
    _score("r2", "R²", "coefficient of determination of the counts", shown=False),
    _score(
        "ransac_slope",
        "slope",
        "slope of RANSAC's line of true on predicted counts; 1 is ideal",
        shown=False,
    ),
    _score(
        "arch_accuracy",
        "arch acc.",
        "accuracy of the 6 discrete architecture parameters",
        shown=False,
    ),
    _score("loss_accuracy", "loss acc.", "accuracy of the 10 training losses", shown=False),
    _score("l1_skill", "count skill", "skill in the 9 counts", shown=False),
    _score("arch_skill", "class skill", "skill in the 6 discrete parameters", shown=False),
    _score("loss_skill", "loss skill", "skill in the 10 losses", shown=False),
    _score("arch_f1_macro", "arch F1 macro", "macro F1 of the 6 discrete ones", shown=False),
    _score("loss_f1_macro", "loss F1 macro", "macro F1 of the 10 losses", shown=False),
    _cost("params", "weights, as stated", "number of trained weights"),
    _cost("training_hours", "training, h, as stated", "hours of training, all folds together"),
    _cost("seconds_per_image", "s / image, as stated", "seconds that one image takes"),
    _text("authors", "authors", "who made it"),
)
"""All columns after rank and method, in the order of the table."""

COLUMN: dict[str, Column] = {column.key: column for column in COLUMNS}
SCORES: tuple[Column, ...] = tuple(column for column in COLUMNS if column.kind == "score")
COSTS: tuple[Column, ...] = tuple(column for column in COLUMNS if column.kind == "cost")
DEFAULT_SORT = "skill"
"""Column by which methods are sorted by default."""
