"""The words of the page, each defined once and shown both where it occurs and in one list."""

from __future__ import annotations

from dataclasses import dataclass

from gmbench.board.columns import COLUMNS
from gmbench.evaluation.intervals import CONFIDENCE


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the page.

    Attributes:
        key: Name in URLs; for a column, its key.
        word: The word.
        meaning: What it means.
    """

    key: str
    word: str
    meaning: str


_WORDS = (
    (
        "rank",
        "rank",
        "The best and the worst place that a method can have by the column that is sorted: "
        "among itself and all methods from which a paired test on the same generative models, "
        "corrected for all pairs of the board, does not tell it apart.",
    ),
    (
        "tier",
        "tier",
        "A heavier line begins one: its first method is told apart from the first of the tier "
        "above, the others of it are not told apart from their first.",
    ),
    (
        "interval",
        "interval",
        f"The {CONFIDENCE:.0%} interval of a bootstrap that draws generative models, then "
        "their images. It tells how sure one figure is, not whether two differ.",
    ),
    (
        "gm",
        "GM",
        "Generative model: a network that makes images. Those of a test set are never seen in "
        "training.",
    ),
    (
        "kind",
        "kind",
        "GAN, VAE, AR (autoregressive), NF (normalising flow), DM (diffusion model) or AA "
        "(adversarial attack).",
    ),
    (
        "floor",
        "labels alone",
        "The better of two baselines that look at no image: the median count and most "
        "frequent class of the training GMs, and classes drawn at the rates that maximise F1. "
        "What a method shows beyond is what it sees in images.",
    ),
    (
        "useful",
        "practical use",
        "Thresholds from which the paper calls a method of use in practice.",
    ),
    (
        "gain",
        "gain",
        "The share of what labels alone leave open: 0 is labels alone, 100 perfect.",
    ),
    (
        "open",
        "open labels",
        "Labels that anyone can know, so that no figure proves that a method did not know "
        "them. Sealed rounds are the test that cannot be prepared for.",
    ),
    (
        "twin",
        "twin",
        "A training GM with the same 15 architecture values as a test GM. The page of a "
        "method has each headline figure without such test GMs, too.",
    ),
    (
        "stated",
        "as stated",
        "Said by the makers of a method, and measured by nobody here.",
    ),
)


def glossary() -> tuple[Term, ...]:
    """Returns all terms: words of the page, then the columns of the table."""
    columns = (Term(one.key, one.title, _sentence(one.meaning, one.better)) for one in COLUMNS)
    return (*(Term(*one) for one in _WORDS), *columns)


def _sentence(meaning: str, better: str) -> str:
    text = f"{meaning[0].upper()}{meaning[1:]}"
    return f"{text}; {better} is better." if better else f"{text}."
