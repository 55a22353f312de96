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
"""Changes whenever an image becomes different pixels: by the rule, a resize or a crop."""

_ALIKE = (1, RULE)
"""Rules that are accepted.

Under the first, transparency was put on black and EXIF orientation was ignored. The pixels of all
other images are the same, so that a network trained under it remains usable.
"""

MOST_PIXELS = 2**22
"""Most pixels of all views of an image: a description may be untrusted."""

_WORD = 2**64


class ViewError(GmbenchError):
    """A view that is invalid."""


@dataclass(frozen=True, slots=True)
class Resized:
    """The whole image, resized to a square with a Lanczos filter, which does not alias.

    The aspect ratio is not preserved: all of the image is seen, and nothing is padded. An image
    that already has this size is not resampled.

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
            image: The image, as opened by Pillow.
            image_id: Its id, named in errors.

        Raises:
            SourceError: There is no rule for converting the image to RGB.
        """
        pixels = rgb_pixels(image, image_id)
        side = (self.size, self.size)
        if pixels.shape[:2] != side:
            resized = Image.fromarray(pixels).resize(side, Image.Resampling.LANCZOS)
            pixels = np.asarray(resized)
        return pixels[None]

    def to_dict(self) -> dict[str, Any]:
        """Returns the description that `view_from_dict` takes, for a checkpoint's config."""
        return {"kind": "resized", "rule": RULE, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Crops:
    """Squares cut at native resolution, at positions drawn for each image.

    Resizing smears the traces of up-sampling; a crop keeps them. The position of crop `i` depends
    only on the seed, the image's id and `i`, so a larger count adds to the crops that there were.
    Crops may overlap. An image smaller than a crop is mirrored at its right and lower edges, with
    edge pixels repeated, again and again until it is large enough.

    Attributes:
        size: Side in pixels.
        count: Number of crops per image.
        seed: Seed of the positions.
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
            image: The image, as opened by Pillow.
            image_id: Its id, which with the seed determines the positions of the crops.

        Raises:
            SourceError: There is no rule for converting the image to RGB.
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
        """Returns the description that `view_from_dict` takes, for a checkpoint's config."""
        return {"kind": "crops", "rule": RULE, **asdict(self)}

    def _corner(self, image_id: str, number: int, height: int, width: int) -> tuple[int, int]:
        # A hash rather than a NumPy generator, whose draws may differ from version to version.
        digest = hashlib.sha256(f"{self.seed}\n{image_id}\n{number}".encode()).digest()
        down, right = (int.from_bytes(part, "big") for part in (digest[:8], digest[8:16]))
        return (
            down * (height - self.size + 1) // _WORD,
            right * (width - self.size + 1) // _WORD,
        )


View = Resized | Crops

_VIEWS: dict[str, Callable[..., View]] = {"resized": Resized, "crops": Crops}


def view_from_dict(description: Mapping[str, Any]) -> View:
    """Returns the view described by a `to_dict` or by hand, such as `{"kind": "resized"}`.

    Args:
        description: `kind`, `rule` (by default the current one), and the fields of the view.

    Raises:
        ViewError: The description is damaged, or was written under another rule to pixels.
    """
    fields = dict(description)
    name, rule = fields.pop("kind", None), fields.pop("rule", RULE)
    if not isinstance(name, str) or name not in _VIEWS:
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
