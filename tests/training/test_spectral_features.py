from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gmbench.data.rgb import Pixels
from gmbench.training.spectral_features import (
    BLOCK,
    N_FEATURES,
    N_SPECTRAL,
    features_of,
    luminance_blocks,
)
from tests.training.plain_features import plain_features

SIZES = [(32, 32), (64, 64), (28, 28), (33, 70), (8, 200), (160, 160), (1, 1)]


def images_of(height: int, width: int) -> Pixels:
    """Images of every sort: noise, black, white, few levels, grey, one colour, smooth, faint."""
    generator = np.random.default_rng([height, width])
    images = generator.integers(0, 256, (8, height, width, 3), dtype=np.uint8)
    images[1], images[2], images[5] = 0, 255, (10, 200, 30)
    images[3] = images[3] // 64 * 64
    images[4] = images[4, ..., :1]
    images[6] = (np.add.outer(np.arange(height), np.arange(width)) % 256)[..., None]
    images[7] = 100 + images[7] // 128
    return images


@pytest.mark.parametrize("size", SIZES)
def test_they_are_those_of_the_plain_way(size: tuple[int, int]) -> None:
    images = images_of(*size)
    found = features_of(images)
    assert found.shape == (len(images), N_FEATURES)
    assert np.isfinite(found).all()
    plain = np.array([plain_features(pixels) for pixels in images])
    np.testing.assert_allclose(found, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_an_image_has_the_same_alone_and_among_others(size: tuple[int, int]) -> None:
    images = images_of(*size)
    alone = np.concatenate([features_of(pixels[None]) for pixels in images])
    np.testing.assert_allclose(alone, features_of(images), rtol=1e-12, atol=1e-12)


def test_blocks_are_cut_at_native_resolution() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    (blocks,) = luminance_blocks(pixels[None])
    assert blocks.shape == (6, BLOCK, BLOCK)
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    np.testing.assert_array_equal(blocks[1], grey[:32, 32:64])


def test_traces_of_upsampling_show() -> None:
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    doubled = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)
    plain = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    spectra = features_of(np.stack([doubled, plain]))[:, : 32 * 17].reshape(2, 32, 17)
    # Repeated pixels have no energy at the highest frequency.
    assert spectra[0, 16, 16] < spectra[1, 16, 16] - 3


def test_size_and_colour_stand_apart() -> None:
    generator = np.random.default_rng(0)
    colour = generator.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    grey = np.repeat(colour[..., :1], 3, axis=2)
    found = features_of(np.stack([colour, grey]))[:, N_SPECTRAL:]
    for pixels, features in zip((colour, grey), found, strict=True):
        np.testing.assert_allclose(features[:4], [40, 60, 40 / 60, np.log(2400)])
        np.testing.assert_allclose(features[5:8], pixels.mean(axis=(0, 1)) / 255)
    assert found[:, 4].tolist() == [0, 1]
    # A grey image has no chroma, and no difference between its channels.
    assert not found[1, 11:19].any()
    assert found[1, 19] == 1
