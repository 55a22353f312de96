"""Which files are opened as images, and how large they may be: one rule for all readers.

`data build`, `verify`, `train`, `predict`, `parse` and the zoo accept the same files: an image is
what `datasets` will decode. Other formats are never tried: some start programs, as PostScript
does, and others do not state their true size.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ExifTags import Base

from gmbench.errors import first_line

if TYPE_CHECKING:
    from typing_extensions import Buffer

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
"""Formats that are opened, by Pillow's names."""

MOST_BYTES = 2**28
"""Maximum size of an image file, in bytes."""

MOST_PIXELS = 2**26
"""Largest image that is decoded, width times height."""

LONGEST_SIDE = 2**16
"""Longest side of an image that is decoded, in pixels."""


def open_image(file: BinaryIO) -> Image.Image:
    """Opens an image without decoding its pixels.

    Args:
        file: The file.

    Raises:
        Exception: The file is not an image; decoders raise all kinds of errors on damaged data.
            `fault_of` says what they mean.
    """
    with warnings.catch_warnings():
        # `size_fault` sets the limit and reports it.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(file, formats=FORMATS)


def size_fault(image: Image.Image, most_pixels: int = MOST_PIXELS) -> str:
    """Returns why an image is too large to be decoded; empty if it is not.

    Args:
        image: An image opened by `open_image`.
        most_pixels: Largest image that is decoded, width times height.
    """
    width, height = image.size
    if width * height > most_pixels:
        return f"{width} x {height} pixels; at most {most_pixels:,} are decoded"
    if max(width, height) > LONGEST_SIDE:
        return f"{width} x {height} pixels; at most {LONGEST_SIDE:,} a side are decoded"
    return ""


def image_fault(data: Buffer, most_pixels: int = MOST_PIXELS) -> str:
    """Decodes an image as `datasets` does and returns what is wrong with it, if anything.

    Args:
        data: The bytes of the file.
        most_pixels: Largest image that is decoded, width times height.
    """
    try:
        with open_image(io.BytesIO(data)) as image:
            if fault := size_fault(image, most_pixels):
                return fault
            # Checks what decoding does not: the checksums of a PNG's chunks.
            image.verify()
        with open_image(io.BytesIO(data)) as image:
            image.load()
            if image.getexif().get(Base.Orientation) is not None:
                ImageOps.exif_transpose(image)
    except Exception as error:  # noqa: BLE001 - decoders raise whatever damaged data leads them to
        return fault_of(error)
    return ""


def fault_of(error: Exception) -> str:
    """Returns, in one line, what is wrong with an image file that made a decoder raise an error."""
    if isinstance(error, UnidentifiedImageError):  # Its text contains a memory address.
        return "no image of a known format (PNG, JPEG, WebP, BMP, GIF, TIFF)"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {MOST_PIXELS:,} pixels; no more are decoded"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return first_line(error)
