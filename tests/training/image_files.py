"""Image files of every mode that a dataset can hold, made on the fly."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image


def _pixels(width: int, height: int, channels: int = 3, top: int = 256) -> np.ndarray:
    generator = np.random.default_rng([width, height, channels])
    return generator.integers(0, top, (height, width, channels))


def _rgb(width: int, height: int) -> Image.Image:
    return Image.fromarray(_pixels(width, height).astype(np.uint8))


def _rgba(width: int, height: int) -> Image.Image:
    return Image.fromarray(_pixels(width, height, 4).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(
    values: np.ndarray, bits: int, colour: int, further: dict[bytes, bytes] | None = None
) -> bytes:
    """Returns a PNG file written by hand, for what Pillow reads and does not write.

    Args:
        values: Shape (height, width, channels).
        bits: Of a channel, 8 or 16.
        colour: Type of colour as PNG numbers it.
        further: Further blocks, by their name.
    """
    height, width, _ = values.shape
    rows = values.astype(f">u{bits // 8}").reshape(height, -1)
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    blocks = {b"IHDR": header, **(further or {}), b"IDAT": packed, b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in blocks.items()
    )


def _rotated(width: int, height: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: to be turned by a quarter.
    return saved(_rgb(width, height), "PNG", exif=exif)


def _key_colour(width: int, height: int) -> bytes:
    image = _rgb(width, height)
    colour = image.getpixel((0, 0))
    return saved(image, "PNG", transparency=colour)


def _palette_alpha(width: int, height: int) -> bytes:
    image = _rgb(width, height).quantize(16)
    return saved(image, "PNG", transparency=bytes(range(0, 256, 17)))


def _deep(width: int, height: int) -> np.ndarray:
    return _pixels(width, height, 1, 2**16)[..., 0].astype(np.uint16)


def _floats(width: int, height: int) -> Image.Image:
    # No ties: which way they are rounded is not part of the rule.
    return Image.fromarray((_pixels(width, height, 1, 4000)[..., 0] * 0.1 - 20.03).astype("f4"))


def _integers(width: int, height: int) -> Image.Image:
    return Image.fromarray((_pixels(width, height, 1, 100_000)[..., 0] - 10_000).astype(np.int32))


def _two_frames(width: int, height: int) -> bytes:
    frames = [_rgb(width, height).quantize(8), _rgb(width, height).rotate(90).quantize(8)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


FILES: dict[str, tuple[str, Callable[[int, int], bytes]]] = {
    "RGB": ("png", lambda w, h: saved(_rgb(w, h), "PNG")),
    "L": ("png", lambda w, h: saved(_rgb(w, h).convert("L"), "PNG")),
    "LA": ("png", lambda w, h: saved(_rgba(w, h).convert("LA"), "PNG")),
    "1": ("png", lambda w, h: saved(_rgb(w, h).convert("1"), "PNG")),
    "P": ("png", lambda w, h: saved(_rgb(w, h).quantize(16), "PNG")),
    "P with alpha": ("png", _palette_alpha),
    "P with one clear colour": ("gif", lambda w, h: saved(_rgb(w, h).quantize(8), "GIF",
                                                          transparency=3)),
    "PA": ("tif", lambda w, h: saved(_rgba(w, h).convert("PA"), "TIFF")),
    "RGBA": ("png", lambda w, h: saved(_rgba(w, h), "PNG")),
    "RGB with a clear colour": ("png", _key_colour),
    "L with a clear colour": ("png", lambda w, h: png(_pixels(w, h, 1, 4) * 80, 8, 0,
                                                      {b"tRNS": struct.pack(">H", 80)})),
    "I;16": ("png", lambda w, h: saved(Image.fromarray(_deep(w, h)), "PNG")),
    "I;16B": ("tif", lambda w, h: saved(Image.fromarray(_deep(w, h).astype(">u2")), "TIFF")),
    "I": ("tif", lambda w, h: saved(_integers(w, h), "TIFF")),
    "F": ("tif", lambda w, h: saved(_floats(w, h), "TIFF")),
    "CMYK": ("tif", lambda w, h: saved(Image.fromarray(_pixels(w, h, 4).astype(np.uint8), "CMYK"),
                                       "TIFF")),
    "CMYK in JPEG": ("jpg", lambda w, h: saved(_rgb(w, h).convert("CMYK"), "JPEG")),
    "RGB in JPEG": ("jpg", lambda w, h: saved(_rgb(w, h), "JPEG")),
    "turned by EXIF": ("png", _rotated),
    "RGB of 16 bits": ("png", lambda w, h: png(_pixels(w, h, 3, 2**16), 16, 2)),
    "two frames": ("gif", _two_frames),
}  # fmt: skip
"""Type of file and what makes one of a width and height, by what is in it."""

SIZES = ((16, 16), (17, 33), (1, 1), (9, 5), (40, 3))
"""Width and height: as large as the views of the tests, odd, one pixel, smaller, long."""
