from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import gmbench
from gmbench.benchmark.benchmark import load_benchmark
from gmbench.errors import PredictionError
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.result import Evaluation
from gmbench.evaluation.significance import p_value_over_sets
from gmbench.predictions.predictions import read_predictions
from gmbench.predictions.reference import mean_mode, random_labels
from gmbench.predictions.writing import write_predictions
from tests.evaluation.populations import random_predictions, small_benchmark


def test_mean_mode_on_red116_gives_the_known_figures() -> None:
    """DESIGN: l1 0.1551 +- 0.0165 and so on, to four decimals."""
    summary = evaluate(mean_mode(gmbench.load_benchmark("red116")), replicates=0).summary
    rounded = {name: None if s.mean is None else round(s.mean, 4) for name, s in summary.items()}
    assert rounded["l1"] == 0.1551
    assert summary["l1"].std == pytest.approx(0.0165, abs=5e-5)
    assert rounded["arch_accuracy"] == 0.6076
    assert rounded["arch_f1"] == 0.4659
    assert rounded["arch_f1_macro"] == 0.3103
    assert rounded["loss_f1"] == 0.7387
    assert rounded["loss_accuracy"] == 0.8083


def test_json_is_finite_and_whole() -> None:
    result = evaluate(random_predictions(small_benchmark(4), 0), replicates=50)
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert list(data) == [
        "benchmark", "version", "protocol", "n_images", "n_gms", "summary", "without_twins",
        "gm_level", "losses_without_positive", "calibration", "sets", "parameters", "gms",
        "manifest",
    ]  # fmt: skip
    assert data["n_gms"] == 48
    assert data["n_images"] == 192
    assert len(data["parameters"]) == 25
    assert len(data["gms"]) == 48
    assert data["sets"]["set_1"]["n_gms"] == 12
    assert set(data["summary"]["l1"]) == {"mean", "std", "ci", "reason"}


def test_an_older_json_is_read() -> None:
    result = evaluate(random_predictions(small_benchmark(2), 0), replicates=0)
    data = result.to_dict()
    later = ("skill", "l1_skill", "count_spearman", "arch_skill", "loss_auc", "loss_skill")
    for block in (data["summary"], data["without_twins"]["summary"], *data["sets"].values()):
        for name in later:
            block.pop(name, None)
    del data["gm_level"], data["losses_without_positive"], data["calibration"]
    older = Evaluation.from_dict(data)
    assert older.gm_level is None
    assert older.losses_without_positive is None
    assert older.calibration is None
    assert older.to_pandas("calibration").empty
    assert older.summary["l1"] == result.summary["l1"]
    assert older.summary["skill"].mean is None
    assert "before the metric" in older.summary["skill"].reason
    assert older.without_twins is not None
    assert older.without_twins.summary["skill"].mean is None
    assert older.sets["set_1"].values["loss_auc"] is None
    assert older.to_pandas()["gm_level"].isna().all()
    assert Evaluation.from_dict(older.to_dict()) == older


def test_one_p_value_over_all_gms_of_all_sets() -> None:
    benchmark = small_benchmark(3)
    a, b = (random_predictions(benchmark, seed) for seed in (0, 1))
    result = evaluate(a, against=b, replicates=0)
    errors = [{key: gm.l1 for key, gm in evaluate(one, replicates=0).gms.items()} for one in (a, b)]
    first, second = ([of[key] for key in errors[0]] for of in errors)
    assert len(first) == 48
    expected = stats.ttest_rel(first, second).pvalue
    assert result.summary["p_value"].mean == pytest.approx(expected)
    assert (result.summary["p_value"].std, result.summary["p_value"].ci) == (None, None)


def test_a_gm_of_several_sets_counts_once_in_the_p_value() -> None:
    gms = [["A", "B"], ["B", "C"]]
    first, second = [np.array([0.1, 0.2]), np.array([0.4, 0.5])], [np.zeros(2), np.zeros(2)]
    expected = stats.ttest_1samp([0.1, 0.3, 0.5], 0).pvalue
    assert p_value_over_sets(gms, first, second) == pytest.approx(expected)


def test_losses_without_a_positive_are_counted() -> None:
    result = evaluate(mean_mode(small_benchmark(2)), replicates=0)
    found = result.losses_without_positive
    assert found is not None
    assert (found.cells, found.of) == (12, 40)
    assert sum(len(losses) for losses in found.sets.values()) == 12
    assert found.line.startswith("No GM of a set uses the loss in 12 of 40 pairs of set and loss")


def test_a_file_a_frame_and_predictions_score_alike(tmp_path: Path) -> None:
    benchmark = small_benchmark(3)
    predictions = random_predictions(benchmark, 0)
    expected = evaluate(predictions, replicates=20)
    for name in ("p.csv", "p.csv.gz", "p.parquet"):
        write_predictions(predictions, tmp_path / name)
        result = evaluate(tmp_path / name, benchmark, replicates=20)
        assert result.manifest.predictions_sha256 == expected.manifest.predictions_sha256
        assert result.summary == expected.summary
    result = gmbench.evaluate(predictions.to_pandas(), benchmark, replicates=20)
    assert result.summary == expected.summary


def test_the_folder_that_one_is_in_has_a_name_too() -> None:
    made = random_predictions(small_benchmark(1), 0, ".")
    manifest = evaluate(made, against=made, replicates=0).manifest
    assert (manifest.predictions, manifest.reference) == (".", ".")


def test_one_set_alone() -> None:
    predictions = random_predictions(small_benchmark(4), 0)
    only = predictions.take(np.flatnonzero(predictions.sets == 2))
    result = evaluate(only, replicates=50)
    assert list(result.sets) == ["set_3"]
    assert result.summary["l1"].std is None
    assert result.summary["l1"].ci is not None


def test_sets_that_share_gms() -> None:
    benchmark = small_benchmark(4, "red116-dm")
    predictions = random_predictions(benchmark, 0)
    assert len(predictions) == 12 * 4
    result = evaluate(predictions, replicates=20)
    assert result.n_gms == 7
    assert [one.n_gms for one in result.sets.values()] == [3, 3, 3, 3]
    assert "set_1/DM_3" in result.gms
    assert "set_2/DM_3" in result.gms


def test_p_values_against_another_method() -> None:
    benchmark = small_benchmark(6)
    predictions, other = random_predictions(benchmark, 0), random_labels(benchmark, 1)
    default = evaluate(predictions, replicates=0)
    against = evaluate(predictions, against=other, replicates=0)
    assert default.manifest.reference == "mean_mode"
    assert against.manifest.reference == "random_labels"
    assert against.summary["p_value"].mean != default.summary["p_value"].mean
    assert against.summary["l1"] == default.summary["l1"]


def test_against_itself_is_undefined() -> None:
    predictions = random_predictions(small_benchmark(3), 0)
    result = evaluate(predictions, against=predictions, replicates=0)
    assert result.summary["p_value"].mean is None
    assert "do not differ" in result.summary["p_value"].reason


def test_a_reference_that_lacks_images() -> None:
    predictions = random_predictions(small_benchmark(3), 0)
    with pytest.raises(PredictionError, match="Predict the same images with both"):
        evaluate(predictions, against=predictions.take(np.arange(10)))


def test_partial_sets_may_ask_for_enough_images_of_what_is_there() -> None:
    made = random_predictions(small_benchmark(5), 0)
    few = np.flatnonzero(made.gms == made.gms[0])[:3]
    some = made.take(np.concatenate([few, np.flatnonzero(made.gms == made.gms[-1])]))
    assert evaluate(some, partial=True, min_images=3, replicates=0).n_images == 8
    with pytest.raises(PredictionError, match=r"1 GM of red116 lacks rows.\n.*3 of 4 rows"):
        evaluate(some, partial=True, min_images=4, replicates=0)


def test_partial_files(tmp_path: Path) -> None:
    benchmark = small_benchmark(4)
    some = random_predictions(benchmark, 0).take(np.arange(0, 190, 2))
    write_predictions(some, tmp_path / "some.csv")
    with pytest.raises(PredictionError, match="sets_whole"):
        evaluate(tmp_path / "some.csv", benchmark)
    assert evaluate(tmp_path / "some.csv", benchmark, partial=True, replicates=0).n_images == 95
    # From every GM at least one image is there.
    assert len(read_predictions(tmp_path / "some.csv", benchmark, min_images=1)) == 95


def test_the_content_hash_ignores_format_and_order(tmp_path: Path) -> None:
    benchmark = small_benchmark(3)
    predictions = random_predictions(benchmark, 0)
    frame = predictions.to_pandas().sample(frac=1, random_state=0)
    assert read_predictions(frame, benchmark).sha256 == predictions.sha256
    frame.loc[frame.index[0], "layers"] += 1e-9
    assert read_predictions(frame, benchmark).sha256 != predictions.sha256


def test_chance_is_at_chance() -> None:
    benchmark = small_benchmark(50)
    summary = evaluate(random_labels(benchmark, 0), replicates=0).summary
    best = evaluate(mean_mode(benchmark), replicates=0).summary
    assert summary["l1"].mean > best["l1"].mean  # type: ignore[operator]
    assert summary["arch_accuracy"].mean < best["arch_accuracy"].mean  # type: ignore[operator]
    assert summary["correlation"].mean == pytest.approx(0.2, abs=0.1)


def test_random_labels_are_seeded() -> None:
    benchmark = small_benchmark(3)
    assert random_labels(benchmark, 1).sha256 == random_labels(benchmark, 1).sha256
    assert random_labels(benchmark, 1).sha256 != random_labels(benchmark, 2).sha256


def test_mean_mode_looks_at_training_gms_alone() -> None:
    benchmark = small_benchmark(2)
    tested = benchmark.index["AAE"]
    gms = list(benchmark.gms)
    gms[tested] = replace(gms[tested], values=(50.0, *gms[tested].values[1:]))
    changed = mean_mode(replace(benchmark, gms=tuple(gms)))
    before = mean_mode(benchmark)
    in_set_2 = before.sets == 1  # where AAE is a test GM
    np.testing.assert_array_equal(
        before.values.continuous[in_set_2], changed.values.continuous[in_set_2]
    )
    assert not np.array_equal(before.values.continuous, changed.values.continuous)


def test_predictions_already_read_are_held_against_what_is_asked() -> None:
    benchmark = small_benchmark(4)
    whole = random_predictions(benchmark, 0)
    some = whole.take(np.arange(0, 190, 2))
    with pytest.raises(PredictionError, match=r"failed +sets_whole +48 GMs of red116 lack rows"):
        evaluate(some, replicates=0)
    with pytest.raises(PredictionError, match=r"failed +sets_whole"):
        evaluate(some, min_images=3, replicates=0)
    for given in ({"partial": True}, {"min_images": 1}):
        result = evaluate(some, replicates=0, **given)  # type: ignore[arg-type]
        assert result.n_images == 95
        recorded = {"partial": result.manifest.partial, "min_images": result.manifest.min_images}
        assert recorded == {"partial": False, "min_images": None} | given
    # The same benchmark may be given again, under any name; another is refused.
    named_otherwise = replace(benchmark, name="mine")
    assert evaluate(whole, named_otherwise, replicates=0).benchmark == "red116"
    for other in (
        "red116",  # of as many GMs, but of 1000 images each
        "mini116",
        replace(benchmark, gms=(replace(benchmark.gms[0], kind="AR"), *benchmark.gms[1:])),
        replace(benchmark, sets=dict(list(benchmark.sets.items())[::-1])),
    ):
        with pytest.raises(PredictionError, match=r"failed +benchmark .* not of"):
            evaluate(whole, other, replicates=0)


def test_a_reference_of_another_benchmark_is_refused() -> None:
    benchmark = small_benchmark(3)
    predictions = random_predictions(benchmark, 0)
    later = replace(benchmark, gms=load_benchmark("red116", "2024").gms)
    with pytest.raises(PredictionError, match=r"failed +benchmark"):
        evaluate(predictions, against=random_predictions(later, 1), replicates=0)


def test_a_reference_file_is_read_with_the_benchmark_that_was_predicted(tmp_path: Path) -> None:
    later = replace(small_benchmark(3), gms=load_benchmark("red116", "2024").gms)
    first, second = random_predictions(later, 0), random_predictions(later, 1)
    write_predictions(first, tmp_path / "first.parquet")
    write_predictions(second, tmp_path / "second.parquet")
    expected = evaluate(first, against=second, replicates=0)
    read = evaluate(
        tmp_path / "first.parquet", later, against=tmp_path / "second.parquet", replicates=0
    )
    assert read.summary == expected.summary
    # The later release has classes that the earlier does not know: read by it, the file is refused.
    with pytest.raises(PredictionError, match="classes_known"):
        evaluate(random_predictions(small_benchmark(3), 0), against=tmp_path / "second.parquet")
