"""What nobody knows counts in no metric, old or new; with masks the plain reference agrees."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from gmbench import metrics
from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.benchmark.catalog import UNKNOWN
from gmbench.errors import PredictionError
from gmbench.evaluation.comparison import compare
from gmbench.evaluation.evaluate import evaluate
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.reference import (
    kind_oracle,
    mean_mode,
    median_mode,
    random_f1,
    random_labels,
)
from gmbench.schema import NAMES
from tests.evaluation import plain_reference
from tests.evaluation.populations import (
    random_predictions,
    random_probabilities,
    small_benchmark,
    with_unknown_cells,
)
from tests.evaluation.test_plain_metrics import agree, case, plain_functions

FILTERS = NAMES.index("filters")

Method = Callable[[Benchmark], Predictions]
METHODS: tuple[Method, ...] = (mean_mode, median_mode, kind_oracle, random_f1, random_labels)


def masked(seed: int = 0) -> Benchmark:
    """Labels with holes in every column, sets of different sizes, one that knows no filters."""
    benchmark = with_unknown_cells(small_benchmark((1, 4, 2)), seed)
    names = list(benchmark.index)
    return replace(benchmark, sets={**benchmark.sets, "set_4": tuple(names[:7])})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_the_reference_agrees_with_masks(seed: int) -> None:
    predictions = random_predictions(masked(seed), seed)
    assert 0.1 < 1 - predictions.benchmark.known.mean() < 0.25
    reference = mean_mode(predictions.benchmark)
    result = evaluate(predictions, replicates=0, seed=seed)
    assert result.gm_level is not None
    at_gms = []
    for number, (name, found) in enumerate(result.sets.items()):
        given = case(predictions, reference, number)
        expected = plain_reference.metrics(given, seed)
        functions = plain_functions(given, seed)
        for metric, value in expected.items():
            agree(found.values[metric], value, (name, metric))
            agree(functions[metric], value, (name, metric))
        at_gms.append(plain_reference.metrics(given.at_gm_level(), seed))
    for metric in set(result.gm_level) - {"ransac_slope", "p_value"}:
        mean = float(np.mean([of_set[metric] for of_set in at_gms]))
        agree(result.gm_level[metric].mean, mean, metric)


def changed_where_unknown(predictions: Predictions, seed: int) -> Predictions:
    """Other answers of the same kind to what nobody knows."""
    generator = np.random.default_rng(seed)
    values, benchmark = predictions.values, predictions.benchmark
    unknown = ~benchmark.known[predictions.gms]
    n = len(predictions)
    n_classes = [len(of) for of in benchmark.classes.values()]
    other = np.column_stack(
        [
            generator.random((n, 9)) * benchmark.span + benchmark.minimum,
            *(generator.integers(0, k, n) for k in n_classes),
            generator.random((n, 10)),
        ]
    )
    made = np.where(unknown, other, values.to_array())
    return Predictions.of(benchmark, predictions.source, made, normalised=False)


def test_answers_to_what_is_unknown_change_nothing() -> None:
    one = random_predictions(masked(), 1)
    two = changed_where_unknown(one, 2)
    assert (one.values.to_array() != two.values.to_array()).mean() > 0.05
    first, second = (evaluate(p, replicates=40).to_dict() for p in (one, two))
    for part in ("summary", "sets", "gm_level", "parameters", "without_twins", "calibration"):
        assert json.dumps(first[part]) == pytest.approx(json.dumps(second[part])), part
    apart = compare(one, two, names=["one", "two"], replicates=40, permutations=500)
    assert apart.differences
    for found in apart.differences:
        assert found.difference in (None, pytest.approx(0, abs=1e-12)), found.metric


def test_an_answer_to_what_is_known_still_counts() -> None:
    one = random_predictions(masked(), 1)
    values = one.values.to_array()
    values[:, FILTERS] += one.benchmark.span[FILTERS]
    other = Predictions.of(one.benchmark, "other", values, normalised=False)
    found = [evaluate(p, replicates=0) for p in (one, other)]
    assert found[0].sets["set_1"].values["l1"] != found[1].sets["set_1"].values["l1"]
    # In this set it is known of no GM.
    assert found[0].sets["set_4"].values["l1"] == found[1].sets["set_4"].values["l1"]


def test_calibration_leaves_out_what_is_unknown() -> None:
    benchmark = masked()
    made = random_predictions(benchmark, 3)
    odds = random_probabilities(made, 4)
    made = Predictions.of(
        benchmark, "sure", made.values.to_array(), normalised=False, probabilities=odds
    )
    found = evaluate(made, replicates=0).calibration
    assert found is not None
    assert found.architecture is not None
    known = benchmark.known[made.gms][:, 9:]
    assert sum(one.n for one in found.architecture.bins) == known[:, :6].sum()
    assert sum(one.n for one in found.losses.bins) == known[:, 6:].sum()
    for place, (name, of) in enumerate(found.parameters.items()):
        assert name == NAMES[9 + place]
        assert sum(one.n for one in of.bins) == known[:, place].sum()


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_labels_alone_are_those_that_are_known(method: Method) -> None:
    benchmark = load_benchmark("red140")
    small = replace(benchmark, n_images=(2,) * 140)
    made = method(small)
    assert np.isfinite(made.values.to_array()).all()
    stated = benchmark.known_labels[:, FILTERS]
    if method is median_mode:
        assert made.values.continuous[0, FILTERS] == np.nanmedian(stated)
    if method is random_labels:
        assert np.isin(made.values.continuous[:, FILTERS], stated).all()
    result = evaluate(made, replicates=20)
    assert result.parameters["filters"].values["l1"] is None
    assert result.parameters["layers"].values["l1"] is not None
    assert result.summary["l1"].mean is not None
    assert (
        json.loads(json.dumps(result.to_dict(), allow_nan=False))["gms"]["GLIDE"]["truth"][
            "filters"
        ]
        is None
    )


def without(benchmark: Benchmark, parameter: str, sets: Sequence[str]) -> Benchmark:
    """The same with one parameter known for the test GMs of some sets alone."""
    told = {gm for name in sets for gm in benchmark.test_gms(name)}
    column = NAMES.index(parameter)
    return replace(
        benchmark,
        gms=tuple(
            gm
            if gm.name in told
            else replace(gm, values=(*gm.values[:column], UNKNOWN, *gm.values[column + 1 :]))
            for gm in benchmark.gms
        ),
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("known_in", [(), ("set_1",)], ids=["nowhere", "test GMs of one set"])
@pytest.mark.parametrize("parameter", ["filters", "normalization", "loss_mmd"])
def test_what_no_training_gm_tells_stops_no_evaluation(
    parameter: str, known_in: tuple[str, ...]
) -> None:
    benchmark = without(small_benchmark(1), parameter, known_in)
    for method in METHODS:
        made = method(benchmark)
        lowest = benchmark.minimum[FILTERS] if parameter == "filters" else 0
        assert made.values.to_array()[0, NAMES.index(parameter)] == lowest, method
        result = evaluate(made, replicates=0)
        json.dumps(result.to_dict(), allow_nan=False)
        assert result.summary["l1"].mean is not None
        lacking = {"filters": "l1_skill", "loss_mmd": "loss_skill"}.get(parameter)
        if lacking:
            assert (result.summary[lacking].mean is None) == bool(known_in)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_without_training_gms_labels_alone_say_the_least(method: Method) -> None:
    benchmark = small_benchmark(1)
    every = replace(benchmark, sets={"only": tuple(benchmark.index)})
    made = method(every)
    assert (made.values.continuous == benchmark.minimum).all()
    assert not made.values.discrete.any()
    assert not made.values.losses.any()
    summary = evaluate(random_predictions(every, 0), against=made, replicates=0).summary
    assert summary["p_value"].mean is not None
    assert summary["loss_skill"].reason.endswith("base rates are not known")


def test_a_loss_that_is_not_known_is_none_that_no_gm_uses() -> None:
    benchmark = small_benchmark(1)
    before, after = (
        evaluate(mean_mode(one), replicates=0).losses_without_positive
        for one in (benchmark, without(benchmark, "loss_mmd", ()))
    )
    assert before is not None
    assert after is not None
    unused = [name for name, losses in before.sets.items() if "loss_mmd" in losses]
    assert unused
    assert after.cells == before.cells - len(unused)
    assert not any("loss_mmd" in losses for losses in after.sets.values())


@pytest.mark.filterwarnings("error")
def test_probabilities_of_classes_that_nobody_knows_have_no_calibration() -> None:
    benchmark = without(small_benchmark(1), "upsampling", ())
    made = mean_mode(benchmark)
    odds = {"upsampling": np.tile([0.8, 0.2], (len(made), 1))}
    given = Predictions.of(
        benchmark, "odds", made.values.to_array(), normalised=False, probabilities=odds
    )
    found = evaluate(given, replicates=20)
    assert found.calibration is not None
    assert found.calibration.architecture is None
    assert found.calibration.arch_log_skill is None
    assert found.calibration.probabilities_sha256 is not None
    json.dumps(found.to_dict(), allow_nan=False)


def test_functions_say_what_is_not_sound() -> None:
    target = np.array([[np.nan] * 9, [0.5] * 9])
    prediction = np.full((2, 9), 0.25)
    with pytest.raises(PredictionError, match="No count of GM 0 is known"):
        metrics.l1(target, prediction, [0, 1])
    target[0, 0] = 0.5
    assert metrics.l1(target, prediction, [0, 1]) == 0.25
