"""What a network sees of an image: its RGB pixels (`gmbench.data.rgb`), resized or cropped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from gmbench.data.rgb import Pixels, rgb_pixels
from gmbench.errors import GmbenchError

RULE = 2
"""Changes whenever an image becomes other pixels than before: in the rule, a resize or a crop."""

_ALIKE = (1, RULE)
"""Rules that are read: under the first, transparency lay on black and EXIF turned nothing. Of all
other images the pixels are the same, so that a network which was trained under it is of use."""

MOST_PIXELS = 2**22
"""Pixels of all views of an image at most: a description may be anyone's."""

_WORD = 2**64


class ViewError(GmbenchError):
    """A view that cannot be."""


@dataclass(frozen=True, slots=True)
class Resized:
    """The whole image, resized to a square with Lanczos' filter, which does not alias.

    The aspect ratio is not kept: all of the image is seen, and nothing is made up beside it. An
    image that has the size already is not resampled.

    Attributes:
        size: Side in pixels.
    """

    size: int = 64

    def __post_init__(self) -> None:
        _require(self, size=1)

    @property
    def views(self) -> int:
        """Number of views of an image."""
        return 1

    def apply(self, image: Image.Image, image_id: str = "") -> Pixels:
        """Returns the one view of an image, shape (1, size, size, 3).

        Args:
            image: As Pillow opened it.
            image_id: Named in errors.

        Raises:
            SourceError: The image has no rule to RGB.
        """
        pixels = rgb_pixels(image, image_id)
        side = (self.size, self.size)
        if pixels.shape[:2] != side:
            resized = Image.fromarray(pixels).resize(side, Image.Resampling.LANCZOS)
            pixels = np.asarray(resized)
        return pixels[None]

    def to_dict(self) -> dict[str, Any]:
        """Returns what `view_from_dict` takes, for the config of a checkpoint."""
        return {"kind": "resized", "rule": RULE, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Crops:
    """Squares cut at native resolution, where they lie drawn for each image.

    Resizing smears the traces of up-sampling; a crop keeps them. Where crop `i` lies depends on
    the seed, the image's id and `i` alone, so more crops add to those that there were. Crops may
    overlap. An image smaller than a crop is mirrored at its right and lower edge, edge pixels
    repeated, again and again until it is large enough.

    Attributes:
        size: Side in pixels.
        count: Crops of each image.
        seed: Seed of the places.
    """

    size: int = 64
    count: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self, size=1, count=1, seed=0)

    @property
    def views(self) -> int:
        """Number of views of an image."""
        return self.count

    def apply(self, image: Image.Image, image_id: str = "") -> Pixels:
        """Returns the crops of an image, shape (count, size, size, 3).

        Args:
            image: As Pillow opened it.
            image_id: Decides with the seed where the crops lie.

        Raises:
            SourceError: The image has no rule to RGB.
        """
        pixels = rgb_pixels(image, image_id)
        lacking = [(0, max(0, self.size - side)) for side in pixels.shape[:2]]
        if any(after for _, after in lacking):
            pixels = np.pad(pixels, [*lacking, (0, 0)], mode="symmetric")
        crops = np.empty((self.count, self.size, self.size, 3), np.uint8)
        for number in range(self.count):
            top, left = self._corner(image_id, number, pixels.shape[0], pixels.shape[1])
            crops[number] = pixels[top : top + self.size, left : left + self.size]
        return crops

    def to_dict(self) -> dict[str, Any]:
        """Returns what `view_from_dict` takes, for the config of a checkpoint."""
        return {"kind": "crops", "rule": RULE, **asdict(self)}

    def _corner(self, image_id: str, number: int, height: int, width: int) -> tuple[int, int]:
        # A hash and no generator of NumPy, whose draws may differ from version to version.
        digest = hashlib.sha256(f"{self.seed}\n{image_id}\n{number}".encode()).digest()
        down, right = (int.from_bytes(part, "big") for part in (digest[:8], digest[8:16]))
        return (
            down * (height - self.size + 1) // _WORD,
            right * (width - self.size + 1) // _WORD,
        )


View = Resized | Crops

_VIEWS: dict[str, Callable[..., View]] = {"resized": Resized, "crops": Crops}


def view_from_dict(description: Mapping[str, Any]) -> View:
    """Returns the view that a `to_dict` or a person described, such as `{"kind": "resized"}`.

    Args:
        description: `kind`, `rule` (by default the present one), and the fields of the view.

    Raises:
        ViewError: The description is damaged, or was written under another rule to pixels.
    """
    fields = dict(description)
    name, rule = fields.pop("kind", None), fields.pop("rule", RULE)
    if name not in _VIEWS:
        raise ViewError(
            f"The view {name!r} is not known. Give as `kind` one of {', '.join(_VIEWS)}."
        )
    if rule not in _ALIKE:
        raise ViewError(
            f"The view {name} is described under rule {rule} of how images become pixels; this "
            f"gmbench has rule {RULE}. Use the gmbench that wrote it, or train again."
        )
    try:
        return _VIEWS[name](**fields)
    except TypeError as error:
        raise ViewError(
            f"The view {name} cannot be made of {fields} ({error}). Give its fields alone."
        ) from error


def _require(view: View, **least: int) -> None:
    for name, smallest in least.items():
        value = getattr(view, name)
        if type(value) is not int or value < smallest:
            raise ViewError(
                f"{name} of {type(view).__name__} is {value!r}. Give a whole number from "
                f"{smallest} on."
            )
    pixels = view.views * view.size**2
    if pixels > MOST_PIXELS:
        raise ViewError(
            f"{type(view).__name__} would make {pixels:,} pixels of each image; at most "
            f"{MOST_PIXELS:,} are made. Give a smaller size or count."
        )
