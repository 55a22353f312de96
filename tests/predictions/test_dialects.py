"""A frame of predictions reads to the same numbers in every dialect that programs write."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gmbench.predictions.predictions import Validation, validate_predictions
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES, NAMES
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark(2)
MADE = random_predictions(BENCHMARK, 0)
FRAME = MADE.to_pandas()


@dataclass(frozen=True)
class Dialect:
    """How a program writes CSV."""

    separator: str = ","
    decimal: str = "."
    line_end: str = "\n"
    marked: bool = False
    quoting: Literal[0, 1, 2] = csv.QUOTE_MINIMAL
    index: bool = False
    index_name: str = ""
    trailing: bool = False

    def write(self, frame: pd.DataFrame) -> bytes:
        """Returns a frame as a file; every cell is text that stands for its exact number."""
        text = io.StringIO()
        writer = csv.writer(
            text, delimiter=self.separator, lineterminator=self.line_end, quoting=self.quoting
        )
        first, last = [self.index_name] * self.index, [""] * self.trailing
        writer.writerow([*first, *frame.columns, *last])
        for number, row in zip(frame.index, frame.itertuples(index=False), strict=True):
            cells = [
                repr(float(cell)).replace(".", self.decimal) if isinstance(cell, float) else cell
                for cell in row
            ]
            writer.writerow([*([number] * self.index), *cells, *last])
        return b"\xef\xbb\xbf" * self.marked + text.getvalue().encode()


DIALECTS = st.builds(
    Dialect,
    separator=st.sampled_from(",;\t"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    marked=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    index=st.booleans(),
    index_name=st.sampled_from(["", "Unnamed: 0"]),
    trailing=st.booleans(),
).flatmap(
    lambda made: (
        st.just(made)
        if made.separator == ","
        else st.sampled_from([made, Dialect(**{**vars(made), "decimal": ","})])
    )
)

NUMBERS = st.floats(0, 2000, allow_subnormal=False)
SCORES = st.floats(0, 1, allow_subnormal=False)


def read(content: bytes, here: Path, name: str = "predictions.csv") -> Validation:
    """What becomes of a file with this content."""
    (here / name).write_bytes(content)
    return validate_predictions(here / name, BENCHMARK)


def notes(validation: Validation) -> dict[str, str]:
    """The notes, by the name of their check."""
    return {one.name: one.message for one in validation.checklist if one.status == "note"}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    dialect=DIALECTS,
    counts=st.lists(NUMBERS, min_size=9, max_size=9),
    scores=st.lists(SCORES, min_size=10, max_size=10),
    row=st.integers(0, len(FRAME) - 1),
    shuffle=st.integers(0, 100),
)
def test_every_dialect_reads_to_the_same_numbers(
    dialect: Dialect,
    counts: list[float],
    scores: list[float],
    row: int,
    shuffle: int,
    tmp_path: Path,
) -> None:
    frame = FRAME.copy()
    frame.loc[row, [one.name for one in CONTINUOUS]] = counts
    frame.loc[row, [one.name for one in LOSSES]] = scores
    expected = validate_predictions(frame, BENCHMARK).predictions
    content = dialect.write(frame.sample(frac=1, random_state=shuffle))
    validation = read(content, tmp_path)
    assert validation.checklist.text(all_checks=False) == ""
    assert expected is not None
    assert validation.predictions is not None
    assert validation.predictions.sha256 == expected.sha256
    noted = set(notes(validation))
    assert noted == {
        *(["encoding"] if dialect.marked else []),
        *(["line_ends"] if dialect.line_end != "\n" else []),
        *(["separator"] if dialect.separator != "," else []),
        *(["decimal_marks"] if dialect.decimal == "," else []),
        *(["index_column"] if dialect.index else []),
        *(["empty_columns"] if dialect.trailing else []),
    }


def test_what_excel_writes_in_half_of_europe(tmp_path: Path) -> None:
    text = FRAME.to_csv(sep=";", decimal=",", lineterminator="\r\n", encoding="utf-8-sig")
    validation = read(b"\xef\xbb\xbf" + text.encode(), tmp_path)
    assert validation.predictions is not None
    assert validation.predictions.sha256 == MADE.sha256
    n_numbers = len(FRAME) * (len(CONTINUOUS) + len(LOSSES))
    assert notes(validation) == {
        "encoding": "UTF-8 with a byte-order mark",
        "line_ends": "97 lines end with CRLF",
        "separator": "semicolon",
        "index_column": "column '': a DataFrame's index, left out",
        "decimal_marks": f"{n_numbers:,} numbers have a decimal comma",
    }


def test_a_note_is_no_failure_and_stands_in_the_json(tmp_path: Path) -> None:
    checklist = read(FRAME.to_csv(index=False, sep="\t").encode(), tmp_path).checklist
    assert checklist.ok
    assert "note    separator          tab" in checklist.text().splitlines()
    (noted,) = [one for one in checklist.to_dict()["checks"] if one["status"] == "note"]
    assert noted == {
        "name": "separator", "status": "note", "message": "tab", "offenders": [], "n_offenders": 0,
        "remedy": "",
    }  # fmt: skip


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_quoted_cells_may_hold_separators_line_ends_and_quotes(ending: str, tmp_path: Path) -> None:
    """No column of predictions holds such text, so that a column that is not known does."""
    said = 'a "great", method;\nof two lines'
    text = FRAME.assign(comment=said).to_csv(index=False, lineterminator=ending)
    checklist = read(text.replace("ADV_FACES/000001", "ADV_FACES/9").encode(), tmp_path).checklist
    assert [one.name for one in checklist.failures] == [
        "columns_known", "image_ids_known", "sets_whole",
    ]  # fmt: skip
    # Each row has two lines, the header one: the second row begins on the fourth line.
    (wrong,) = checklist.failures[1].offenders
    assert wrong == "line 4: 'ADV_FACES/9': the number must have six digits"


def test_a_quoted_line_end_across_the_blocks_that_are_read_at_a_time(tmp_path: Path) -> None:
    benchmark = small_benchmark(120)
    frame = random_predictions(benchmark, 0).to_pandas()
    text = frame.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
    text = text.replace('"tanh"', '"tanh\n"').replace('"none"', '"\n\nnone"')
    assert len(text) > 1 << 20
    (tmp_path / "long.csv").write_text(text)
    made = validate_predictions(tmp_path / "long.csv", benchmark).predictions
    assert made is not None
    assert made.sha256 == random_predictions(benchmark, 0).sha256


@pytest.mark.parametrize("shift", range(8))
def test_no_row_is_lost_where_a_block_ends_inside_of_a_cell(shift: int, tmp_path: Path) -> None:
    """Every cell has a line end, so that the end of a block falls inside of one."""
    benchmark = small_benchmark(120)
    frame = random_predictions(benchmark, 0).to_pandas().round(3)
    expected = validate_predictions(frame, benchmark).predictions
    text = frame.to_csv(index=False, quoting=csv.QUOTE_ALL).replace('","', '","\n')
    header, rows = ",".join(frame.columns), text[text.index('"ADV_FACES') :]
    (tmp_path / "long.csv").write_text(header + "\n" * (shift + 1) + rows)
    made = validate_predictions(tmp_path / "long.csv", benchmark)
    assert made.checklist.text(all_checks=False) == ""
    assert made.predictions is not None
    assert expected is not None
    assert made.predictions.sha256 == expected.sha256


def test_a_shuffled_index_is_left_out_and_another_first_column_is_not(tmp_path: Path) -> None:
    shuffled = FRAME.sample(frac=1, random_state=1)
    assert read(shuffled.to_csv().encode(), tmp_path).predictions is not None
    for index in (range(1, 97), [0] * 96, [*range(95), 97]):
        checklist = read(FRAME.set_axis(list(index)).to_csv().encode(), tmp_path).checklist
        assert [one.name for one in checklist.failures] == ["columns_known"]
    named = FRAME.to_csv(index_label="number").encode()
    assert [one.name for one in read(named, tmp_path).checklist.failures] == ["columns_known"]


def test_decimal_commas_of_classes_by_number(tmp_path: Path) -> None:
    classes = MADE.values.discrete.astype(float)
    frame = FRAME.assign(
        **{one.name: classes[:, column] for column, one in enumerate(DISCRETE)}
    )[["image_id", *NAMES]]  # fmt: skip
    made = read(frame.to_csv(index=False, sep=";", decimal=",").encode(), tmp_path).predictions
    assert made is not None
    np.testing.assert_array_equal(made.values.discrete, MADE.values.discrete)
