"""A parser's output for images as arrays, and its conversion to label values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmbench.errors import LONGEST_NAME
from gmbench.schema import DISCRETE, LOSSES, N_CONTINUOUS, N_DISCRETE

if TYPE_CHECKING:
    from gmbench.benchmark.benchmark import Benchmark


@dataclass(frozen=True)
class ParsedImages:
    """Output of a parser for images.

    Attributes:
        continuous: Normalised values, shape (images, 9); not clipped to [0, 1].
        probabilities: Probabilities of every class of every head, shape (images, classes of all
            heads).
        n_classes: Number of classes of each of the 16 heads.
    """

    continuous: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    n_classes: tuple[int, ...]

    @cached_property
    def by_head(self) -> list[NDArray[np.float64]]:
        """Class probabilities of each head, each of shape (images, classes)."""
        return np.split(self.probabilities, np.cumsum(self.n_classes)[:-1], axis=1)

    @cached_property
    def classes(self) -> NDArray[np.int64]:
        """The most likely class of each head, shape (images, 16); losses as 0 or 1."""
        return np.stack([head.argmax(axis=1) for head in self.by_head], axis=1)

    @property
    def loss_scores(self) -> NDArray[np.float64]:
        """Probability of each loss, shape (images, 10)."""
        return np.stack([head[:, 1] for head in self.by_head[N_DISCRETE:]], axis=1)


def join(parts: Iterable[ParsedImages]) -> ParsedImages:
    """Concatenates several results in order."""
    parsed = list(parts)
    return ParsedImages(
        np.concatenate([part.continuous for part in parsed]),
        np.concatenate([part.probabilities for part in parsed]),
        parsed[0].n_classes,
    )


def mean(parts: Sequence[ParsedImages], weights: Sequence[float] | None = None) -> ParsedImages:
    """Averages the outputs of several parsers for the same images.

    Args:
        parts: Output of each parser.
        weights: Weight of each parser; equal when None.
    """
    return ParsedImages(
        np.average([part.continuous for part in parts], axis=0, weights=weights),
        np.average([part.probabilities for part in parts], axis=0, weights=weights),
        parts[0].n_classes,
    )


MOST_CLASSES = 256
"""Maximum number of classes of a discrete parameter in a parser's file."""


@dataclass(frozen=True)
class LabelSpace:
    """Conversion of a network's outputs to label values.

    Attributes:
        minimum: Smallest value of each continuous parameter, in natural units.
        span: Largest minus smallest value.
        classes: Class names of each discrete parameter.
        sha256: SHA-256 of the labels that it was derived from.
    """

    minimum: tuple[float, ...]
    span: tuple[float, ...]
    classes: Mapping[str, tuple[str, ...]]
    sha256: str

    @classmethod
    def of(cls, benchmark: Benchmark) -> LabelSpace:
        """Returns the label space of a benchmark."""
        return cls(
            tuple(benchmark.minimum.tolist()),
            tuple(benchmark.span.tolist()),
            benchmark.classes,
            benchmark.labels_sha256,
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelSpace:
        """Builds a label space from a mapping of its fields, which may be untrusted.

        Raises:
            KeyError: A field, or the classes of a parameter, are missing.
            ValueError: There are too few or too many numbers or classes, a number is not finite, a
                span is not positive, or a class name is not fit for display.
        """
        minimum, span = (tuple(float(one) for one in data[name]) for name in ("minimum", "span"))
        classes = {p.name: tuple(map(str, data["classes"][p.name])) for p in DISCRETE}
        names = [name for one in classes.values() for name in one]
        sound = (
            len(minimum) == len(span) == N_CONTINUOUS
            and bool(np.isfinite((minimum, span)).all())
            and min(span) > 0
            and all(0 < len(one) <= MOST_CLASSES for one in classes.values())
            and all(name.isprintable() and len(name) <= LONGEST_NAME for name in names)
        )
        if not sound:
            raise ValueError("what it says of labels does not go together")
        return cls(minimum, span, classes, str(data["sha256"]))

    @property
    def n_classes(self) -> tuple[int, ...]:
        """Number of classes of each of the 16 heads."""
        return (*(len(self.classes[p.name]) for p in DISCRETE), *(2 for _ in LOSSES))

    def counts(self, parsed: ParsedImages) -> NDArray[np.float64]:
        """Returns the continuous parameters in natural units, shape (images, 9)."""
        # A regressor may return a negative value, but a count cannot be negative.
        counts = parsed.continuous * np.array(self.span) + np.array(self.minimum)
        return np.asarray(np.maximum(counts, 0.0))
