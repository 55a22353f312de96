from __future__ import annotations

import numpy as np
import pytest

from gmbench.evaluation.resampling import ResampledImages, draws, image_weights


@pytest.mark.parametrize("n_images", [(1,), (3, 7, 3), (40,) * 20, (5000, 2)])
@pytest.mark.parametrize("whole", [0, 2, 9])
def test_sums_are_those_of_the_images_drawn(n_images: tuple[int, ...], whole: int) -> None:
    """Also of whole numbers, which share columns of the product: exactly."""
    generator = np.random.default_rng(0)
    rows = [
        np.concatenate(
            [generator.normal(size=(n, whole)), generator.integers(0, 2, size=(n, 9 - whole))],
            axis=1,
        )
        for n in n_images
    ]
    strata = tuple(n % 2 for n in range(len(rows)))
    drawn = draws("set", tuple(f"GM_{n}" for n in range(len(rows))), strata, n_images, 60, seed=3)
    sums = drawn.sums(ResampledImages.of(rows, whole, replicates=60, seed=3))
    assert sums.shape == (60, len(rows), 9)
    for replicate in range(60):
        for slot in range(len(rows)):
            gm = drawn.gms[replicate, slot]
            weights = image_weights(n_images[gm], 60, 3)[drawn.resamples[replicate, slot]]
            assert weights.sum() == n_images[gm]
            plain = (weights[:, None] * rows[gm]).sum(axis=0)
            np.testing.assert_allclose(sums[replicate, slot, :whole], plain[:whole], atol=1e-9)
            np.testing.assert_array_equal(sums[replicate, slot, whole:], plain[whole:])


def test_the_draws_follow_from_names_numbers_and_seed() -> None:
    first = draws("set", ("A", "B", "C"), (0, 0, 0), (5, 5, 5), 30, seed=1)
    draws.cache_clear()
    again = draws("set", ("A", "B", "C"), (0, 0, 0), (5, 5, 5), 30, seed=1)
    assert first is not again
    np.testing.assert_array_equal(first.gms, again.gms)
    np.testing.assert_array_equal(first.resamples, again.resamples)
    for other in (
        draws("set", ("A", "B", "C"), (0, 0, 0), (5, 5, 5), 30, seed=2),
        draws("other", ("A", "B", "C"), (0, 0, 0), (5, 5, 5), 30, seed=1),
    ):
        assert (other.gms != first.gms).any()
