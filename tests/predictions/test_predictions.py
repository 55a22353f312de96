"""Predictions made of arrays."""

from __future__ import annotations

import doctest
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gmbench.errors import PredictionError, UnknownNameError
from gmbench.predictions import predictions as module
from gmbench.predictions.images import image_index
from gmbench.predictions.predictions import Predictions, read_predictions
from gmbench.predictions.writing import write_predictions
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark(3)
MADE = random_predictions(BENCHMARK, 0)
TARGETS = MADE.values.to_array()
TARGETS[:, :9] = BENCHMARK.normalise(TARGETS[:, :9])


def test_of_the_targets_of_all_test_images(tmp_path: Path) -> None:
    made = Predictions.of(BENCHMARK, "mine", TARGETS)
    assert made.image_ids == MADE.image_ids
    np.testing.assert_allclose(made.values.to_array(), MADE.values.to_array(), rtol=1e-12)
    write_predictions(made, tmp_path / "made.parquet")
    assert read_predictions(tmp_path / "made.parquet", BENCHMARK).sha256 == made.sha256
    # Natural units stay as they are, bit by bit.
    natural = Predictions.of(BENCHMARK, "x", MADE.values.to_array(), normalised=False)
    assert natural.sha256 == MADE.sha256


def test_rows_in_any_order_with_their_image_ids() -> None:
    order = np.random.default_rng(0).permutation(len(MADE))[:40]
    ids = [MADE.image_ids[row] for row in order]
    made = Predictions.of(BENCHMARK, "some", TARGETS[order], image_ids=ids)
    assert made.sha256 == MADE.take(np.sort(order)).sha256


def test_one_set() -> None:
    rows = np.flatnonzero(MADE.sets == 1)
    made = Predictions.of(BENCHMARK, "two", TARGETS[rows], set_name="set_2")
    assert made.sha256 == MADE.take(rows).sha256
    with pytest.raises(PredictionError, match="is not in that set"):
        Predictions.of(
            BENCHMARK, "x", TARGETS[rows[:1]], image_ids=made.image_ids[:1], set_name="set_1"
        )
    with pytest.raises(UnknownNameError, match="set_9"):
        Predictions.of(BENCHMARK, "x", TARGETS, set_name="set_9")


def test_sets_that_share_gms() -> None:
    shared = small_benchmark(2, "red116-dm")
    made = random_predictions(shared, 0)
    assert len(made) == 24
    third = made.take(np.flatnonzero(made.sets == 2))
    again = Predictions.of(
        shared, "x", third.values.to_array(), image_ids=third.image_ids, set_name="set_3",
        normalised=False,
    )  # fmt: skip
    assert again.sha256 == third.sha256
    with pytest.raises(PredictionError, match="set_column"):
        Predictions.of(
            shared, "x", third.values.to_array(), image_ids=third.image_ids, normalised=False
        )


def test_more_gms_than_two_bytes_count() -> None:
    gms = tuple(replace(BENCHMARK.gms[0], name=f"GM_{number}") for number in range(33_000))
    many = replace(BENCHMARK, gms=gms, sets={"last": ("GM_32999",)}, n_images=(1,) * len(gms))
    assert image_index(many).gms.tolist() == [32_999]


@pytest.mark.parametrize(
    ("column", "value", "check"),
    [
        (0, np.nan, "values_present"),
        (3, np.inf, "values_finite"),
        (9, 0.5, "classes_known"),
        (13, 2.0, "classes_known"),
        (20, 1.01, "loss_range"),
    ],
)
def test_a_value_that_is_not_sound(column: int, value: float, check: str) -> None:
    wrong = TARGETS.copy()
    wrong[5, column] = value
    with pytest.raises(PredictionError, match=rf"mine cannot be scored\.\nfailed +{check}"):
        Predictions.of(BENCHMARK, "mine", wrong)


def test_another_shape() -> None:
    with pytest.raises(PredictionError, match=r"have the shape \(144, 25\); given is \(144, 24\)"):
        Predictions.of(BENCHMARK, "mine", TARGETS[:, :24])
    with pytest.raises(PredictionError, match="image_ids_unique"):
        Predictions.of(BENCHMARK, "mine", TARGETS[:2], image_ids=[MADE.image_ids[0]] * 2)


def test_the_examples_run() -> None:
    assert doctest.testmod(module).failed == 0
