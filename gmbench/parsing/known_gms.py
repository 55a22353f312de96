"""The parser of known GMs: what made images like these, and what those GMs have in common.

It is what `gmbench.training.relatives` learns, stored with everything needed to use it: which GMs
it knows, where each lies, what real images look like, and how sure it may be. No network, no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gmbench.data.rgb import Pixels, rgb_pixels
from gmbench.parsing.distances import Distances
from gmbench.parsing.grouping import sources_of
from gmbench.parsing.surety import Surety, quantiles, together
from gmbench.schema import CONTINUOUS, N_CONTINUOUS
from gmbench.training.feature_table import feature_rows, residual_rows
from gmbench.training.image_inputs import Images, opened
from gmbench.training.parsed import LabelSpace, ParsedImages
from gmbench.training.parsed_gm import (
    Interval,
    Origin,
    ParsedGM,
    ParsedParameter,
    Relative,
    by_name,
    parsed_gm,
    verdict_of_class,
)
from gmbench.training.relatives import Relatives

Array = NDArray[np.float64]
Features = NDArray[np.float32]

NEAREST = 5
"""Number of relatives that are named."""

UNLIKE_ANYTHING = 0.02
"""Images are unlike anything if less than this share of unseen GMs' images lie farther away."""


_MOST_IMAGES, _MOST_BYTES = 64, 2**22
"""A batch, whose pixels are held together, ends at this many images, or this many bytes."""


@dataclass(frozen=True)
class SaidOfImages:
    """What the parser says about each image.

    Attributes:
        shares: Shares of the known GMs, shape (images, GMs); rows sum to 1.
        real: Share of real images among what each image is like, shape (images,).
        distances: Distance from the nearest known GM or group of real images, shape (images,).
    """

    shares: Array
    real: Array
    distances: Array

    def of(self, rows: Sequence[int] | NDArray[np.int64]) -> SaidOfImages:
        """Returns what is said about some of the images."""
        taken = np.asarray(rows)
        return SaidOfImages(self.shares[taken], self.real[taken], self.distances[taken])


@dataclass(frozen=True)
class KnownGMs:
    """A parser that knows GMs by their images.

    Attributes:
        names: Names of the known GMs, in the order of their shares; a GM and its replica share a
            name.
        values: Label values of the GMs, shape (GMs, 25).
        labels: Names of the values, and how counts are normalised.
        relatives: Knows the GMs and, after them, groups of real images.
        distances: Where the GMs lie.
        surety: How sure the parser may be.
        real_from: Share of real images from which an image is called real.
        trained_on: What the parser was trained on, and how wrong it is there, for display.
    """

    names: tuple[str, ...]
    values: Array
    labels: LabelSpace
    relatives: Relatives
    distances: Distances
    surety: Surety
    real_from: float
    trained_on: Mapping[str, Any]

    def parse(self, images: Images) -> ParsedGM:
        """Infers the hyperparameters of the generative model that made some images.

        Args:
            images: One image or several, all of one GM: paths, Pillow images or uint8 arrays of
                shape (height, width) or (height, width, 3), of any mode and size.

        Raises:
            SourceError: There is no image, or one cannot be read.
        """
        return self.parse_said(self.look(opened(images)))

    def parse_each(self, images: Iterable[Image.Image]) -> ParsedImages:
        """Parses images, each on its own.

        Args:
            images: At least one, of any mode and size.
        """
        return self.parsed(self.look(images).shares)

    def look(self, images: Iterable[Image.Image]) -> SaidOfImages:
        """Looks at images in batches, so that few of their pixels are held at once."""
        return self.look_at(np.concatenate(list(_features(images))))

    def look_at(self, features: Features) -> SaidOfImages:
        """Returns which GMs made images like these.

        Args:
            features: Features of `gmbench.training.feature_table`, shape (images, features).
        """
        shares = self.relatives.shares(features)
        made = shares[:, : len(self.names)]
        total = made.sum(axis=1)
        return SaidOfImages(
            # An image that is like nothing but real ones is equally like all GMs.
            (made + 1e-9) / (total + 1e-9 * made.shape[1])[:, None],
            1.0 - total,
            self.distances.nearest(features),
        )

    def parsed(self, shares: Array) -> ParsedImages:
        """Derives counts and class probabilities from the shares of GMs.

        Args:
            shares: Shape (images, GMs).
        """
        counts, heads = [], []
        for column, doubt in enumerate(self.surety.doubts):
            careful = _doubted(shares, float(doubt))
            values = self.values[:, column]
            if column < N_CONTINUOUS:
                counts.append(quantiles(careful, values, [0.5])[:, 0])
                continue
            n_classes = self.labels.n_classes[column - N_CONTINUOUS]
            heads.append(careful @ np.eye(n_classes)[values.astype(int)])
        minimum, span = np.array(self.labels.minimum), np.array(self.labels.span)
        return ParsedImages(
            (np.column_stack(counts) - minimum) / span, np.hstack(heads), self.labels.n_classes
        )

    def parse_said(self, said: SaidOfImages) -> ParsedGM:
        """Infers the hyperparameters of one GM from what is said about its images.

        All images are combined: the parameters are derived from the geometric mean of their shares.
        """
        shares = together(said.shares)[None]
        whole, each = self.parsed(shares), self.parsed(said.shares)
        alone = parsed_gm(each, self.labels, self.trained_on).parameters
        parameters = [
            self._count(number, shares, one) for number, one in enumerate(alone[:N_CONTINUOUS])
        ]
        for odds, votes, one in zip(
            whole.by_head, each.classes.T, alone[N_CONTINUOUS:], strict=True
        ):
            names = self.labels.classes.get(one.name, ("no", "yes"))
            chosen = int(odds[0].argmax())
            confidence = float(odds[0, chosen])
            parameters.append(
                ParsedParameter(
                    one.name,
                    one.type,
                    names[chosen],
                    confidence=confidence,
                    agreement=float((votes == chosen).mean()),
                    probabilities=by_name(names, odds[0]),
                    verdict=verdict_of_class(confidence),
                )
            )
        distance = float(np.median(said.distances))
        farther = self.surety.farther(distance)
        real = float(said.real.mean())
        return ParsedGM(
            n_images=len(said.shares),
            parameters=tuple(parameters),
            trained_on=self.trained_on,
            relatives=self._nearest(shares[0]),
            origin=Origin(
                looks_real=real >= self.real_from,
                real_share=real,
                unlike_anything=farther < UNLIKE_ANYTHING,
                farther=farther,
                mixed=len(sources_of(said.shares)) > 1,
            ),
        )

    def _count(self, number: int, shares: Array, each: ParsedParameter) -> ParsedParameter:
        """Returns a count with its interval, and the share of known GMs that this leaves out."""
        values, tail = self.values[:, number], float(self.surety.tails[number])
        careful = _doubted(shares, float(self.surety.doubts[number]))
        low, value, high = quantiles(careful, values, [tail, 0.5, 1 - tail])[0]
        outside = float(((values < low) | (values > high)).mean())
        interval = Interval(float(low), float(high), outside)
        return ParsedParameter(
            CONTINUOUS[number].name,
            "continuous",
            float(value),
            spread=each.spread,
            interval=interval,
            verdict=interval.verdict,
        )

    def _nearest(self, shares: Array) -> tuple[Relative, ...]:
        totals: dict[str, float] = {}
        for name, share in zip(self.names, shares.tolist(), strict=True):
            totals[name] = totals.get(name, 0.0) + share
        largest = sorted(totals, key=lambda name: -totals[name])[:NEAREST]
        return tuple(Relative(name, totals[name]) for name in largest)


def _doubted(shares: Array, doubt: float) -> Array:
    return np.asarray((1 - doubt) * shares + doubt / shares.shape[1])


def _features(images: Iterable[Image.Image]) -> Iterator[Features]:
    """Yields the features of successive batches; images of one size are processed together."""
    pixels = (rgb_pixels(image, "") for image in images)
    for some in _some_at_a_time(pixels):
        spectral, residual = feature_rows(iter(some)), residual_rows(iter(some))
        yield np.hstack([np.concatenate(list(rows)) for rows in (spectral, residual)])


def _some_at_a_time(pixels: Iterable[Pixels]) -> Iterator[list[Pixels]]:
    some: list[Pixels] = []
    for image in pixels:
        some.append(image)
        if sum(one.size for one in some) >= _MOST_BYTES or len(some) >= _MOST_IMAGES:
            yield some
            some = []
    if some:
        yield some
