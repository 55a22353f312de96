from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gmbench.training.changed_images import PARTS, Change, saved_as_jpeg


def noise(side: int = 32, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    return Image.fromarray(pixels)


def test_an_image_is_changed_the_same_whenever_it_is() -> None:
    first = [Change(0, 0)(noise(), f"GM/{row:06d}") for row in range(4)]
    again = [Change(0, 0)(noise(), f"GM/{row:06d}") for row in reversed(range(4))]
    for one, other in zip(first, reversed(again), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("other", [Change(1, 0), Change(0, 1)])
def test_copies_and_seeds_differ(other: Change) -> None:
    names = [f"GM/{row:06d}" for row in range(6)]
    assert [Change(0, 0)(noise(), name).tobytes() for name in names] != [
        other(noise(), name).tobytes() for name in names
    ]


def test_every_image_is_changed_and_none_grows() -> None:
    """Each kind of change occurs; a side is at least half of what it was."""
    sides = []
    for row in range(60):
        changed = Change(0, 0)(noise(), f"GM/{row:06d}")
        assert changed.dtype == np.uint8
        assert changed.shape[2] == 3
        assert changed.tobytes() != noise().tobytes()
        sides.append(changed.shape[0])
    assert min(sides) >= 32 * PARTS[0]
    assert max(sides) == 32
    # One of three, or two of three, alike often: half of the images become smaller.
    assert 0.3 < np.mean(np.array(sides) < 32) < 0.7


def test_images_of_every_mode_and_the_smallest_are_taken() -> None:
    for mode in ("L", "P", "RGBA", "I;16"):
        image = noise(8).convert("L").convert(mode) if mode != "I;16" else Image.new(mode, (8, 8))
        for row in range(8):
            assert Change(0, 0)(image, f"GM/{row}").shape == (8, 8, 3)
    assert Change(0, 0)(noise(1), "GM/0").shape[2] == 3


def test_worse_jpeg_is_farther_from_the_image() -> None:
    image = noise()
    errors = [
        np.abs(np.asarray(saved_as_jpeg(image, quality)).astype(int) - np.asarray(image)).mean()
        for quality in (95, 80, 50)
    ]
    assert errors == sorted(errors)
