"""Results as tables of pandas."""

from __future__ import annotations

import doctest
import subprocess
import sys

import numpy as np
import pytest

from gmbench.errors import UnknownNameError
from gmbench.evaluation import comparison, result
from gmbench.evaluation.comparison import COMPARED, compare
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.metrics import METRICS
from gmbench.schema import CONTINUOUS, NAMES
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark(3)
FIRST, SECOND = (random_predictions(BENCHMARK, seed, name) for seed, name in enumerate("ab"))
EVALUATION = evaluate(FIRST, replicates=30)


def test_the_summary_has_a_row_for_each_metric() -> None:
    frame = EVALUATION.to_pandas()
    assert list(frame.index) == [metric.name for metric in METRICS]
    assert list(frame.columns) == ["mean", "std", "lo", "hi", "gm_level", "without_twins"]
    assert {str(kind) for kind in frame.dtypes} == {"float64"}
    l1 = EVALUATION.summary["l1"]
    assert l1.ci is not None
    assert EVALUATION.without_twins is not None
    assert EVALUATION.gm_level is not None
    assert dict(frame.loc["l1"]) == {
        "mean": l1.mean, "std": l1.std, "lo": l1.ci[0], "hi": l1.ci[1],
        "gm_level": EVALUATION.gm_level["l1"].mean,
        "without_twins": EVALUATION.without_twins.summary["l1"].mean,
    }  # fmt: skip
    assert frame["without_twins"].notna().tolist() == [metric.headline for metric in METRICS]
    assert frame.loc[["ransac_slope", "p_value"], ["lo", "hi"]].isna().all(axis=None)


def test_sets_parameters_and_gms() -> None:
    sets = EVALUATION.to_pandas("sets")
    assert sets.loc["set_2", "arch_f1"] == EVALUATION.sets["set_2"].values["arch_f1"]
    assert sets["n_images"].tolist() == [36] * 4
    parameters = EVALUATION.to_pandas("parameters")
    assert list(parameters.index) == list(NAMES)
    assert (parameters["l1_lo"] <= parameters["l1"]).sum() == len(CONTINUOUS)
    assert parameters.loc["layers", ["f1", "f1_lo", "f1_hi"]].isna().all()
    gms = EVALUATION.to_pandas("gms")
    assert len(gms) == 48
    assert gms.groupby("set")["l1"].mean().tolist() == pytest.approx(sets["l1"].tolist())
    with pytest.raises(UnknownNameError, match="Did you mean gms"):
        EVALUATION.to_pandas("gm")  # type: ignore[arg-type]


def test_a_comparison() -> None:
    made = compare(FIRST, SECOND, replicates=30, permutations=99)
    frame = made.to_pandas()
    assert list(frame["metric"]) == [metric.name for metric in COMPARED]
    assert list(frame.columns) == [
        "first", "second", "metric", "difference", "lo", "hi", "p_value", "p_holm", "better",
    ]  # fmt: skip
    assert frame["lo"].le(frame["difference"]).all()
    values = made.to_pandas("values")
    np.testing.assert_allclose(values.loc["a"] - values.loc["b"], frame["difference"])
    with pytest.raises(UnknownNameError):
        made.to_pandas("pairs")  # type: ignore[arg-type]


def test_latex_through_pandas() -> None:
    text = EVALUATION.to_pandas().loc[["l1"]].to_latex(float_format="%.3f")
    l1 = EVALUATION.summary["l1"]
    assert l1.ci is not None
    assert f"l1 & {l1.mean:.3f} & {l1.std:.3f} & {l1.ci[0]:.3f} & {l1.ci[1]:.3f} & " in text


def test_pandas_is_imported_when_a_table_is_asked_for() -> None:
    code = "import sys, gmbench.evaluation.evaluate; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_examples_run() -> None:
    for module in (result, comparison):
        assert doctest.testmod(module).failed == 0
