"""Class probabilities in prediction files: what is read, what is refused, what is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from gmbench.errors import PredictionError, UnknownNameError
from gmbench.predictions.predictions import Predictions, read_predictions, validate_predictions
from gmbench.predictions.probabilities import columns_of
from gmbench.predictions.template import template
from gmbench.predictions.writing import write_predictions
from gmbench.schema import NAMES
from tests.evaluation.populations import (
    random_predictions,
    random_probabilities,
    small_benchmark,
)

BENCHMARK = small_benchmark(3)
PLAIN = random_predictions(BENCHMARK, 0)
ODDS = random_probabilities(PLAIN, 0)
MADE = Predictions.of(
    BENCHMARK, "mine", PLAIN.values.to_array(), normalised=False, probabilities=ODDS
)
FRAME = MADE.to_pandas()
CLASSES = list(BENCHMARK.classes)
COLUMNS = columns_of(BENCHMARK)


def same(one: Predictions, other: Predictions) -> bool:
    """Whether two predict the same with the same probabilities, bit by bit."""
    hashes = [(p.sha256, p.probabilities_sha256) for p in (one, other)]
    return hashes[0] == hashes[1] and hashes[0][1] is not None


def changed(**cells: object) -> pd.DataFrame:
    """The frame with other cells in one row; `__` stands for the colon of a column."""
    frame: Any = FRAME.astype(object)
    for column, value in cells.items():
        frame.loc[2, column.replace("__", ":")] = value
    return pd.DataFrame(frame)


def test_the_hash_of_what_is_predicted_does_not_see_probabilities() -> None:
    assert MADE.sha256 == PLAIN.sha256
    assert PLAIN.probabilities_sha256 is None
    fewer = {name: odds for name, odds in ODDS.items() if name != "upsampling"}
    other = Predictions.of(
        BENCHMARK, "x", PLAIN.values.to_array(), normalised=False, probabilities=fewer
    )
    assert other.probabilities_sha256 not in (None, MADE.probabilities_sha256)
    assert list(other.to_pandas().columns[26:]) == [
        column for name in fewer for column in COLUMNS[name]
    ]


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.parquet"])
def test_what_is_written_is_read_again(name: str, tmp_path: Path) -> None:
    write_predictions(MADE, tmp_path / name)
    assert same(read_predictions(tmp_path / name, BENCHMARK), MADE)
    assert same(read_predictions(MADE.to_pandas(), BENCHMARK), MADE)


def test_without_probabilities_files_are_as_before() -> None:
    assert list(PLAIN.to_pandas().columns) == ["image_id", *NAMES]
    assert FRAME.iloc[:, :26].equals(PLAIN.to_pandas())


def test_classes_may_be_left_out() -> None:
    assert same(read_predictions(FRAME.drop(columns=CLASSES), BENCHMARK), MADE)
    # The first of equally probable ones.
    tied = FRAME.drop(columns=CLASSES).assign(**{"upsampling:transposed_conv": 0.5})
    tied["upsampling:interpolation"] = 0.5
    read = read_predictions(tied, BENCHMARK)
    assert not read.values.discrete[:, 3].any()
    # Where a class is given, it may be either of them.
    assert read_predictions(tied.assign(upsampling=1), BENCHMARK).values.discrete[:, 3].all()


def test_rows_in_any_order_keep_their_probabilities() -> None:
    shuffled = FRAME.sample(frac=1, random_state=0)
    assert same(read_predictions(shuffled, BENCHMARK), MADE)
    rows = np.array([5, 2])
    taken = MADE.take(rows).values.probabilities["normalization"]
    np.testing.assert_array_equal(taken, ODDS["normalization"][rows])


def _decimals(frame: pd.DataFrame, places: int) -> pd.DataFrame:
    odds = [column for columns in COLUMNS.values() for column in columns]
    return frame.assign(**{column: frame[column].round(places) for column in odds})


@pytest.mark.parametrize("places", [2, 3, 6])
def test_few_decimals_pass(places: int) -> None:
    """Rounded from exact probabilities, with the classes of the exact ones."""
    assert validate_predictions(_decimals(FRAME, places), BENCHMARK).checklist.ok


def test_the_widest_rounding_to_two_decimals_passes() -> None:
    four = COLUMNS["normalization"]
    for cells, ok in (((0.26, 0.24, 0.24, 0.24), True), ((0.25, 0.24, 0.24, 0.24), False)):
        frame = FRAME.drop(columns=CLASSES).assign(**dict(zip(four, cells, strict=True)))
        checklist = validate_predictions(frame, BENCHMARK).checklist
        assert [check.name for check in checklist.failures] == ([] if ok else ["probabilities_sum"])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    weights=st.lists(
        st.lists(st.floats(1e-6, 1), min_size=18, max_size=18), min_size=2, max_size=2
    ),
    separator=st.sampled_from([(",", "."), (";", ","), ("\t", ","), (";", ".")]),
    places=st.sampled_from([2, 4, 17]),
    kept=st.sets(st.sampled_from(CLASSES), min_size=1),
    with_class=st.booleans(),
    parquet=st.booleans(),
)
def test_files_of_any_dialect_read_to_what_was_written(
    weights: list[list[float]],
    separator: tuple[str, str],
    places: int,
    kept: set[str],
    with_class: bool,
    parquet: bool,
    tmp_path: Path,
) -> None:
    frame = PLAIN.to_pandas()
    expected = {}
    for name, columns in COLUMNS.items():
        if name not in kept:
            continue
        first = sum(len(COLUMNS[one]) for one in CLASSES[: CLASSES.index(name)])
        rows = np.array(weights)[:, first : first + len(columns)]
        odds = np.round(rows / rows.sum(axis=1, keepdims=True), places)
        expected[name] = odds[np.arange(len(frame)) % 2]
        for place, column in enumerate(columns):
            frame[column] = expected[name][:, place]
        frame[name] = np.array(BENCHMARK.classes[name])[expected[name].argmax(axis=1)]
        if not with_class:
            frame = frame.drop(columns=name)
    if parquet:
        frame.to_parquet(tmp_path / "p.parquet")
        read = read_predictions(tmp_path / "p.parquet", BENCHMARK)
    else:
        frame.to_csv(tmp_path / "p.csv", sep=separator[0], decimal=separator[1], index=False)
        read = read_predictions(tmp_path / "p.csv", BENCHMARK)
    assert set(read.values.probabilities) == kept
    for name, odds in expected.items():
        np.testing.assert_array_equal(read.values.probabilities[name], odds)
        np.testing.assert_array_equal(
            read.values.discrete[:, CLASSES.index(name)], odds.argmax(axis=1)
        )
    write_predictions(read, tmp_path / "again.csv")
    assert same(read_predictions(tmp_path / "again.csv", BENCHMARK), read)


def _renamed(**names: str) -> pd.DataFrame:
    pairs = {old.replace("__", ":"): new for old, new in names.items()}
    return FRAME.rename(columns=pairs)


BAD: dict[str, Callable[[], pd.DataFrame]] = {
    "a_class_without_column": lambda: FRAME.drop(
        columns=["normalization:none", "upsampling:interpolation", "upsampling"]
    ),
    "classes_by_index": lambda: _renamed(
        skip_connection__no="skip_connection:0", skip_connection__yes="skip_connection:1"
    ),
    "misspelt_class": lambda: _renamed(last_nonlinearity__leaky_relu="last_nonlinearity:leakyrelu"),
    "misspelt_parameter": lambda: _renamed(normalization__batch="normalisation:batch"),
    "probabilities_of_a_loss_and_a_count": lambda: FRAME.assign(
        **{"loss_l1:yes": 0.5, "layers:12": 0.5}
    ),
    "missing": lambda: changed(normalization__batch=""),
    "text": lambda: changed(normalization__batch="high"),
    "infinite": lambda: changed(normalization__batch="inf"),
    "negative": lambda: changed(upsampling__interpolation=-0.25),
    "percents": lambda: FRAME.assign(
        **{column: FRAME[column] * 100 for column in COLUMNS["normalization"]}
    ),
    "no_sum_of_one": lambda: changed(downsampling__no=0.9, downsampling__yes=0.2, downsampling=0),
    "another_class": lambda: changed(
        upsampling="interpolation", upsampling__transposed_conv=0.75, upsampling__interpolation=0.25
    ),
    "columns_in_another_order": lambda: FRAME.rename(
        columns=dict(zip(COLUMNS["normalization"], COLUMNS["normalization"][::-1], strict=True))
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_probabilities(what: str, snapshot: SnapshotAssertion, tmp_path: Path) -> None:
    frame = BAD[what]()
    frame.to_csv(tmp_path / "p.csv", index=False)
    validation = validate_predictions(tmp_path / "p.csv", BENCHMARK)
    assert validation.predictions is None
    shown = validation.checklist.text(all_checks=False)
    assert "remedy" in shown
    assert shown == snapshot


def test_good_probabilities(snapshot: SnapshotAssertion) -> None:
    checklist = validate_predictions(FRAME.drop(columns=CLASSES[:2]), BENCHMARK).checklist
    assert checklist.ok
    assert checklist.text() == snapshot


def test_types_of_columns(snapshot: SnapshotAssertion) -> None:
    text = FRAME.assign(**{"upsampling:interpolation": "0.5"})
    assert validate_predictions(text, BENCHMARK).checklist.text(all_checks=False) == snapshot
    # One-hot probabilities as booleans, and 32-bit softmax.
    sure = FRAME.assign(
        **{
            "downsampling:no": FRAME["downsampling"] == "no",
            "downsampling:yes": FRAME["downsampling"] == "yes",
        }
    )
    assert validate_predictions(sure, BENCHMARK).checklist.ok
    odds = {column: FRAME[column].astype("float32") for column in COLUMNS["normalization"]}
    assert validate_predictions(FRAME.assign(**odds), BENCHMARK).checklist.ok


def test_probabilities_of_arrays_that_are_not_sound() -> None:
    values = PLAIN.values.to_array()

    def made(probabilities: Any) -> Predictions:
        return Predictions.of(
            BENCHMARK, "mine", values, normalised=False, probabilities=probabilities
        )

    with pytest.raises(UnknownNameError, match="normalisation"):
        made({"normalisation": ODDS["normalization"]})
    with pytest.raises(UnknownNameError, match="loss_l1"):
        made({"loss_l1": np.full((len(values), 2), 0.5)})
    with pytest.raises(PredictionError, match=r"shape \(144, 2\), a column a class; given .*3\)"):
        made({"upsampling": ODDS["normalization"][:, :3]})
    with pytest.raises(PredictionError, match="rows of numbers"):
        made({"upsampling": [["a", "b"]] * len(values)})
    with pytest.raises(PredictionError, match="classes_agree"):
        made({"upsampling": ODDS["upsampling"][:, ::-1]})


def test_classes_beyond_the_schema() -> None:
    """The labels of 2024 have a class that the schema does not name."""
    first = BENCHMARK.gms[0]
    values = (*first.values[:9], 4.0, *first.values[10:])
    wider = replace(BENCHMARK, gms=(replace(first, values=values), *BENCHMARK.gms[1:]))
    assert columns_of(wider)["normalization"][-1] == "normalization:class_4"
    (check,) = validate_predictions(FRAME, wider).checklist.failures
    assert check.offenders == ("column normalization:class_4 is missing",)
    assert validate_predictions(FRAME.assign(**{"normalization:class_4": 0.0}), wider).checklist.ok


def test_the_template_with_probabilities(tmp_path: Path) -> None:
    text = template(BENCHMARK, "set_2", probabilities=True)
    header = text.splitlines()[0].split(",")
    assert header[:11] == ["image_id", *NAMES[:9], "normalization:batch"]
    assert len(header) == 1 + 9 + 18 + 10
    (tmp_path / "p.csv").write_text(text)
    checklist = validate_predictions(tmp_path / "p.csv", BENCHMARK).checklist
    # Of empty cells nothing sums to anything: that is not said as well.
    assert [check.name for check in checklist.failures] == ["values_present"]
