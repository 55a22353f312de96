"""The one rule for converting an image to 8-bit RGB, which networks, trees and zoos share.

| image | becomes |
|---|---|
| RGB, 8 bits | itself |
| grey, 1 bit | three equal channels; 1 bit becomes 0 and 255 |
| 16 bits, grey or colour | the high byte, which is what decoders keep of 16-bit colour |
| 32-bit integers | clipped to 0 ... 65,535, then the high byte: PNG readers use them for 16 bits |
| floats | clipped to 0 ... 255 and rounded; NaN becomes 0 |
| palette | its colours |
| alpha, transparent colour | over white: round((colour x alpha + 255 x (255 - alpha)) / 255) |
| CMYK and others | Pillow's conversion, if it has one |
| several frames | the first |
| orientation in EXIF | applied, as `datasets` does; a block that cannot be read is ignored |

Colour profiles and gamma are not applied: they are hints for displaying an image.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Transpose

from gmbench.data.image_files import open_image, size_fault
from gmbench.errors import SourceError

Pixels = NDArray[np.uint8]

_PIXELS_AT_ONCE = 2**20
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
"""The operation that turns an image upright, by its orientation in EXIF."""


def decode_rgb(data: bytes, name: str = "") -> Pixels:
    """Decodes the bytes of an image file to 8-bit RGB, shape (height, width, 3).

    Args:
        data: The bytes.
        name: Name of the image in error messages.

    Raises:
        SourceError: The image is too large, or its mode has no rule.
        Exception: The bytes cannot be decoded; decoders raise all kinds of errors on damaged data.
    """
    with open_image(io.BytesIO(data)) as image:
        return rgb_pixels(image, name)


def rgb_pixels(image: Image.Image, name: str = "") -> Pixels:
    """Returns an image as 8-bit RGB, shape (height, width, 3), by the rule of this module.

    Args:
        image: An image opened by Pillow.
        name: Name of the image in error messages.

    Raises:
        SourceError: The image is too large, or its mode has no rule.
    """
    if fault := size_fault(image):
        raise SourceError(f"{name or 'An image'} has {fault}. Leave it out, or make it smaller.")
    image.load()  # TIFF files are turned upright on loading.
    turn = _UPRIGHT.get(_orientation(image))
    if turn is not None:
        image = image.transpose(turn)
    if image.mode.startswith("I"):
        clear = image.info.get("transparency")
        return _in_bands(partial(_high_byte, clear=clear), np.asarray(image))
    if image.mode == "F":
        return _in_bands(_rounded, np.asarray(image))
    try:
        if image.has_transparency_data:
            return _in_bands(_on_white, np.asarray(image.convert("RGBA")))
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


def _in_bands(rule: Callable[[NDArray[Any]], Pixels], pixels: NDArray[Any]) -> Pixels:
    """Applies a rule to some rows at a time: its temporary arrays take many times their memory."""
    made = np.empty((*pixels.shape[:2], 3), np.uint8)
    rows = max(1, _PIXELS_AT_ONCE // max(1, pixels.shape[1]))
    for top in range(0, len(pixels), rows):
        made[top : top + rows] = rule(pixels[top : top + rows])
    return made


def _high_byte(values: NDArray[np.integer], clear: object) -> Pixels:
    cut = values.astype(np.int64).clip(0, 0xFFFF)
    return _grey(np.where(cut == clear, 0xFF, cut >> 8))


def _rounded(values: NDArray[np.floating]) -> Pixels:
    floats = np.nan_to_num(values, nan=0.0, posinf=255.0, neginf=0.0)
    return _grey(np.rint(floats.clip(0, 255)))


def _grey(values: NDArray[np.generic]) -> Pixels:
    return np.repeat(values.astype(np.uint8)[:, :, None], 3, axis=2)


def _on_white(pixels: Pixels) -> Pixels:
    """Composites RGBA over white, rounding to nearest; 255 is odd, so there are no ties."""
    colour, alpha = pixels[..., :3].astype(np.uint32), pixels[..., 3:].astype(np.uint32)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
