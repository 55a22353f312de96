from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.intervals import (
    Resampled,
    bootstrap,
    interval,
    jackknife_error,
    resampled_images,
)
from gmbench.evaluation.metrics import METRICS
from gmbench.evaluation.resampling import draws, strata_of
from gmbench.evaluation.set_table import set_tables
from gmbench.predictions.predictions import Predictions
from tests.evaluation.populations import random_predictions, small_benchmark


def test_every_estimate_lies_in_its_interval() -> None:
    result = evaluate(random_predictions(small_benchmark(8), 3), replicates=300)
    for metric in METRICS:
        summary = result.summary[metric.name]
        if metric.value is None:
            assert summary.ci is None
            continue
        assert summary.ci is not None, metric.name
        assert summary.mean is not None
        assert summary.ci[0] <= summary.mean <= summary.ci[1], metric.name
        assert metric.bounds[0] <= summary.ci[0]
        assert summary.ci[1] <= metric.bounds[1]


def test_no_interval_of_a_standard_deviation_begins_below_0() -> None:
    made = random_predictions(small_benchmark(8), 0)
    values = made.values.to_array()
    values[:, :9] = made.benchmark.labels[made.gms][:, :9]
    one = made.gms == made.gms[0]  # This GM alone is not right.
    wild = np.random.default_rng(0).random((one.sum(), 9))
    values[one, :9] += 5 * wild * made.benchmark.span
    off = Predictions.of(made.benchmark, "off", values, normalised=False)
    ci = evaluate(off, replicates=500).sets["set_1"].intervals["l1_std_images"]
    assert ci is not None
    assert ci[0] == 0


def test_seeded() -> None:
    predictions = random_predictions(small_benchmark(8), 3)
    first = evaluate(predictions, replicates=100, seed=1).to_dict()
    assert evaluate(predictions, replicates=100, seed=1).to_dict() == first
    other = evaluate(predictions, replicates=100, seed=2).to_dict()
    assert other["summary"]["l1"]["mean"] == first["summary"]["l1"]["mean"]
    assert other["summary"]["l1"]["ci"] != first["summary"]["l1"]["ci"]


def test_replicates_are_those_of_a_plain_bootstrap() -> None:
    """The same distribution as drawing GMs of each kind, then images, one after another."""
    table = set_tables(random_predictions(small_benchmark(6), 0))[0]
    fast = bootstrap(table, resampled_images(table, replicates=4000, seed=0))
    l1 = next(metric for metric in METRICS if metric.name == "l1")
    assert l1.value is not None
    ours = l1.value(fast)
    generator = np.random.default_rng(1)
    plain = []
    for _ in range(4000):
        gms = []
        for stratum in set(table.strata):
            members = np.flatnonzero(np.array(table.strata) == stratum)
            others = np.delete(members, generator.integers(0, len(members)))
            gms += generator.choice(others, len(members)).tolist()
        drawn = [
            table.rows[gm][generator.integers(0, len(table.rows[gm]), len(table.rows[gm]))]
            for gm in gms
        ]
        plain.append(np.concatenate(drawn)[:, table.columns.error].mean())
    assert ours.mean() == pytest.approx(np.mean(plain), abs=3 * np.std(plain) / np.sqrt(2000))
    assert ours.std() == pytest.approx(np.std(plain), rel=0.06)
    np.testing.assert_allclose(
        np.quantile(ours, [0.05, 0.5, 0.95]), np.quantile(plain, [0.05, 0.5, 0.95]), atol=0.003
    )


def test_each_replicate_has_as_many_images_as_its_gms_have() -> None:
    table = set_tables(random_predictions(small_benchmark((2, 5, 9)), 0))[0]
    sample = bootstrap(table, resampled_images(table, replicates=50, seed=0))
    for place in table.columns.heads:
        np.testing.assert_array_equal(sample.totals[..., place].sum(-1), sample.counts)


def _part(value: float, replicates: np.ndarray, n_gms: int, spread: float = 0.0) -> Resampled:
    left_out = value + spread * np.resize([1.0, -1.0], n_gms)
    return Resampled(np.asarray(value), replicates, left_out, np.zeros(n_gms, np.int64))


def test_wider_with_fewer_gms() -> None:
    draws = np.random.default_rng(0).normal(size=5000)
    widths = [np.ptp(interval([_part(0.0, draws, n)]) or (0, 0)) for n in (3, 12, 100)]
    assert widths[0] > widths[1] > widths[2]
    # With very many GMs: the plain 95% percentiles.
    assert widths[2] == pytest.approx(2 * 1.96, rel=0.05)


def test_recentred_and_bounded() -> None:
    draws = np.random.default_rng(0).normal(loc=0.3, scale=0.1, size=5000)
    ends = interval([_part(0.95, draws, 12)], (0.0, 1.0))
    assert ends is not None
    assert ends[1] == 1.0
    assert 0.65 < ends[0] < 0.8


def test_widened_where_sets_share_gms() -> None:
    draws = np.random.default_rng(0).normal(size=(4, 2000))
    values = np.random.default_rng(1).normal(size=12)
    left_out = (values.sum() - values) / 11
    draws *= values.std(ddof=1) / np.sqrt(12)
    parts = [
        Resampled(values.mean(), values.mean() + one, left_out, np.zeros(12, np.int64))
        for one in draws
    ]
    alone, apart = interval(parts[:1]), interval(parts)
    shared = interval([replace(part, gms=tuple("abcdefghijkl")) for part in parts])
    assert alone is not None
    assert apart is not None
    assert shared is not None
    assert np.ptp(apart) < 0.5 * np.ptp(alone)
    assert np.ptp(shared) == pytest.approx(np.ptp(alone), rel=0.05)


def test_widened_to_the_jackknife() -> None:
    draws = np.random.default_rng(0).normal(size=5000)
    plain = interval([_part(0.0, draws, 12)])
    # Left-out values of +-1: a jackknife error of sqrt(11), against that of the draws.
    wider = interval([_part(0.0, draws, 12, spread=1.0)])
    assert plain is not None
    assert wider is not None
    ratio = np.sqrt(11) / draws.std()
    assert np.ptp(wider) == pytest.approx(ratio * np.ptp(plain))


def _left_out(left_out: np.ndarray, strata: np.ndarray | None = None) -> Resampled:
    zeros = np.zeros(len(left_out), np.int64)
    return Resampled(np.zeros(()), np.empty(0), left_out, zeros if strata is None else strata)


def test_jackknife_error_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=12)
    left_out = np.array([np.delete(values, i).mean() for i in range(12)])
    error = values.std(ddof=1) / np.sqrt(12)
    assert jackknife_error([_left_out(left_out)]) == pytest.approx(error)
    assert jackknife_error([_left_out(left_out)] * 4) == pytest.approx(error / 2)
    assert jackknife_error([_left_out(np.array([1.0, np.nan]))]) == 0
    # Of the same GMs in every set, more sets tell no more.
    same = replace(_left_out(left_out), gms=tuple("abcdefghijkl"))
    assert jackknife_error([same] * 4) == pytest.approx(error)
    # In strata of 8 and 4: n_h s_h^2 of each, over n^2.
    strata = np.repeat([0, 1], [8, 4])
    variances = [values[strata == h].var(ddof=1) * n for h, n in ((0, 8), (1, 4))]
    expected = np.sqrt(sum(variances)) / 12
    assert jackknife_error([_left_out(left_out, strata)]) == pytest.approx(expected)


def test_replicates_of_a_mean_have_its_standard_error() -> None:
    """Two GMs of a kind too: drawn with replacement from both they would vary by half."""
    values = np.random.default_rng(1).normal(size=6)
    strata = (0, 0, 0, 0, 1, 1)
    drawn = draws("set", tuple("abcdef"), strata, (1,) * 6, 200_000, 0).gms
    np.testing.assert_array_equal(np.array(strata)[drawn], np.tile(strata, (200_000, 1)))
    variances = [values[:4].var(ddof=1) * 4, values[4:].var(ddof=1) * 2]
    assert values[drawn].mean(axis=1).std() == pytest.approx(np.sqrt(sum(variances)) / 6, rel=0.01)


@pytest.mark.parametrize(
    ("kinds", "strata"),
    [
        ("AABBCD", (0, 0, 1, 1, 2, 2)),
        ("AAABBC", (0, 0, 0, 1, 1, 1)),
        ("CAABB", (0, 0, 0, 1, 1)),
        ("ABC", (0, 0, 0)),
        ("A", (0,)),
    ],
)
def test_a_kind_with_one_gm_is_drawn_with_others(kinds: str, strata: tuple[int, ...]) -> None:
    assert strata_of(list(kinds)) == strata


def test_undefined() -> None:
    draws = np.random.default_rng(0).normal(size=100)
    assert interval([_part(0.0, draws, 1)]) is None
    assert interval([_part(np.nan, draws, 12)]) is None
    assert interval([_part(0.0, draws[:0], 12)]) is None
    draws[:10] = np.nan
    assert interval([_part(0.0, draws, 12)]) is None
    draws[:10] = 0
    draws[:3] = np.nan
    assert interval([_part(0.0, draws, 12)]) is not None
