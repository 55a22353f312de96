"""The board as a pandas table."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from gmbench.board.board import Board, BoardError, find_board
from gmbench.board.columns import COLUMNS
from gmbench.board.rows import BoardRows, ranked, submitted_rows
from gmbench.board.site.floors import floors_of
from gmbench.board.site.methods_table import table_view
from gmbench.board.table import leaderboard, table
from gmbench.errors import UnknownNameError
from gmbench.evaluation.comparison import COMPARED
from gmbench.evaluation.metrics import HEADLINE
from tests.board.boards import tiny_benchmark


def test_labels_of_named_benchmarks_are_said_to_be_open() -> None:
    boards = submitted_rows(find_board(Path(__file__).parents[2] / "leaderboard"))
    assert {"red116", "mini116"} <= {one.name for one in boards}
    assert all(one.open_labels for one in boards)
    assert not any(row.sealed for one in boards for row in one.rows)


def test_rows_are_those_of_the_page(
    rows: BoardRows, site_board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rows of the page were scored with fewer replicates than a submission is.
    monkeypatch.setattr("gmbench.board.table.read_rows", lambda board, cache: rows)
    found = leaderboard("tiny", site_board.folder, ranks=True)
    plain = leaderboard("tiny", site_board.folder)
    pd.testing.assert_frame_equal(plain, found[list(plain.columns)])
    assert not [name for name in plain.columns if name.endswith(("_rank", "_tier"))]
    expected = rows.benchmarks[0].rows
    compared = {metric.name for metric in COMPARED}
    assert found["name"].tolist() == [row.name for row in expected]
    assert found["origin"].tolist() == ["measured"] * 10 + ["reported"] * 2
    for number, row in enumerate(expected):
        one = found.loc[number]
        for column in COLUMNS:
            cell = row.cells[column.key]
            assert (None if pd.isna(one[column.key]) else one[column.key]) == cell.value
            if column.kind != "score" or not column.better:
                assert f"{column.key}_best_rank" not in found
                continue
            ends = (one[f"{column.key}_lo"], one[f"{column.key}_hi"])
            assert cell.ci == (None if pd.isna(ends[0]) else ends)
            if column.key not in compared:
                assert f"{column.key}_best_rank" not in found
            elif cell.rank is None:
                assert pd.isna(one[f"{column.key}_best_rank"])
            else:
                assert one[f"{column.key}_best_rank"] == cell.rank.best
                assert one[f"{column.key}_worst_rank"] == cell.rank.worst
                assert one[f"{column.key}_tier"] == cell.rank.tier
        p_value = one["p_value"]
        wanted = row.result["summary"]["p_value"]["mean"] if row.result else None
        assert (None if pd.isna(p_value) else p_value) == wanted
        left = row.result["without_twins"]["summary"] if row.result else None
        for metric in HEADLINE:
            apart = one[f"{metric.name}_without_twins"]
            assert (None if pd.isna(apart) else apart) == (left and left[metric.name]["mean"])


def test_a_single_method_is_ranked_too(rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    alone = replace(board, measured=ranked(board.measured[:1], {}), pairs={})
    found = table([alone])
    assert found["l1_best_rank"].dropna().tolist() == [1]
    assert found["l1_tier"].isna().tolist() == [False, True, True]


def test_a_benchmark_is_named_or_given(site_board: Board) -> None:
    folder = site_board.benchmarks / "tiny"
    named = leaderboard("tiny", site_board.folder)
    for benchmark in (folder, str(folder), tiny_benchmark()):
        pd.testing.assert_frame_equal(leaderboard(benchmark, site_board), named)
    other = replace(tiny_benchmark(), sets={"set_1": tiny_benchmark().sets["set_1"]})
    with pytest.raises(BoardError, match=r"The board has tiny 1 .*, not tiny 1 "):
        leaderboard(other, site_board)
    with pytest.raises(UnknownNameError, match="submitted to tiny, tiny-dm"):
        leaderboard(replace(other, name="another"), site_board)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("manifest", None),
        ("manifest", {}),
        ("without_twins", 3),
        ("without_twins", {"summary": {}}),
    ],
)
def test_damaged_results_are_named(board: Board, key: str, value: object) -> None:
    path = board.submission("alpha") / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(BoardError, match=rf"alpha cannot be read(.|\n)*{key}"):
        leaderboard("tiny", board)


def test_nothing_ranks_by_the_slope(rows: BoardRows) -> None:
    shown = {
        row.row.name: row.cells
        for row in table_view(rows.benchmarks[0], floors_of(tiny_benchmark())).measured
    }
    for row in rows.benchmarks[0].measured:
        assert row.cells["ransac_slope"].value is not None
        assert row.cells["ransac_slope"].rank is None
        (cell,) = (one for one in shown[row.name] if one.column.key == "ransac_slope")
        assert (cell.rank, cell.beside, cell.column.better) == ("", "", "")
        assert "--l" not in cell.style  # A spread over the sets is no interval.


def test_the_file_holds_the_same(rows: BoardRows, site: Path) -> None:
    text = (site / "leaderboard.csv").read_text(encoding="utf-8")
    whole = table(rows.benchmarks)
    read = pd.read_csv(StringIO(text))
    assert read.columns.tolist() == whole.columns.tolist()
    for name in whole.columns:
        if whole[name].dtype.kind == "f":
            pd.testing.assert_series_equal(read[name], whole[name], check_dtype=False)


def test_from_the_checkout() -> None:
    found = leaderboard("red116")
    assert "mean_mode" in found["name"].tolist()
    measured = found[found["origin"] == "measured"]
    assert measured["l1"].is_monotonic_increasing


def test_errors_say_what_to_do(
    site_board: Board, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownNameError, match="submitted to tiny, tiny-dm"):
        leaderboard("tyni", site_board.folder)
    with pytest.raises(BoardError, match=r"nowhere.*Clone.*board="):
        leaderboard("mini116", tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path / "leaderboard")
    # As in an installed wheel, which lies beside no leaderboard.
    monkeypatch.setattr("gmbench.board.board.__file__", str(tmp_path / "else" / "a" / "b" / "c.py"))
    with pytest.raises(BoardError, match="an installed gmbench carries none"):
        leaderboard("mini116")
    path = board.submission("beta") / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "protocol": "0"}))
    with pytest.raises(BoardError, match=r"beta cannot be read(.|\n)*verify --update"):
        submitted_rows(board)
    path.write_text('{"protocol": "2"}')
    with pytest.raises(BoardError, match=r"beta cannot be read(.|\n)*results.json(.|\n)*--update"):
        submitted_rows(board)
