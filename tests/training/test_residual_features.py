from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from gmbench.data.rgb import Pixels
from gmbench.training.residual_features import EDGES, N_RESIDUAL, STEPS, residual_features_of
from tests.training.plain_features import plain_blocks
from tests.training.test_spectral_features import SIZES, images_of

N_PAIRS = 9


@pytest.mark.parametrize("size", SIZES)
def test_an_image_has_the_same_alone_and_among_others(size: tuple[int, int]) -> None:
    images = images_of(*size)
    found = residual_features_of(images)
    assert found.shape == (len(images), N_RESIDUAL)
    assert np.isfinite(found).all()
    alone = np.concatenate([residual_features_of(pixels[None]) for pixels in images])
    np.testing.assert_allclose(alone, found, rtol=1e-12, atol=1e-12)


def test_pairs_of_differences_are_those_of_the_plain_way() -> None:
    (pixels,) = images_of(64, 64)[:1] // 40 + 100
    found = residual_features_of(pixels[None])[0]
    n_kinds = sum(map(len, STEPS))
    mean, difference = found[: 2 * 3 * N_PAIRS * n_kinds].reshape(2, n_kinds, 3, N_PAIRS)
    across, down = (_plain(pixels, turned) for turned in (False, True))
    np.testing.assert_allclose(mean[0, 0], (across + down) / 2)
    np.testing.assert_allclose(difference[0, 0], (across - down) / 2)


def _plain(pixels: Pixels, turned: bool) -> NDArray[np.float64]:
    """Roots of the shares of pairs of neighbouring differences at a step of 1, pair by pair."""
    counts: dict[frozenset[tuple[int, int]], float] = {}
    total = 0
    for block in np.rint(plain_blocks(pixels) * 255).astype(int):
        for row in block.T if turned else block:
            levels = [min(max(int(step), -2), 2) for step in np.diff(row)]
            for a, b in pairwise(levels):
                alike = frozenset({(a, b), (b, a), (-a, -b), (-b, -a)})
                counts[alike] = counts.get(alike, 0) + 1
                total += 1
    found: dict[frozenset[tuple[int, int]], float] = {}
    for a in range(-2, 3):
        for b in range(-2, 3):
            alike = frozenset({(a, b), (b, a), (-a, -b), (-b, -a)})
            # The table of four sums each pair as often as it is like itself.
            found.setdefault(alike, float(np.sqrt(counts.get(alike, 0) * 4 / len(alike) / total)))
    return np.array(list(found.values()))


def test_ends_of_the_histogram() -> None:
    white = np.full((1, 32, 32, 3), 255, dtype=np.uint8)
    white[0, 0, 0] = (0, 1, 2)
    ends = residual_features_of(white)[0, -(len(EDGES) + 12) :]
    share = 1 / 1024
    np.testing.assert_allclose(ends[:3] ** 2, share / 3)
    assert ends[len(EDGES)] ** 2 == pytest.approx(1 - share)
    np.testing.assert_allclose(ends[len(EDGES) + 1 :][:6], [0, 1 / 255, 2 / 255, 1, 1, 1])
    np.testing.assert_allclose(ends[len(EDGES) + 7 :][:3], 2 / 256)


def test_patterns_know_flat_from_noise() -> None:
    flat = np.full((1, 32, 32, 3), 7, dtype=np.uint8)
    patterns = residual_features_of(flat)[0, -(len(EDGES) + 12) - 38 : -(len(EDGES) + 12)]
    first, ties = np.split(patterns[:19], [10])
    # Every neighbour of every pixel is as dark: eight no darker, eight equal.
    assert first.argmax() == 8
    assert ties.argmax() == 8
    assert first.sum() == ties.sum() == 1
