"""What the images of one generative model say of it: means of counts, majorities of classes.

Table 8 of the paper: many images of one GM say more than one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES
from gmbench.training.parsed import LabelSpace, ParsedImages

if TYPE_CHECKING:
    import pandas as pd


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
    """

    name: str
    type: str
    value: float | str
    spread: float | None = None
    confidence: float | None = None
    agreement: float | None = None


@dataclass(frozen=True)
class ParsedGM:
    """What the images of one GM say of it.

    Attributes:
        n_images: Number of images.
        parameters: The 25 parameters, in the schema's order.
        trained_on: What the parser was trained on, as its checkpoint says.
    """

    n_images: int
    parameters: tuple[ParsedParameter, ...]
    trained_on: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
        return asdict(self)

    def to_pandas(self) -> pd.DataFrame:
        """Returns the parameters as a table: one row each, by name."""
        import pandas as pd

        return pd.DataFrame([asdict(one) for one in self.parameters]).set_index("name")


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
            )
        )
    return ParsedGM(n_images, tuple(parameters), trained_on)
