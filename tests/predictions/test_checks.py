"""What a user reads when a prediction file is not right: every text is a snapshot."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from gmbench.errors import PredictionError
from gmbench.files import WriteError
from gmbench.predictions.predictions import read_predictions, validate_predictions
from gmbench.predictions.template import template
from gmbench.predictions.writing import write_predictions
from gmbench.schema import NAMES
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark(3)
FRAME = random_predictions(BENCHMARK, 0).to_pandas()
CSV = FRAME.to_csv(index=False)
LINES = CSV.splitlines()


def _with_cell(row: int, column: str, value: object) -> str:
    frame: Any = FRAME.astype(object)
    frame.loc[row, column] = value
    return str(frame.to_csv(index=False))


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def _many(column: str, value: object) -> str:
    frame: Any = FRAME.astype(object)
    frame.loc[3:30, column] = value
    return str(frame.to_csv(index=False))


def _other_ids(change: Callable[[str], str]) -> str:
    return FRAME.assign(image_id=FRAME.image_id.map(change)).to_csv(index=False)


BAD: dict[str, str | bytes] = {
    "missing_column": FRAME.drop(columns=["filters", "loss_ce"]).to_csv(index=False),
    "misspelt_column": CSV.replace("normalization", "normalisation", 1),
    "extra_column": FRAME.assign(comment="x").to_csv(index=False),
    "repeated_column": CSV.replace("filters", "layers", 1),
    "repeated_image_id": CSV + LINES[1] + "\n" + LINES[1] + "\n" + LINES[7] + "\n",
    "unknown_image_id": CSV.replace("ADV_FACES/000001", "ADV_FACE/000001"),
    "number_too_large": CSV.replace("ADV_FACES/000001", "ADV_FACES/000003"),
    "number_without_zeros": CSV.replace("ADV_FACES/000001", "ADV_FACES/1"),
    "training_gm": CSV + LINES[1].replace("ADV_FACES", "ACGAN") + "\n",
    "gm_with_too_few_rows": "\n".join(LINES[:4] + LINES[6:]) + "\n",
    "gm_missing": "\n".join(LINES[:4] + LINES[7:]) + "\n",
    "nan": _with_cell(2, "layers", "NaN"),
    "empty_cell": _with_cell(2, "loss_l1", ""),
    "infinite": _with_cell(2, "parameters", "inf"),
    "text_in_number": _with_cell(3, "blocks", "about 3"),
    "thousands_separator": _with_cell(4, "parameters", "3,500,000"),
    "decimal_comma": _with_cell(4, "loss_l1", "0,5"),
    "near_miss_of_a_class": _with_cell(5, "last_nonlinearity", "LeakyReLU"),
    "class_out_of_range": _many("normalization", 4),
    "fractional_class": _with_cell(5, "upsampling", 0.4),
    "loss_outside": _with_cell(3, "loss_wgan", -3.2),
    "normalised": pd.concat([FRAME.iloc[:, :1], FRAME.iloc[:, 1:10] / 3e8, FRAME.iloc[:, 10:]],
                            axis=1).to_csv(index=False),
    "far_away": _with_cell(3, "layers", 1e300),
    "decimal_commas": FRAME.to_csv(index=False, decimal=","),
    "decimal_commas_unquoted": FRAME.to_csv(index=False, decimal=",").replace('"', ""),
    "commas_and_points": FRAME.to_csv(index=False, sep=";").replace("0.5", "0,5"),
    "maybe_thousands": FRAME.assign(filters=2000).round(0).astype({"parameters": int}).to_csv(
        index=False, sep="\t").replace("2000", "2,000").replace(".0", ""),
    "utf16": CSV.encode("utf-16"),
    "utf16_without_mark": CSV.encode("utf-16-be"),
    "index_that_counts_no_rows": FRAME.set_axis(range(5, 149)).to_csv(),
    "column_without_name": CSV.replace("\n", ",1\n").replace(",1\n", ",\n", 1),
    "quoted_line_end_and_a_bad_cell": _with_cell(2, "layers", "3\n").replace(
        "BETA_B/000000,", "BETA_B/000000,x"),
    "open_quote": CSV.replace("BETA_B/000000,", 'BETA_B/000000,"'),
    "header_again": CSV + CSV.splitlines()[0] + "\n",
    "extension": _other_ids(lambda text: text + ".png"),
    "path_of_windows": _other_ids(lambda text: "C:\\red116\\" + text.replace("/", "\\") + ".jpg"),
    "other_letter_case": _other_ids(str.lower),
    "not_utf8": _with_cell(5, "last_nonlinearity", "\u00e9lu").encode("latin-1"),
    "header_alone": LINES[0] + "\n",
    "short_and_long_rows": "\n".join(
        [*LINES[:3], "ADV_FACES/000009,1", LINES[4] + ",1", *LINES[5:]]
    ),
    "blank_lines_and_a_bad_cell": "\n\n".join(_with_cell(2, "layers", "x").splitlines()),
    "gzip_cut_short": gzip.compress(CSV.encode())[:-400],
    "gzip_damaged": gzip.compress(CSV.encode())[:200] + bytes(300),
    "parquet_with_wrong_types": _parquet(
        FRAME.assign(layers="many", loss_l1="no", normalization=pd.Timestamp("2021-01-01"))
    ),
    "parquet_with_numbered_ids": _parquet(FRAME.assign(image_id=range(len(FRAME)))),
    "parquet_with_gaps": _parquet(FRAME.assign(layers=FRAME.layers.where(FRAME.index > 3))),
    "parquet_cut_short": _parquet(FRAME)[:-100],
    "another_benchmark": _other_ids(lambda text: "DM_1" + text[text.index("/"):]),
    "no_benchmark": _other_ids(lambda text: "MINE_" + text),
    "many_things_at_once": b"\xef\xbb\xbf" + _with_cell(2, "layers", "x").replace(
        "ADV_FACES/000001", "ADV_FACE/000001").replace("\n", "\r\n").encode(),
}  # fmt: skip


NOT_CSV: dict[bytes, str] = {
    b"": "is empty",
    b"\n \n": "is empty",
    b"hello\n": "is not CSV: its first line has no comma",
    b"\x89PNG\r\n\x1a\n" + bytes(50): "is not CSV: it looks like a PNG image",
    b"PK\x03\x04" + bytes(50): "is not CSV: it looks like a ZIP archive or a spreadsheet",
    b'{"l1": 0.1}': "is not CSV: it looks like JSON",
    b"<!DOCTYPE html><html></html>": "is not CSV: it looks like an HTML page",
    bytes(range(256)): "is not CSV: it looks like binary data",
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("what", BAD)
def test_bad_file(what: str, snapshot: SnapshotAssertion) -> None:
    content = BAD[what]
    Path("predictions.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    validation = validate_predictions("predictions.csv", BENCHMARK)
    assert not validation.checklist.ok
    assert validation.predictions is None
    shown = validation.checklist.text(all_checks=False)
    assert "remedy" in shown
    assert shown == snapshot
    with pytest.raises(PredictionError, match=r"predictions\.csv cannot be scored"):
        read_predictions("predictions.csv", BENCHMARK)


@pytest.mark.parametrize(("content", "reason"), NOT_CSV.items())
def test_a_file_of_another_kind(content: bytes, reason: str) -> None:
    Path("predictions.csv").write_bytes(content)
    (check,) = validate_predictions("predictions.csv", BENCHMARK).checklist.failures
    assert (check.name, check.message) == ("file", f"predictions.csv {reason}.")
    assert check.remedy.startswith("write predictions as CSV or Parquet; `gmbench template` ")


def test_good_file(snapshot: SnapshotAssertion) -> None:
    Path("predictions.csv").write_text(CSV)
    validation = validate_predictions("predictions.csv", BENCHMARK)
    assert validation.checklist.ok
    assert validation.checklist.text() == snapshot


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "p.xlsx",
            CSV.encode(),
            "p.xlsx: CSV; its name ends with .xlsx, which says",
        ),
        ("p.csv", _parquet(FRAME), "p.csv: Parquet, 144 rows; its name ends with .csv, which says"),
    ],
)
def test_a_file_that_is_not_what_its_name_says(name: str, content: bytes, message: str) -> None:
    Path(name).write_bytes(content)
    checklist = validate_predictions(name, BENCHMARK).checklist
    assert checklist.ok
    assert (checklist.checks[0].name, checklist.checks[0].status) == ("file", "note")
    assert checklist.checks[0].message.startswith(message)


def test_missing_file(snapshot: SnapshotAssertion) -> None:
    assert validate_predictions("predictions.csv").checklist.text() == snapshot
    Path("folder").mkdir()
    assert validate_predictions("folder").checklist.text() == snapshot


def test_benchmark_told_from_names(snapshot: SnapshotAssertion) -> None:
    FRAME.assign(image_id="MINE/000001").to_csv("predictions.csv", index=False)
    assert validate_predictions("predictions.csv").checklist.text(all_checks=False) == snapshot


def test_overlapping_sets_need_a_set_column(snapshot: SnapshotAssertion) -> None:
    benchmark = small_benchmark(2, "red116-dm")
    frame = random_predictions(benchmark, 0).to_pandas()
    assert validate_predictions(frame, benchmark).checklist.ok
    lacking = validate_predictions(frame.drop(columns="set"), benchmark)
    assert lacking.checklist.text(all_checks=False) == snapshot
    (wrong,) = validate_predictions(frame.assign(set="set_9"), benchmark).checklist.failures
    assert wrong.message == "24 of 24 rows name no test image of red116-dm."
    assert wrong.offenders[0] == "row 1: 'DM_1/000000': DM_1 is not in that set"


def test_a_set_column_that_nothing_needs_must_be_right() -> None:
    set_of = {gm: name for name, gms in BENCHMARK.sets.items() for gm in gms}
    right = FRAME.assign(set=[set_of[one.split("/")[0]] for one in FRAME["image_id"]])
    assert validate_predictions(right, BENCHMARK).checklist.ok
    (wrong,) = validate_predictions(
        right.assign(set=["set_2", *right["set"][1:]]), BENCHMARK, partial=True
    ).checklist.failures
    assert wrong.name == "image_ids_known"
    assert wrong.offenders[0].endswith("is not in that set")
    assert "in column set a set that tests its GM" in wrong.remedy


def test_frames(snapshot: SnapshotAssertion) -> None:
    assert validate_predictions(FRAME, BENCHMARK).checklist.ok
    assert validate_predictions(FRAME.set_index("image_id"), BENCHMARK).checklist.ok
    indices = FRAME.assign(
        normalization=1,
        loss_l1=True,
        layers=3,
        skip_connection=pd.Categorical(["yes"] * len(FRAME)),
    )
    assert validate_predictions(indices, BENCHMARK).checklist.ok
    sparse = FRAME.assign(layers=pd.arrays.SparseArray(FRAME["layers"]))
    assert validate_predictions(sparse).checklist.failures[0].offenders == ("column layers",)
    mixed = FRAME.astype({"layers": object})
    mixed.loc[3, "layers"] = "x"
    assert validate_predictions(mixed, BENCHMARK).checklist.text(all_checks=False) == snapshot


@pytest.mark.parametrize(
    "text",
    [
        _with_cell(2, "layers", "+1e1"),
        _with_cell(2, "layers", " 12 "),
        _with_cell(2, "normalization", "1.0"),
        _with_cell(2, "skip_connection", "True"),
        _with_cell(2, "loss_l1", "True"),
        CSV.rstrip("\n"),
        CSV + "\n\n",
        CSV.replace("ADV_FACES/000001", '"ADV_FACES/000001"'),
        "\n".join([LINES[0], *reversed(LINES[1:])]),
    ],
)
def test_what_is_accepted(text: str) -> None:
    Path("predictions.csv").write_text(text)
    validation = validate_predictions("predictions.csv", BENCHMARK)
    assert validation.checklist.text(all_checks=False) == ""


def test_rows_in_any_order_are_the_same_predictions() -> None:
    shuffled = FRAME.sample(frac=1, random_state=0)
    first, second = (read_predictions(frame, BENCHMARK) for frame in (FRAME, shuffled))
    assert first.image_ids == second.image_ids
    np.testing.assert_array_equal(first.values.continuous, second.values.continuous)
    np.testing.assert_array_equal(first.values.discrete, second.values.discrete)


def test_template_is_valid_but_for_its_empty_values() -> None:
    Path("predictions.csv").write_text(template(BENCHMARK, "set_2"))
    checklist = validate_predictions("predictions.csv", BENCHMARK).checklist
    assert [check.name for check in checklist if check.status != "ok"] == ["values_present"]
    names = ",".join(NAMES)
    empty = "," * len(NAMES)
    assert template(BENCHMARK).splitlines()[:2] == [f"image_id,{names}", "ADV_FACES/000000" + empty]
    assert template(small_benchmark(1, "red116-dm")).splitlines()[:2] == [
        f"image_id,set,{names}",
        "DM_1/000000,set_1" + empty,
    ]


def test_unknown_ending() -> None:
    with pytest.raises(WriteError, match=r"\.parquet, \.csv or \.csv\.gz"):
        write_predictions(random_predictions(BENCHMARK, 0), Path("predictions.xlsx"))


@settings(max_examples=75, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), place=st.integers(0, len(CSV) - 1), cut=st.integers(0, 300))
def test_no_bytes_make_a_traceback(data: bytes, place: int, cut: int) -> None:
    """Random bytes, and a good file with random bytes in place of a random piece."""
    good = CSV.encode()
    for content in (data, good[:place] + data + good[place + cut :], b"\x1f\x8b" + data):
        Path("predictions.csv").write_bytes(content)
        validation = validate_predictions("predictions.csv", BENCHMARK)
        assert (validation.predictions is None) == (not validation.checklist.ok)
        assert all(check.remedy for check in validation.checklist.failures)
