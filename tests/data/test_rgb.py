"""From an image file to 8-bit RGB: every mode, by values computed by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from gmbench.data.rgb import decode_rgb, rgb_pixels
from gmbench.errors import SourceError
from tests.training.image_files import png, saved

BROKEN_EXIF = (b"\0\x08\0\2\1\x12\0\3", b"II", b"", b"MM\0*\0\0\0\x08\0\1\x01\x12")


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("1", 0, (0, 0, 0)),
        ("RGBA", (200, 100, 7, 0), (255, 255, 255)),
        ("RGBA", (200, 100, 7, 255), (200, 100, 7)),
        ("RGBA", (200, 100, 7, 128), (227, 177, 131)),  # 255 - 128/255 of 55, 155, 248
        ("LA", (0, 51), (204, 204, 204)),
        ("LA", (0, 255), (0, 0, 0)),
        ("I;16", 0x1234, (0x12, 0x12, 0x12)),
        ("I;16", 0xFFFF, (255, 255, 255)),
        ("I", 0x1234, (0x12, 0x12, 0x12)),
        ("I", -5, (0, 0, 0)),
        ("I", 70_000, (255, 255, 255)),
        ("F", 254.6, (255, 255, 255)),
        ("F", -3.0, (0, 0, 0)),
        ("F", float("inf"), (255, 255, 255)),
        ("F", float("nan"), (0, 0, 0)),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("CMYK", (0, 0, 0, 255), (0, 0, 0)),
    ],
)
def test_every_mode_by_hand(mode: str, value: object, expected: tuple[int, int, int]) -> None:
    pixels = rgb_pixels(Image.new(mode, (2, 3), value))  # type: ignore[arg-type]
    assert pixels.dtype == np.uint8
    assert pixels.shape == (3, 2, 3)
    assert (pixels == expected).all()


def test_palettes() -> None:
    image = Image.new("P", (1, 1), 0)
    image.putpalette([200, 0, 7])
    assert rgb_pixels(image).tolist() == [[[200, 0, 7]]]
    image.info["transparency"] = 0
    assert rgb_pixels(image).tolist() == [[[255, 255, 255]]]
    assert decode_rgb(saved(image, "PNG", transparency=b"\x33")).tolist() == [[[244, 204, 205]]]


@pytest.mark.parametrize(("bits", "clear"), [(8, 80), (16, 0x5050), (16, 0x50FF)])
def test_a_clear_grey(bits: int, clear: int) -> None:
    values = np.array([[[clear], [clear - 1]]])
    data = png(values, bits, 0, {b"tRNS": struct.pack(">H", clear)})
    below = (clear - 1) >> (bits - 8)
    assert decode_rgb(data)[0].tolist() == [[255] * 3, [below] * 3]


def test_a_clear_colour() -> None:
    image = Image.fromarray(np.array([[[1, 2, 3], [1, 2, 4]]], np.uint8))
    data = saved(image, "PNG", transparency=(1, 2, 3))
    assert decode_rgb(data)[0].tolist() == [[255] * 3, [1, 2, 4]]


def test_grey_and_colour_of_sixteen_bits_agree_and_do_not_saturate() -> None:
    values = np.arange(0, 2**16, 100).reshape(-1, 16, 1)
    grey, colour = png(values, 16, 0), png(np.repeat(values, 3, axis=2), 16, 2)
    np.testing.assert_array_equal(decode_rgb(grey), decode_rgb(colour))
    np.testing.assert_array_equal(decode_rgb(grey)[..., 0], values[..., 0] // 256)


def test_the_first_of_several_frames() -> None:
    frames = [Image.new("L", (2, 2), grey) for grey in (10, 200)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (decode_rgb(data) == 10).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, [[1, 2, 3], [4, 5, 6]]),
        (2, [[3, 2, 1], [6, 5, 4]]),
        (3, [[6, 5, 4], [3, 2, 1]]),
        (4, [[4, 5, 6], [1, 2, 3]]),
        (5, [[1, 4], [2, 5], [3, 6]]),
        (6, [[4, 1], [5, 2], [6, 3]]),
        (7, [[6, 3], [5, 2], [4, 1]]),
        (8, [[3, 6], [2, 5], [1, 4]]),
        (9, [[1, 2, 3], [4, 5, 6]]),
    ],
)
def test_the_orientation_is_applied_once(
    kind: str, orientation: int, upright: list[list[int]]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    assert decode_rgb(saved(image, kind, exif=exif))[..., 0].tolist() == upright


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("block", BROKEN_EXIF)
def test_a_broken_block_of_exif_says_nothing(block: bytes) -> None:
    data = png(np.array([[[1], [2]]]), 8, 0, {b"eXIf": block})
    assert decode_rgb(data)[..., 0].tolist() == [[1, 2]]


def test_what_does_not_become_rgb() -> None:
    with pytest.raises(SourceError, match=r"GAN_1/000000 has the mode La, .*Store it as RGB"):
        rgb_pixels(Image.new("La", (2, 2)), "GAN_1/000000")
    with pytest.raises(UnidentifiedImageError):
        decode_rgb(b"no image")
