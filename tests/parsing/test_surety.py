from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gmbench.parsing.surety import COVERAGE, Surety, Unseen, quantiles

N = 40
KNOWN = np.ones((N, 25), dtype=bool)


def labels_of(generator: np.random.Generator) -> np.ndarray:
    counts = generator.integers(1, 100, (N, 9))
    classes = generator.integers(0, 2, (N, 16))
    return np.hstack([counts, classes]).astype(float)


def unseen_of(labels: np.ndarray, generator: np.random.Generator, trust: float) -> Unseen:
    """Five images a GM whose shares lie on a GM with its labels so often, else on another."""
    gms = np.repeat(np.arange(N), 5)
    told = np.where(generator.random(len(gms)) < trust, gms, generator.integers(0, N, len(gms)))
    shares = 0.9 * np.eye(N)[told] + 0.1 / N
    return Unseen(shares, generator.random(len(gms)), gms, np.zeros(len(gms)))


def test_doubts_are_smaller_where_shares_are_right() -> None:
    generator = np.random.default_rng(0)
    labels = labels_of(generator)
    right, wrong = (
        Surety.learn(unseen_of(labels, generator, trust), labels, KNOWN) for trust in (0.95, 0.2)
    )
    assert right.doubts[10] < wrong.doubts[10]
    assert right.doubts[20] < wrong.doubts[20]


def test_intervals_hold_the_truth_as_often_as_promised() -> None:
    generator = np.random.default_rng(1)
    labels = labels_of(generator)
    seen, fresh = (unseen_of(labels, generator, 0.6) for _ in range(2))
    surety = Surety.learn(seen, labels, KNOWN)
    for column in range(9):
        tail = surety.tails[column]
        shares = (1 - surety.doubts[0]) * fresh.shares + surety.doubts[0] / N
        low, high = quantiles(shares, labels[:, column], [tail, 1 - tail]).T
        truth = labels[fresh.gms, column]
        assert np.mean((low <= truth) & (truth <= high)) > COVERAGE - 0.1


def test_how_far_unseen_gms_lie_with_every_gm_alike() -> None:
    gms = np.r_[np.zeros(1, int), np.ones(99, int)]
    distances = np.r_[5.0, np.ones(99)]
    unseen = Unseen(np.full((100, N), 1 / N), distances, gms, np.zeros(100))
    surety = Surety.learn(unseen, labels_of(np.random.default_rng(0)), KNOWN)
    assert surety.farther(3.0) == pytest.approx(0.5, abs=0.01)
    assert (surety.farther(0.5), surety.farther(5.0)) == (1.0, 0.0)


@given(
    arrays(float, (3, 7), elements=st.floats(0.0, 1.0)),
    arrays(float, 7, elements=st.floats(-1e6, 1e6)),
    st.floats(0.0, 1.0),
)
def test_a_quantile_is_the_least_value_that_is_enough(
    shares: np.ndarray, values: np.ndarray, level: float
) -> None:
    shares = (shares + 1e-6) / (shares + 1e-6).sum(axis=1, keepdims=True)
    for row, found in zip(shares, quantiles(shares, values, [level])[:, 0], strict=True):
        assert found in values
        assert row[values <= found].sum() >= level - 1e-9
        assert row[values < found].sum() < max(level, 1e-9) + 1e-9


def test_what_is_unknown_teaches_nothing() -> None:
    generator = np.random.default_rng(2)
    labels = labels_of(generator)
    unseen = unseen_of(labels, generator, 0.6)
    stated = np.broadcast_to(np.arange(N)[:, None] < N // 2, KNOWN.shape)
    half = unseen.of(unseen.gms < N // 2)
    found, wanted = Surety.learn(unseen, labels, stated), Surety.learn(half, labels, KNOWN)
    np.testing.assert_array_equal(found.doubts, wanted.doubts)
    np.testing.assert_array_equal(found.tails, wanted.tails)


@pytest.mark.filterwarnings("error")
def test_a_count_that_all_gms_share_teaches_nothing() -> None:
    generator = np.random.default_rng(3)
    labels = labels_of(generator)
    unseen = unseen_of(labels, generator, 0.2)
    labels[:, 4] = 7
    stated = KNOWN.copy()
    stated[:, 4] = False
    found, wanted = Surety.learn(unseen, labels, KNOWN), Surety.learn(unseen, labels, stated)
    assert wanted.doubts[0] > 0
    np.testing.assert_array_equal(found.doubts, wanted.doubts)


def test_there_and_back() -> None:
    generator = np.random.default_rng(0)
    labels = labels_of(generator)
    surety = Surety.learn(unseen_of(labels, generator, 0.5), labels, KNOWN)
    again = Surety.from_dict(surety.to_dict())
    np.testing.assert_allclose(again.tails, surety.tails)
    np.testing.assert_allclose(again.distances, surety.distances, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"doubts": [0.1] * 24},
        {"doubts": [2.0] * 25},
        {"tails": [0.6] * 9},
        {"distances": []},
        {"distances": [2.0, 1.0]},
    ],
)
def test_what_is_damaged(change: dict[str, list[float]]) -> None:
    sound = {"doubts": [0.1] * 25, "tails": [0.1] * 9, "distances": [1.0, 2.0]}
    Surety.from_dict(sound)
    with pytest.raises(ValueError, match="damaged"):
        Surety.from_dict(sound | change)
