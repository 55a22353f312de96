"""What is inferred about a generative model from its images: means of counts, majority classes.

Table 8 of the paper: many images of one GM tell more than a single image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES
from gmbench.training.parsed import LabelSpace, ParsedImages

if TYPE_CHECKING:
    import pandas as pd


SURE, LIKELY = 0.9, 2 / 3
"""Least probability of a class for the verdicts `known` and `likely`."""

NARROW, TOLD = 0.75, 0.4
"""Least share of the known GMs outside a count's interval for the verdicts `known` and `likely`."""


@dataclass(frozen=True)
class Interval:
    """The range of a count, based on what the parser knows of its own errors.

    Attributes:
        low: Smallest value, in natural units.
        high: Largest value.
        leaves_out: Share of the known GMs whose count lies outside.
    """

    low: float
    high: float
    leaves_out: float

    @property
    def verdict(self) -> str:
        """`known`, `likely` or `unknown`."""
        told = _verdict(self.leaves_out, NARROW, TOLD)
        # If most GMs share one value, it leaves few of them out, and is likely nonetheless.
        return "likely" if told == "unknown" and self.low == self.high else told


@dataclass(frozen=True)
class ParsedParameter:
    """One inferred parameter.

    Attributes:
        name: Its name in the schema.
        type: `continuous`, `discrete` or `loss`.
        value: A count in natural units, or the name of a class; for a loss `yes` or `no`.
        spread: Standard deviation of a count over the images; None for a single image or a class.
        confidence: Mean probability of the class over the images; None for a count.
        agreement: Share of images whose most likely class it is; None for a count.
        probabilities: Mean probability of each class; None for a count.
        interval: Range of a count; None for a class, and for a parser that cannot tell.
        verdict: `known`, `likely` or `unknown`; None for a parser that cannot tell.
    """

    name: str
    type: str
    value: float | str
    spread: float | None = None
    confidence: float | None = None
    agreement: float | None = None
    probabilities: Mapping[str, float] | None = None
    interval: Interval | None = None
    verdict: str | None = None


@dataclass(frozen=True)
class Relative:
    """A known GM that makes images like the given ones.

    Attributes:
        gm: Its name.
        share: How much of the images is like its own; the shares of all known GMs sum to 1.
    """

    gm: str
    share: float


@dataclass(frozen=True)
class Origin:
    """Whether the images are of a known kind at all.

    Attributes:
        looks_real: Whether they look like real images that the parser knows. If not, that says
            little, as it knows few.
        real_share: How much of them is like real images, 0 to 1.
        unlike_anything: Whether they lie farther from everything known than unseen GMs do.
        farther: Share of the images of unseen GMs that lie farther.
        mixed: Whether the images look like those of several GMs.
    """

    looks_real: bool
    real_share: float
    unlike_anything: bool
    farther: float
    mixed: bool


@dataclass(frozen=True)
class ParsedGM:
    """What is inferred about one GM from its images.

    Attributes:
        n_images: Number of images.
        parameters: The 25 parameters, in the schema's order.
        trained_on: What the parser was trained on, according to its checkpoint.
        relatives: The known GMs most like it, nearest first; empty for a parser that cannot tell.
        origin: Whether the images are of a known kind at all; None for a parser that cannot tell.
    """

    n_images: int
    parameters: tuple[ParsedParameter, ...]
    trained_on: Mapping[str, Any]
    relatives: tuple[Relative, ...] = ()
    origin: Origin | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
        return asdict(self)

    def to_pandas(self) -> pd.DataFrame:
        """Returns the parameters as a table with one row each, indexed by name."""
        import pandas as pd

        rows = [asdict(one) for one in self.parameters]
        for row in rows:
            interval = row.pop("interval") or {}
            row.pop("probabilities")
            row["low"], row["high"] = interval.get("low"), interval.get("high")
        return pd.DataFrame(rows).set_index("name")

    def _repr_html_(self) -> str:
        """Returns the HTML that a notebook shows."""
        from gmbench.pages.parsed import table_of

        return table_of(self.to_dict())


def by_name(names: Sequence[str], odds: NDArray[np.float64]) -> dict[str, float]:
    """Returns the probabilities of classes, keyed by class name."""
    return dict(zip(names, odds.tolist(), strict=True))


def verdict_of_class(confidence: float) -> str:
    """Returns `known`, `likely` or `unknown` for the probability of a class."""
    return _verdict(confidence, SURE, LIKELY)


def _verdict(value: float, known: float, likely: float) -> str:
    return "known" if value >= known else "likely" if value >= likely else "unknown"


def parsed_gm(parsed: ParsedImages, labels: LabelSpace, trained_on: Mapping[str, Any]) -> ParsedGM:
    """Returns what is inferred about the one GM that made all the images.

    A count is the mean over the images. A class is the one that is most likely for the largest
    number of images; of two equally frequent ones, that with the higher mean probability.

    Args:
        parsed: Output of a parser for the images.
        labels: Conversion of the output to label values.
        trained_on: What the parser was trained on.
    """
    counts = labels.counts(parsed)
    n_images = len(counts)
    parameters = [
        ParsedParameter(
            parameter.name,
            "continuous",
            float(column.mean()),
            spread=float(column.std()) if n_images > 1 else None,
        )
        for parameter, column in zip(CONTINUOUS, counts.T, strict=True)
    ]
    for parameter, odds in zip((*DISCRETE, *LOSSES), parsed.by_head, strict=True):
        names = labels.classes.get(parameter.name, ("no", "yes"))
        votes = np.bincount(odds.argmax(axis=1), minlength=len(names)) / n_images
        chosen = int((votes + 1e-6 * odds.mean(axis=0)).argmax())
        parameters.append(
            ParsedParameter(
                parameter.name,
                "discrete" if parameter in DISCRETE else "loss",
                names[chosen],
                confidence=float(odds[:, chosen].mean()),
                agreement=float(votes[chosen]),
                probabilities=by_name(names, odds.mean(axis=0)),
            )
        )
    return ParsedGM(n_images, tuple(parameters), trained_on)
