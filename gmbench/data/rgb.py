"""The one rule from an image to 8-bit RGB: what networks, trees and zoos see of a file.

| image | becomes |
|---|---|
| RGB, 8 bits | itself |
| grey, 1 bit | three equal channels; 1 bit is 0 and 255 |
| 16 bits, grey or colour | the high byte, which is what decoders keep of 16-bit colour |
| 32-bit integers | cut to 0 ... 65,535, then the high byte: readers of PNG use them for 16 bits |
| floats | cut to 0 ... 255 and rounded; not a number is 0 |
| palette | its colours |
| alpha, a clear colour | over white: round((colour x alpha + 255 x (255 - alpha)) / 255) |
| CMYK and others | Pillow's conversion, where it has one |
| several frames | the first |
| orientation in EXIF | applied, as `datasets` does; a block that cannot be read says nothing |

Colour profiles and gamma are left alone: they are hints to whoever shows an image.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Transpose

from gmbench.errors import SourceError

Pixels = NDArray[np.uint8]

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""What turns an image upright, by the number that EXIF has for how it lies."""


def decode_rgb(data: bytes, name: str = "") -> Pixels:
    """Returns the bytes of an image file as 8-bit RGB, shape (height, width, 3).

    Args:
        data: The bytes.
        name: Named in errors.

    Raises:
        SourceError: The image has a mode without a rule.
        Exception: The bytes do not decode; decoders raise whatever damaged data leads them to.
    """
    with Image.open(io.BytesIO(data)) as image:
        return rgb_pixels(image, name)


def rgb_pixels(image: Image.Image, name: str = "") -> Pixels:
    """Returns an image as 8-bit RGB, shape (height, width, 3), by the rule of this module.

    Args:
        image: As Pillow opened it.
        name: Named in errors.

    Raises:
        SourceError: The image has a mode without a rule.
    """
    image.load()  # TIFF files are turned as they are loaded.
    turn = _UPRIGHT.get(_orientation(image))
    if turn is not None:
        image = image.transpose(turn)
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64).clip(0, 0xFFFF)
        clear = image.info.get("transparency")
        return _grey(np.where(values == clear, 0xFF, values >> 8))
    if image.mode == "F":
        floats = np.nan_to_num(np.asarray(image), nan=0.0, posinf=255.0, neginf=0.0)
        return _grey(np.rint(floats.clip(0, 255)))
    try:
        if image.has_transparency_data:
            return _on_white(np.asarray(image.convert("RGBA")))
        return np.asarray(image.convert("RGB"))
    except (ValueError, KeyError) as error:
        raise SourceError(
            f"{name or 'An image'} has the mode {image.mode}, which does not become RGB "
            f"({error}). Store it as RGB."
        ) from error


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(_ORIENTATION)
    except Exception:  # noqa: BLE001 - Pillow raises whatever a broken block leads it to
        return 1
    return found if isinstance(found, int) else 1


def _grey(values: NDArray[np.generic]) -> Pixels:
    return np.repeat(values.astype(np.uint8)[:, :, None], 3, axis=2)


def _on_white(pixels: Pixels) -> Pixels:
    """Lays RGBA over white, rounded to the nearest; 255 is odd, so there are no ties."""
    colour, alpha = pixels[..., :3].astype(np.uint32), pixels[..., 3:].astype(np.uint32)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
