"""Parsing the images of one unknown generative model: the mean of numbers, the majority of classes.

Table 8 of the paper: many images of one GM say more than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from gmbench.benchmark.catalog import TABLES
from gmbench.errors import SourceError
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES
from gmbench.training.checkpoint import ModelParserCheckpoint, load_checkpoint

SHIPPED = TABLES / "parser"
"""The small checkpoint that comes with the package: trained on the sample alone."""


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
    trained_on: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
        return asdict(self)


def parse_files(files: Sequence[Path], model: str | Path | None = None) -> ParsedGM:
    """Infers the hyperparameters of the GM that made some images.

    Args:
        files: Image files, all of one GM.
        model: Folder of a checkpoint or its name on the Hub; the one of the package when None.

    Raises:
        SourceError: A file is no image that can be read.
        CheckpointError: The checkpoint cannot be read.
    """
    return parse_gm(_opened(files), load_checkpoint(model or SHIPPED))


def parse_gm(images: Iterable[Image.Image], checkpoint: ModelParserCheckpoint) -> ParsedGM:
    """Infers the hyperparameters of the GM that made some images.

    A count is the mean over the images. A class is the one that most images have for the likeliest;
    of two that are equally frequent, the one with the higher mean probability.

    Args:
        images: At least one, all of one GM, of any mode and size; taken one by one.
        checkpoint: The parser.
    """
    parsed = checkpoint.parse(images)
    counts = checkpoint.labels.counts(parsed)
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
        names = checkpoint.labels.classes.get(parameter.name, ("no", "yes"))
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
    return ParsedGM(n_images, tuple(parameters), checkpoint.trained_on)


def _opened(files: Iterable[Path]) -> Iterator[Image.Image]:
    for file in files:
        try:
            with Image.open(file) as image:
                image.load()
                yield image
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no image that can be read"
            raise SourceError(f"{file} cannot be parsed: {reason}. Give image files.") from error
