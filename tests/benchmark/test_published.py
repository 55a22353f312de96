"""The paper's figures: whole, and the same wherever they stand."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gmbench.benchmark.catalog import TABLES
from gmbench.benchmark.published import paper_cells

REPORTED = Path(__file__).parents[2] / "leaderboard" / "reported.csv"


def test_cells_of_a_table_by_row_and_metric() -> None:
    cells = paper_cells("4")
    assert (cells["full", "l1"].value, cells["full", "l1"].std_sets) == (0.149, 0.019)
    assert cells["full", "l1"].std_images == 0.014
    assert ("full", "p_value") not in cells
    assert paper_cells("12")["knn", "accuracy_lsun"].std_sets is None


def test_the_board_reports_the_same_figures() -> None:
    with REPORTED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 40
    for row in rows:
        cell = paper_cells(row["source"].removeprefix("Table "))[row["method"], row["metric"]]
        assert float(row["value"]) == cell.value
        assert float(row["std_sets"]) == cell.std_sets


@pytest.mark.parametrize("metric", ["l1", "arch_f1", "loss_f1"])
@pytest.mark.parametrize("row", ["full", "no_fingerprint"])
def test_table_7_repeats_rows_of_tables_4_and_5(row: str, metric: str) -> None:
    before = {**paper_cells("4"), **paper_cells("5")}
    assert paper_cells("7")[row, metric].value == before[row, metric].value


def test_no_cell_twice() -> None:
    with (TABLES / "paper_results.csv").open(encoding="utf-8", newline="") as file:
        keys = [(row["table"], row["row"], row["metric"]) for row in csv.DictReader(file)]
    assert len(keys) == len(set(keys))
    assert {table for table, _, _ in keys} == set("456789") | {"10", "11", "12"}
