from __future__ import annotations

from dataclasses import replace

import numpy as np

from gmbench.evaluation.intervals import bootstrap
from gmbench.evaluation.ransac import inlier_terms, ransac_fit
from gmbench.evaluation.slope import Slope, set_slope
from gmbench.evaluation.statistics import set_tables
from gmbench.predictions.reference import mean_mode
from tests.evaluation.populations import random_predictions, small_benchmark


def test_lines_that_never_win_change_nothing() -> None:
    table = set_tables(random_predictions(small_benchmark(6), 4))[0]
    slope = set_slope(table, replicates=400, seed=0)
    quick = slope.resampled(bootstrap(table, slope.terms, replicates=400, seed=0))
    points = [
        (rows[:, table.columns.prediction], np.tile(truth, (len(rows), 1)))
        for rows, truth in zip(table.rows, table.truth, strict=True)
    ]
    predicted, truth = (np.concatenate(part).ravel() for part in zip(*points, strict=True))
    fit = ransac_fit(predicted, truth, 0)
    assert fit is not None
    assert slope.fit is not None
    assert len(slope.fit.lines) < len(fit.lines)
    every = Slope(fit, tuple(inlier_terms(fit, *pair) for pair in points))
    plain = every.resampled(bootstrap(table, every.terms, replicates=400, seed=0))
    assert quick is not None
    assert plain is not None
    np.testing.assert_allclose(quick.replicates, plain.replicates, rtol=1e-9)
    np.testing.assert_allclose(quick.left_out, plain.left_out, rtol=1e-9)
    assert quick.value == plain.value == fit.slope


def test_without_a_line_there_is_no_slope() -> None:
    constant = set_tables(mean_mode(small_benchmark(3)))[0]
    rows = tuple(np.zeros_like(row) for row in constant.rows)
    slope = set_slope(replace(constant, rows=rows), replicates=10, seed=0)
    assert slope.fit is None
    assert slope.resampled(None) is None
    assert [terms.shape for terms in slope.terms] == [(3, 0)] * len(rows)
