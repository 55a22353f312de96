"""The rule from image to pixels as slow and literal code, one pixel at a time."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageOps


def plain_pixels(data: bytes) -> np.ndarray:
    """Returns the pixels of an image file, shape (height, width, 3), uint8."""
    with Image.open(io.BytesIO(data)) as stored:
        image = ImageOps.exif_transpose(stored)
        pixels = np.zeros((image.height, image.width, 3), np.uint8)
        for y in range(image.height):
            for x in range(image.width):
                pixels[y, x] = _colour(image, x, y)
    return pixels


def plain_resized(data: bytes, size: int) -> np.ndarray:
    """Returns an image resized to a square, shape (1, size, size, 3)."""
    pixels = plain_pixels(data)
    if pixels.shape == (size, size, 3):
        return pixels[None]
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS))[None]


def plain_mirrored(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns pixels with at least that height and width, mirrored at the right and below."""
    rows, columns = (
        [_mirrored(at, side) for at in range(max(side, least))]
        for side, least in zip(pixels.shape[:2], (height, width), strict=True)
    )
    return pixels[np.ix_(rows, columns)]


def _mirrored(at: int, side: int) -> int:
    """0 1 2 becomes 0 1 2 2 1 0 0 1 2 ..."""
    at %= 2 * side
    return at if at < side else 2 * side - 1 - at


def _colour(image: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    value: Any = image.getpixel((x, y))
    clear = image.info.get("transparency")
    if image.mode in ("RGB", "RGBA"):
        colour, alpha = value[:3], value[3] if image.mode == "RGBA" else 255
        if isinstance(clear, tuple) and value == clear:
            alpha = 0
    elif image.mode in ("L", "LA", "1"):
        grey = value[0] if image.mode == "LA" else value
        colour, alpha = (grey,) * 3, value[1] if image.mode == "LA" else 255
        if clear == value:
            alpha = 0
    elif image.mode in ("P", "PA"):
        entry = value[0] if image.mode == "PA" else value
        palette = image.getpalette("RGB") or []
        colour = tuple(palette[3 * entry : 3 * entry + 3])
        alpha = value[1] if image.mode == "PA" else 255
        if isinstance(clear, bytes):
            alpha = clear[entry] if entry < len(clear) else 255
        elif clear == entry:
            alpha = 0
    elif image.mode.startswith("I"):
        colour, alpha = (min(65_535, max(0, value)) // 256,) * 3, 255
    elif image.mode == "F":
        colour, alpha = (round(min(255.0, max(0.0, value))),) * 3, 255
    elif image.mode == "CMYK":
        cyan, magenta, yellow, black = value
        inks = (cyan, magenta, yellow)
        colour = tuple(max(0, 255 - black - round(ink * (255 - black) / 255)) for ink in inks)
        alpha = 255
    else:
        raise AssertionError(f"no literal rule for {image.mode}")
    over_white = (channel * alpha / 255 + 255 - alpha for channel in colour)
    red, green, blue = (int(np.floor(channel + 0.5)) for channel in over_white)
    return red, green, blue
