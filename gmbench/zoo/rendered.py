"""Letters and icons, rendered from fonts that Python packages carry.

A glyph is drawn at twice the wanted size and scaled down, so that its edges are smooth and no
trace of enlarging is left in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Glyph = tuple[Path, str]
"""A font file and a character of it."""

_FINER = 2
"""How many times larger a glyph is drawn than it is wanted."""

_LEAST_CONTRAST = 80.0
"""Least difference in brightness, of 255, between the ink of an icon and its paper."""

_BRIGHTNESS = np.array([0.299, 0.587, 0.114])


def render_letters(
    glyphs: Sequence[Glyph], count: int, size: int, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Draws dark letters on light paper, each of a size, place and slant of its own.

    Args:
        glyphs: What is drawn from.
        count: Number of images.
        size: Height and width in pixels.
        generator: Source of all randomness.

    Returns:
        Shape (count, size, size).
    """
    images = np.empty((count, size, size), dtype=np.uint8)
    for number in range(count):
        glyph = glyphs[int(generator.integers(len(glyphs)))]
        slant = generator.uniform(-12.0, 12.0)
        mask = _mask(glyph, generator.uniform(0.55, 0.8), slant, size, generator)
        ink, paper = generator.uniform(0.0, 80.0), generator.uniform(175.0, 255.0)
        images[number] = np.rint(paper + mask * (ink - paper))
    return images


def render_icons(
    glyphs: Sequence[Glyph], count: int, size: int, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Draws icons in a colour on paper of another colour, lighter or darker.

    Args:
        glyphs: What is drawn from.
        count: Number of images.
        size: Height and width in pixels.
        generator: Source of all randomness.

    Returns:
        Shape (count, size, size, 3).
    """
    images = np.empty((count, size, size, 3), dtype=np.uint8)
    for number in range(count):
        glyph = glyphs[int(generator.integers(len(glyphs)))]
        mask = _mask(glyph, generator.uniform(0.65, 0.85), 0.0, size, generator)[..., None]
        ink, paper = generator.uniform(0.0, 255.0, (2, 3))
        while abs(float((ink - paper) @ _BRIGHTNESS)) < _LEAST_CONTRAST:
            ink, paper = generator.uniform(0.0, 255.0, (2, 3))
        images[number] = np.rint(paper + mask * (ink - paper))
    return images


def _mask(
    glyph: Glyph, share: float, slant: float, size: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Returns how much of each pixel a glyph covers, shape (size, size), in [0, 1].

    Args:
        glyph: What is drawn.
        share: Its longer side, in sides of the image.
        slant: How far it is turned, in degrees.
        size: Height and width in pixels.
        generator: Source of its place.
    """
    side = _FINER * size
    path, character = glyph
    font = ImageFont.truetype(path, side, layout_engine=ImageFont.Layout.BASIC)
    left, top, right, bottom = font.getbbox(character)
    wanted = share * side / max(right - left, bottom - top, 1.0)
    font = font.font_variant(size=max(1.0, side * wanted))
    left, top, right, bottom = font.getbbox(character)
    canvas = Image.new("L", (side, side))
    free = np.array([side - (right - left), side - (bottom - top)])
    x, y = free * generator.uniform(0.35, 0.65, 2) - np.array([left, top])
    ImageDraw.Draw(canvas).text((round(x), round(y)), character, fill=255, font=font)
    if slant:
        canvas = canvas.rotate(slant, Image.Resampling.BILINEAR)
    return np.asarray(canvas.reduce(_FINER), dtype=np.float64) / 255.0
