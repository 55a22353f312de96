"""Parquet and frames as pandas, polars, DuckDB and Arrow write them."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from syrupy.assertion import SnapshotAssertion

from gmbench.predictions.predictions import Validation, validate_predictions
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark(3)
MADE = random_predictions(BENCHMARK, 0)
TABLE = MADE.to_arrow()

TEXTS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "large_string": lambda cells: pc.cast(cells, pa.large_string()),
    "string_view": lambda cells: pc.cast(cells, pa.string_view()),
    "dictionary": pc.dictionary_encode,
    "dictionary of large_string": lambda cells: pc.dictionary_encode(
        pc.cast(cells, pa.large_string())
    ),
    "dictionary of small indices": lambda cells: pc.cast(
        pc.dictionary_encode(cells), pa.dictionary(pa.uint8(), pa.string())
    ),
}


def _read(table: pa.Table, here: Path) -> Validation:
    pq.write_table(table, here / "predictions.parquet", row_group_size=50)
    return validate_predictions(here / "predictions.parquet", BENCHMARK)


def _put(name: str, cells: pa.Array) -> pa.Table:
    return TABLE.set_column(TABLE.column_names.index(name), name, cells)


@pytest.mark.parametrize("kind", TEXTS)
def test_text_of_every_type(kind: str, tmp_path: Path) -> None:
    table = TABLE
    for place, name in enumerate(TABLE.column_names):
        few = name != "image_id" or "small" not in kind
        if pa.types.is_string(TABLE.schema.field(name).type) and few:
            cells = TEXTS[kind](TABLE[name].combine_chunks())
            table = table.set_column(place, name, cells)
    made = _read(table, tmp_path).predictions
    assert made is not None
    assert made.sha256 == MADE.sha256


def test_a_frame_of_categories(tmp_path: Path) -> None:
    frame = MADE.to_pandas()
    for name in ("image_id", "normalization", "layers", "loss_l1"):
        frame[name] = pd.Categorical(frame[name])
    frame.to_parquet(tmp_path / "categories.parquet")
    for source in (frame, tmp_path / "categories.parquet"):
        made = validate_predictions(source, BENCHMARK).predictions
        assert made is not None
        assert made.sha256 == MADE.sha256


def test_decimals_booleans_and_every_width_of_number(tmp_path: Path) -> None:
    layers = pc.round(TABLE["layers"])
    whole = [int(value) for value in layers.to_pylist()]
    kinds = [
        *(pa.int8(), pa.int16(), pa.int64(), pa.uint8(), pa.uint64(), pa.float16(), pa.float32()),
        *(pa.decimal128(20, 3), pa.decimal256(50, 10)),
    ]
    for kind in kinds:
        values: list[object] = [
            decimal.Decimal(value) if pa.types.is_decimal(kind) else
            np.float16(value) if kind == pa.float16() else value
            for value in whole
        ]  # fmt: skip
        made = _read(_put("layers", pa.array(values, kind)), tmp_path).predictions
        assert made is not None, kind
        np.testing.assert_array_equal(made.values.continuous[:, 0], whole)
    # Yes and no: of a loss, and of a class that is one of two.
    losses = pc.greater_equal(TABLE["loss_l1"], 0.5)
    made = _read(_put("loss_l1", losses), tmp_path).predictions
    assert made is not None
    np.testing.assert_array_equal(made.values.losses[:, 0], losses.to_numpy())
    skips = pc.equal(TABLE["skip_connection"], "yes")
    made = _read(_put("skip_connection", skips), tmp_path).predictions
    assert made is not None
    assert made.sha256 == MADE.sha256


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parameters", np.iinfo(np.int64).min),
        ("layers", 2**53 + 1),
        ("loss_l1", 2**60),
        ("normalization", np.iinfo(np.int64).max),
        ("normalization", True),
    ],
)
def test_a_number_that_no_double_holds_is_a_failed_check(
    name: str, value: int, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    """What pandas makes of a gap, or a hash in place of a count."""
    kind = pa.bool_() if value is True else pa.int64()
    cells = [value, *([0] * (len(MADE) - 1))]
    table = _put(name, pa.array(cells if value is not True else [bool(one) for one in cells], kind))
    checklist = _read(table, tmp_path).checklist
    assert len(checklist.failures) == 1
    assert checklist.text(all_checks=False) == snapshot


def test_the_index_that_pandas_keeps_of_a_shuffled_frame(tmp_path: Path) -> None:
    shuffled = MADE.to_pandas().sample(frac=1, random_state=0)
    shuffled.to_parquet(tmp_path / "shuffled.parquet")
    validation = validate_predictions(tmp_path / "shuffled.parquet", BENCHMARK)
    assert validation.predictions is not None
    assert validation.predictions.sha256 == MADE.sha256
    (note,) = [one for one in validation.checklist if one.status == "note"]
    assert note.message == "column '__index_level_0__': a DataFrame's index, left out"
    again = shuffled.reset_index(drop=True).reset_index(names="Unnamed: 0")
    assert validate_predictions(again, BENCHMARK).predictions is not None


def test_text_that_is_not_utf8_is_no_traceback(tmp_path: Path) -> None:
    cells = pa.array([b"\xff", *[b"tanh"] * (len(MADE) - 1)], pa.binary()).view(pa.string())
    (check,) = _read(_put("last_nonlinearity", cells), tmp_path).checklist.failures
    assert check.name == "file"
    assert "Invalid UTF8" in check.message
