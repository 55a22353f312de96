"""Letters and icons, rendered from fonts that come with Python packages.

A glyph is drawn larger than needed and scaled down, so that its edges are smooth and show no trace
of enlarging.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Glyph = tuple[Path, str]
"""A font file and a character of it."""

_FINER = (2, 8)
"""Size of the em at which a glyph is drawn before it is scaled down, in multiples of the image
size; the second is for glyphs that fill little of their em."""

_LEAST_CONTRAST = 80.0
"""Minimum difference in brightness, in levels of 255, between the ink and the paper of an icon."""

_BRIGHTNESS = np.array([0.299, 0.587, 0.114])


def render_letters(
    glyphs: Sequence[Glyph], count: int, size: int, generator: np.random.Generator
) -> tuple[NDArray[np.uint8], list[int]]:
    """Draws dark letters on light paper, each with its own size, position and slant.

    Args:
        glyphs: Glyphs to draw from.
        count: Number of images.
        size: Height and width in pixels.
        generator: Source of all randomness.

    Returns:
        Images of shape (count, size, size), and the index of the glyph that each shows.
    """
    images = np.empty((count, size, size), dtype=np.uint8)
    drawn = []
    for number in range(count):
        drawn.append(int(generator.integers(len(glyphs))))
        glyph = glyphs[drawn[-1]]
        slant = generator.uniform(-12.0, 12.0)
        mask = _mask(glyph, generator.uniform(0.55, 0.8), slant, size, generator)
        ink, paper = generator.uniform(0.0, 80.0), generator.uniform(175.0, 255.0)
        images[number] = np.rint(paper + mask * (ink - paper))
    return images, drawn


def render_icons(
    glyphs: Sequence[Glyph], count: int, size: int, generator: np.random.Generator
) -> tuple[NDArray[np.uint8], list[int]]:
    """Draws icons in one colour on paper of another, lighter or darker colour.

    Args:
        glyphs: Glyphs to draw from.
        count: Number of images.
        size: Height and width in pixels.
        generator: Source of all randomness.

    Returns:
        Images of shape (count, size, size, 3), and the index of the glyph that each shows.
    """
    images = np.empty((count, size, size, 3), dtype=np.uint8)
    drawn = []
    for number in range(count):
        drawn.append(int(generator.integers(len(glyphs))))
        glyph = glyphs[drawn[-1]]
        mask = _mask(glyph, generator.uniform(0.65, 0.85), 0.0, size, generator)[..., None]
        ink, paper = generator.uniform(0.0, 255.0, (2, 3))
        while abs(float((ink - paper) @ _BRIGHTNESS)) < _LEAST_CONTRAST:
            ink, paper = generator.uniform(0.0, 255.0, (2, 3))
        images[number] = np.rint(paper + mask * (ink - paper))
    return images, drawn


def _mask(
    glyph: Glyph, share: float, slant: float, size: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Returns how much of each pixel a glyph covers, shape (size, size), in [0, 1].

    Args:
        glyph: Glyph to draw.
        share: Its longer side, as a fraction of the image's side.
        slant: Its rotation, in degrees.
        size: Height and width in pixels.
        generator: Source of its position.
    """
    path, character = glyph
    for finer in _FINER:
        font = _font(path, finer * size)
        left, top, right, bottom = font.getbbox(character)
        if max(right - left, bottom - top) > size:
            break
    drawn = Image.new("L", (round(right - left), round(bottom - top)))
    ImageDraw.Draw(drawn).text((-left, -top), character, fill=255, font=font)
    if slant:
        drawn = drawn.rotate(slant, Image.Resampling.BILINEAR, expand=True)
    factor = share * size / max(drawn.size)
    wanted = max(1, round(drawn.width * factor)), max(1, round(drawn.height * factor))
    scaled = np.asarray(drawn.resize(wanted, Image.Resampling.LANCZOS, reducing_gap=3.0))
    free = np.array([size - wanted[0], size - wanted[1]])
    x, y = np.rint(free * generator.uniform(0.35, 0.65, 2)).astype(int).tolist()
    mask = np.zeros((size, size))
    mask[y : y + wanted[1], x : x + wanted[0]] = scaled / 255.0
    return mask


@lru_cache(maxsize=64)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
