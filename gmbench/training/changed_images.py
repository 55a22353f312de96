"""Images changed as they are in circulation: blurred, downscaled, saved again as JPEG.

A learner that also trains on such copies recognises a GM's images after such changes. The changes
are drawn per image, and are the same whenever and in whatever order images are processed.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image, ImageFilter

from gmbench.data.rgb import Pixels, rgb_pixels

VERSION = 1
"""Changes whenever images are changed in a different way than before."""

RADII = (0.3, 1.2)
"""Range of the radius of the Gaussian blur, in pixels."""

PARTS = (0.5, 1.0)
"""Range of the factor by which both sides are scaled."""

QUALITIES = (50, 95)
"""Range of the JPEG quality."""

_LEAST_SIDE = 8
_FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class Change:
    """A random change of images, drawn for each: one or two of blur, downscaling and JPEG.

    Attributes:
        copy: Number of the copy; each copy is changed in its own way.
        seed: Seed of the changes.
    """

    copy: int
    seed: int

    def __call__(self, image: Image.Image, name: str) -> Pixels:
        """Returns the changed image as 8-bit RGB.

        Args:
            image: The image, as opened by Pillow.
            name: Its id, which with the seed and the copy determines the changes.

        Raises:
            SourceError: As raised by `rgb_pixels`.
        """
        generator = np.random.default_rng([self.seed, self.copy, zlib.crc32(name.encode())])
        changed = Image.fromarray(rgb_pixels(image, name))
        blurs, resizes, saves = generator.permutation(3) < generator.integers(1, 3)
        # In the order found in practice: images are downscaled for publication, then saved.
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
        """Returns everything that determines the changes, as plain data."""
        return {**asdict(self), "version": VERSION}


def saved_as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Returns an RGB image after saving it as JPEG and reading it back."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
