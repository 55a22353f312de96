"""Figures without test GMs that have a twin in training: by hand, and as a benchmark of its own."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.leakage import twins
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.metrics import HEADLINE
from gmbench.evaluation.result import Evaluation
from gmbench.predictions.predictions import Predictions
from tests.evaluation.populations import random_predictions, small_benchmark


def tiny_benchmark() -> Benchmark:
    """Seven GMs, counts 0 to 10. A has a full twin in training, B one in its architecture alone.

    Of set `one` C is left, of set `two` D; `three` has B alone.
    """
    rows = {
        "A": (2.0, 0.0), "B": (4.0, 0.0), "C": (6.0, 0.0), "D": (0.0, 1.0),
        "A_TWIN": (2.0, 0.0), "B_TWIN": (4.0, 1.0), "FAR": (10.0, 0.0),
    }  # fmt: skip
    whole = small_benchmark(1)
    gms = tuple(
        replace(gm, name=name, values=(count,) * 9 + (0.0,) * 6 + (loss,) * 10)
        for gm, (name, (count, loss)) in zip(whole.gms, rows.items(), strict=False)
    )
    sets = {"one": ("A", "B", "C"), "two": ("D",), "three": ("B",)}
    return replace(whole, name="tiny", gms=gms, sets=sets, n_images=(2,) * len(gms))


def test_by_hand() -> None:
    benchmark = tiny_benchmark()
    # Two images of A, B, C, then of D, then of B again; counts are predicted as 5.
    targets = np.zeros((10, 25))
    targets[:, :9] = 5.0
    targets[4, 9] = 1.0  # Of the 12 classes of the two images of C one is wrong.
    result = evaluate(Predictions.of(benchmark, "fives", targets, normalised=False), replicates=20)
    left = result.without_twins
    assert left is not None
    assert left.gms == {"one": ("A", "B"), "three": ("B",)}
    assert left.same_labels == {"one": ("A",)}
    assert left.empty_sets == ("three",)
    assert left.n_gms == 2
    # |5 - 6| and |5 - 0| of a range of 10; A and B, which are left out, have 0.3 and 0.1.
    assert left.summary["l1"].mean == pytest.approx((0.1 + 0.5) / 2)
    assert left.summary["l1"].std == pytest.approx(0.2)
    assert result.summary["l1"].mean == pytest.approx(((0.3 + 0.1 + 0.1) / 3 + 0.5 + 0.1) / 3)
    assert left.summary["arch_accuracy"].mean == pytest.approx((11 / 12 + 1) / 2)
    assert left.summary["loss_accuracy"].mean == pytest.approx(0.5)
    assert left.summary["l1"].ci is None  # No set has two GMs.
    assert "no value in one, two" in left.summary["correlation"].reason
    assert list(left.summary) == [metric.name for metric in HEADLINE]
    assert left.lines == (
        "one: A*, B", "three: B; no other GM is left, and the means are without this set",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["red116", "red116-dm"])
@pytest.mark.parametrize("seed", [0, 1])
def test_as_a_benchmark_whose_sets_lack_them(name: str, seed: int) -> None:
    """Means, spreads and intervals: the draws follow from the names of the GMs that are left."""
    benchmark = small_benchmark((3, 5), name)
    predictions = random_predictions(benchmark, seed)
    left = evaluate(predictions, replicates=60, seed=seed).without_twins
    assert left is not None
    sets = {
        set_name: tuple(gm for gm in test if gm not in twins(benchmark, set_name))
        for set_name, test in benchmark.sets.items()
    }
    sets = {set_name: test for set_name, test in sets.items() if test}
    frame = predictions.to_pandas()
    gm = frame["image_id"].str.split("/").str[0]
    set_of = frame["set"] if "set" in frame else gm.map({g: s for s, t in sets.items() for g in t})
    there = [g in sets.get(s, ()) for g, s in zip(gm, set_of, strict=True)]
    without = replace(benchmark, sets=sets)
    kept = (
        frame[there] if without.sets_overlap else frame[there].drop(columns="set", errors="ignore")
    )
    alone = evaluate(kept, without, replicates=60, seed=seed)
    assert alone.without_twins is None
    assert alone.n_gms == left.n_gms
    for metric, summary in left.summary.items():
        if metric == "skill":
            continue  # What labels alone reach follows from the training GMs, which differ.
        expected = alone.summary[metric]
        assert summary.mean == pytest.approx(expected.mean, rel=1e-12), metric
        assert summary.std == pytest.approx(expected.std, rel=1e-9), metric
        assert summary.ci == (expected.ci and pytest.approx(expected.ci, rel=1e-9)), metric
        assert summary.reason == expected.reason


def test_all_have_a_twin() -> None:
    predictions = random_predictions(small_benchmark(3, "red116-dm"), 0)
    result = evaluate(predictions.take(np.flatnonzero(predictions.sets == 1)), replicates=20)
    assert result.without_twins is not None
    assert result.without_twins.n_gms == 0
    for summary in result.without_twins.summary.values():
        assert (summary.mean, summary.std, summary.ci) == (None, None, None)
        assert summary.reason == "no value: every test GM has a twin in training"


def test_json_and_back() -> None:
    result = evaluate(random_predictions(small_benchmark(3), 0), replicates=20)
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert set(data["without_twins"]) == {
        "n_gms", "gms", "same_labels", "empty_sets", "summary",
    }  # fmt: skip
    assert data["without_twins"]["n_gms"] == 26
    assert data["without_twins"]["same_labels"]["set_3"] == ["FACTOR_VAE"]
    assert Evaluation.from_dict(data) == result
    none = replace(result, without_twins=None)
    assert none.to_dict()["without_twins"] is None
    assert Evaluation.from_dict(none.to_dict()) == none
