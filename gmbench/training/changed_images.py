"""Images after a way through the world: blurred, made smaller, saved again as JPEG.

Whoever learns from such copies too knows a GM's images again when they were changed. What is done
to an image is drawn for that image, and is the same whenever and in whatever order it is done.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image, ImageFilter

from gmbench.data.rgb import Pixels, rgb_pixels

VERSION = 1
"""Changes whenever an image is changed in another way than before."""

RADII = (0.3, 1.2)
"""Of the Gaussian blur, in pixels."""

PARTS = (0.5, 1.0)
"""What both sides are multiplied by."""

QUALITIES = (50, 95)
"""Of the JPEG."""

_LEAST_SIDE = 8
_FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class Change:
    """One way to change all images, each by itself: one or two of blur, size and JPEG.

    Attributes:
        copy: Number of the copy; each is changed in its own way.
        seed: Draws what is done.
    """

    copy: int
    seed: int

    def __call__(self, image: Image.Image, name: str) -> Pixels:
        """Returns an image, changed, as 8-bit RGB.

        Args:
            image: As Pillow opened it.
            name: Its id, which decides with the seed what is done.

        Raises:
            SourceError: What `rgb_pixels` raises.
        """
        generator = np.random.default_rng([self.seed, self.copy, zlib.crc32(name.encode())])
        changed = Image.fromarray(rgb_pixels(image, name))
        blurs, resizes, saves = generator.permutation(3) < generator.integers(1, 3)
        # In the order in which it happens: who shows an image makes it smaller, then saves it.
        if blurs:
            changed = changed.filter(ImageFilter.GaussianBlur(generator.uniform(*RADII)))
        if resizes:
            part, filter_ = generator.uniform(*PARTS), _FILTERS[generator.integers(3)]
            width, height = (
                min(side, max(_LEAST_SIDE, round(side * part))) for side in changed.size
            )
            changed = changed.resize((width, height), filter_)
        if saves:
            changed = saved_as_jpeg(changed, int(generator.integers(*QUALITIES, endpoint=True)))
        return np.asarray(changed)

    def to_dict(self) -> dict[str, int]:
        """Returns all that decides what becomes of an image, as plain data."""
        return {**asdict(self), "version": VERSION}


def saved_as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Returns an RGB image as it is read after it was saved as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
