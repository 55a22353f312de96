"""What the images of one generative model say of it: means of counts, majorities of classes.

Table 8 of the paper: many images of one GM say more than one.
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
"""Least probability of a class that is said to be known, and to be likely."""

NARROW, TOLD = 0.75, 0.4
"""Least share of the known GMs that a count's interval leaves out, to be known and to be likely."""


@dataclass(frozen=True)
class Interval:
    """Where a count lies, by what the parser knows of its own errors.

    Attributes:
        low: Least value, in natural units.
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
        # Most GMs may have one value; then it leaves few out, and is likely all the same.
        return "likely" if told == "unknown" and self.low == self.high else told


@dataclass(frozen=True)
class ParsedParameter:
    """One inferred parameter.

    Attributes:
        name: Its name in the schema.
        type: `continuous`, `discrete` or `loss`.
        value: A count in natural units, or the name of the class; of a loss `yes` or `no`.
        spread: Of a count its standard deviation over the images; None with a single image.
        confidence: Of a class its mean probability over the images; None of a count.
        agreement: Of a class the share of images whose likeliest class it is; None of a count.
        probabilities: Of a class the mean probability of each; None of a count.
        interval: Of a count where it lies; None of a class, and of a parser that cannot say.
        verdict: `known`, `likely` or `unknown`; None of a parser that cannot say.
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
    """A known GM that makes images like these.

    Attributes:
        gm: Its name.
        share: How much of the images is like its own; all known GMs have 1 together.
    """

    gm: str
    share: float


@dataclass(frozen=True)
class Origin:
    """Whether the images are of a known kind at all.

    Attributes:
        looks_real: Whether they look like real images that the parser knows. That they do not says
            little: it knows few.
        real_share: How much of them is like real images, 0 to 1.
        unlike_anything: Whether they lie farther from all that is known than unseen GMs do.
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
    """What the images of one GM say of it.

    Attributes:
        n_images: Number of images.
        parameters: The 25 parameters, in the schema's order.
        trained_on: What the parser was trained on, as its checkpoint says.
        relatives: The known GMs most like it, the nearest first; none of a parser that cannot say.
        origin: Whether the images are of a known kind at all; None of a parser that cannot say.
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
        """Returns the parameters as a table: one row each, by name."""
        import pandas as pd

        rows = [asdict(one) for one in self.parameters]
        for row in rows:
            interval = row.pop("interval") or {}
            row.pop("probabilities")
            row["low"], row["high"] = interval.get("low"), interval.get("high")
        return pd.DataFrame(rows).set_index("name")

    def _repr_html_(self) -> str:
        """Returns it as a notebook shows it."""
        from gmbench.pages.parsed import table_of

        return table_of(self.to_dict())


def by_name(names: Sequence[str], odds: NDArray[np.float64]) -> dict[str, float]:
    """Returns the probabilities of classes by their names."""
    return dict(zip(names, odds.tolist(), strict=True))


def verdict_of_class(confidence: float) -> str:
    """Returns `known`, `likely` or `unknown` for the probability of a class."""
    return _verdict(confidence, SURE, LIKELY)


def _verdict(value: float, known: float, likely: float) -> str:
    return "known" if value >= known else "likely" if value >= likely else "unknown"


def parsed_gm(parsed: ParsedImages, labels: LabelSpace, trained_on: Mapping[str, Any]) -> ParsedGM:
    """Returns what images say of the one GM that made them all.

    A count is the mean over the images. A class is the one that most images have for the likeliest;
    of two that are equally frequent, the one with the higher mean probability.

    Args:
        parsed: What is said of each image.
        labels: What the values are called.
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
