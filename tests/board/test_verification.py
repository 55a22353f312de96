from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syrupy.assertion import SnapshotAssertion

from gmbench.board import board as board_module
from gmbench.board import scoring, verification
from gmbench.board.board import Board, BoardError
from gmbench.board.rows import read_rows
from gmbench.board.updating import update_results
from gmbench.board.verification import verify
from gmbench.errors import UnknownNameError
from gmbench.evaluation.intervals import REPLICATES
from gmbench.predictions.predictions import read_predictions
from gmbench.predictions.writing import write_predictions
from tests.board.boards import failures, submit_random, tiny_benchmark
from tests.board.sites import REPORTED


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_sound(pristine_board: Board) -> None:
    made = verify(pristine_board, jobs=1)
    assert made.ok
    assert [one.name for one in made.submissions] == ["alpha", "beta", "gamma"]
    assert verify(pristine_board, ["beta"]).submissions[0].name == "beta"
    json.dumps(made.to_dict(), allow_nan=False)


def set_figure(*place: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for key in place[:-1]:
            data = data[key]
        data[place[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        (set_figure("summary", "l1", "mean", to=0.01), "figures"),
        (set_figure("summary", "l1", "ci", to=[0.0, 0.1]), "figures"),
        (set_figure("summary", "l1", "ci", to=None), "figures"),
        (set_figure("gms", "AAE", "l1", to="0.1"), "figures"),
        (set_figure("calibration", "losses", "ece", to=0.0), "figures"),
        (set_figure("n_gms", to=48.5), "figures"),
        (set_figure("n_gms", to=True), "figures"),
        (set_figure("n_images", to=10**400), "figures"),
        (set_figure("best", to=1), "figures"),
        (lambda data: data["summary"].pop("r2"), "results"),
        (set_figure("summary", to=[]), "results"),
        (set_figure("summary", "l1", "ci", to=["low", "high"]), "results"),
        (set_figure("benchmark", to="red116"), "sets"),
        (set_figure("manifest", "predictions_sha256", to="0" * 64), "hashes"),
        (set_figure("manifest", "labels_sha256", to=None), "hashes"),
        (set_figure("manifest", "splits_sha256", to="x" * 10_000), "hashes"),
        (set_figure("manifest", "seed", to=1), "figures"),
        (set_figure("protocol", to="0"), "protocol"),
        (set_figure("protocol", to=None), "protocol"),
    ],
)
def test_edited_results(
    board: Board, scored: Path, change: Callable[..., None], failed: str
) -> None:
    edit(board.submission("beta") / "results.json", change)
    assert failures(verify(board, jobs=1, cache=scored)) == {"beta": [failed]}


@pytest.mark.parametrize("step", [1e-8, -1e-8])
def test_rounding_is_no_difference(board: Board, scored: Path, step: float) -> None:
    path = board.submission("beta") / "results.json"
    value = json.loads(path.read_text())["summary"]["l1"]["mean"]
    edit(path, set_figure("summary", "l1", "mean", to=value + step))
    edit(path, set_figure("manifest", "gmbench", to="0.0.1"))
    assert verify(board, jobs=1, cache=scored).ok


def test_a_result_from_before_calibration_stands(board: Board, scored: Path) -> None:
    path = board.submission("beta") / "results.json"
    edit(path, lambda data: data.pop("calibration"))
    assert verify(board, jobs=1, cache=scored).ok
    edit(path, set_figure("calibration", to=None))
    assert failures(verify(board, jobs=1, cache=scored)) == {"beta": ["figures"]}


def spoil(case: str, board: Board, here: Path) -> None:
    beta = board.submission("beta")
    if case == "duplicate":
        copy = board.submission("delta")
        shutil.copytree(beta, copy)
        text = (copy / "card.yaml").read_text().replace("beta", "delta")
        (copy / "card.yaml").write_text(text)
        # Other bytes, other order of rows: the same predictions.
        table = pq.read_table(copy / "predictions.parquet")
        rows = list(reversed(range(len(table))))
        pq.write_table(table.take(rows), copy / "predictions.parquet", compression="zstd")
    if case == "shared name":
        shutil.copytree(board.submission("gamma"), board.submission("GAMMA"))
    if case == "shared title":
        text = (beta / "card.yaml").read_text()
        (beta / "card.yaml").write_text(text.replace("title: beta", "title: A-L-P-H-A"))
    if case == "labels":
        predictions = read_predictions(beta / "predictions.parquet", tiny_benchmark())
        truth = predictions.benchmark.labels[predictions.gms]
        predictions.values.continuous[:] = truth[:, :9]
        predictions.values.discrete[:] = truth[:, 9:15]
        predictions.values.losses[:] = truth[:, 15:]
        write_predictions(predictions, beta / "predictions.parquet")
    if case == "other predictions":
        shutil.copy(here / "alpha.parquet", beta / "predictions.parquet")
    if case == "two gigabytes":
        for name in ("predictions.parquet", "results.json", "card.yaml"):
            with (beta / name).open("r+b") as file:
                file.truncate(2_000_000_000)
    if case == "many rows":
        many = pa.table({"a": pa.nulls(6_000_000, pa.int8())})
        pq.write_table(many, beta / "predictions.parquet")
    if case == "damaged":
        content = (beta / "predictions.parquet").read_bytes()
        (beta / "predictions.parquet").write_bytes(content[: len(content) // 2])
    if case == "link":
        (beta / "results.json").unlink()
        (beta / "results.json").symlink_to(board.submission("alpha") / "results.json")
    if case == "folder link":
        shutil.move(beta, here / "elsewhere")
        beta.symlink_to(here / "elsewhere")
    if case == "script":
        (beta / "evil.py").write_text("print('never run')")
    if case == "missing":
        (beta / "card.yaml").unlink()
    if case == "not json":
        (beta / "results.json").write_text("{" * 100)
    if case == "nan":
        (beta / "results.json").write_text('{"protocol": NaN}')
    if case == "deep json":
        (beta / "results.json").write_text("[" * 1_000_000)
    if case == "other name in card":
        text = (beta / "card.yaml").read_text()
        (beta / "card.yaml").write_text(text.replace("name: beta", "name: betta"))
    if case == "unknown benchmark":
        text = (beta / "card.yaml").read_text()
        (beta / "card.yaml").write_text(text.replace("benchmark: tiny", "benchmark: tinny"))
    if case == "other version":
        text = (beta / "card.yaml").read_text()
        (beta / "card.yaml").write_text(text.replace("version: '1'", "version: '2'"))
    if case == "labels changed":
        table = board.benchmarks / "tiny" / "gms.csv"
        lines = table.read_text().splitlines()
        cells = lines[1].split(",")
        cells[-1] = str(1 - int(cells[-1]))
        lines[1] = ",".join(cells)
        table.write_text("\n".join(lines) + "\n")
    if case == "unsafe name":
        shutil.copytree(beta, board.submissions / "a b")
    if case == "a file":
        (board.submissions / "readme").write_text("hello")


CASES = (
    "duplicate", "shared name", "shared title", "labels", "other predictions", "two gigabytes",
    "many rows", "damaged", "link", "folder link", "script", "missing", "not json", "nan",
    "deep json", "other name in card", "unknown benchmark", "other version", "labels changed",
    "unsafe name", "a file",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_found_and_named(
    case: str,
    board: Board,
    pristine_board: Board,
    scored: Path,
    tmp_path: Path,
    snapshot: SnapshotAssertion,
) -> None:
    alpha = pristine_board.submission("alpha") / "predictions.parquet"
    shutil.copy(alpha, tmp_path / "alpha.parquet")
    spoil(case, board, tmp_path)
    made = verify(board, jobs=1, cache=scored)
    assert not made.ok
    texts = [
        f"{one.name}\n{one.checklist.text(all_checks=False)}"
        for one in made.submissions
        if not one.ok
    ]
    said = "\n".join([*texts, made.among.text(all_checks=False)])
    assert said.replace(str(tmp_path), "HERE") == snapshot


def test_a_copy_is_found_when_one_alone_is_verified(board: Board, tmp_path: Path) -> None:
    spoil("duplicate", board, tmp_path)
    assert failures(verify(board, ["delta"], jobs=1)) == {"board": ["predictions_unique"]}


@pytest.mark.parametrize("name", ["beta", "alpha"])
def test_titles_are_compared_with_all_when_one_is_verified(
    board: Board, scored: Path, name: str
) -> None:
    spoil("shared title", board, board.folder)
    assert failures(verify(board, [name], jobs=1, cache=scored)) == {"board": ["names_unique"]}
    assert verify(board, ["gamma"], jobs=1, cache=scored).ok


def test_titles_that_look_like_others(board: Board, scored: Path) -> None:
    board.reported.write_text(REPORTED, encoding="utf-8")
    card = board.submission("beta") / "card.yaml"
    for title in ("FEN PN", "Random Ground-Truth"):
        text = re.sub("title: .*", f"title: {title}", card.read_text())
        card.write_text(text)
        made = verify(board, ["beta"], jobs=1, cache=scored)
        assert failures(made) == {"board": ["names_unique"]}
        assert "a paper reports" in made.among.text()


def test_a_bad_submission_is_left_out_and_stops_no_other(board: Board, scored: Path) -> None:
    spoil("duplicate", board, board.folder)
    edit(board.submission("beta") / "results.json", set_figure("n_gms", to=1))
    rows = read_rows(board, jobs=1, cache=scored)
    assert [row.name for one in rows.benchmarks for row in one.measured] == ["alpha", "gamma"]
    assert rows.left_out == {"beta": ("figures",), "delta": ("predictions_unique",)}


def test_each_that_is_left_out_is_named_with_its_own_fault(board: Board, scored: Path) -> None:
    spoil("duplicate", board, board.folder)
    spoil("shared title", board, board.folder)
    left_out = read_rows(board, jobs=1, cache=scored).left_out
    assert left_out == {"beta": ("names_unique",), "delta": ("predictions_unique",)}


def test_too_many_submissions_are_refused_unread(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(board_module.MOST_SUBMISSIONS):
        (board.submissions / f"spam-{number}").mkdir()
    monkeypatch.setattr(board_module, "files_of", None)
    with pytest.raises(BoardError, match="more than 2,000 submissions"):
        verify(board)


def test_unknown_name(pristine_board: Board) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean alpha"):
        verify(pristine_board, ["alhpa"])


def test_processes_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Other processes take the number of replicates that a real board has.
    monkeypatch.setattr(scoring, "REPLICATES", REPLICATES)
    monkeypatch.setattr(verification, "_FEW", 0)
    board = Board(tmp_path / "leaderboard")
    submit_random(board, tmp_path, "beta", 1)
    one, two = (verify(board, jobs=jobs).to_dict() for jobs in (1, 2))
    assert one == two
    assert two["submissions"]["beta"]["ok"]


def test_the_cache_is_believed_for_equal_bytes_alone(board: Board, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = verify(board, jobs=1, cache=cache)
    assert len(list(cache.iterdir())) == 3
    again = verify(board, jobs=1, cache=cache)
    assert again.ok
    for one, other in zip(first.submissions, again.submissions, strict=True):
        assert one.score is not None
        assert other.score is not None
        assert one.score.result == other.score.result
        for name, parts in one.score.half.parts.items():
            for part, same in zip(parts, other.score.half.parts[name], strict=True):
                np.testing.assert_equal(asdict(part), asdict(same))
    edit(board.submission("beta") / "results.json", set_figure("n_gms", to=1))
    no_archive, half, a_byte = sorted(cache.iterdir())
    no_archive.write_bytes(b"damaged")
    content = bytearray(half.read_bytes())
    half.write_bytes(content[: len(content) // 2])
    content = bytearray(a_byte.read_bytes())
    content[len(content) // 2] ^= 1
    a_byte.write_bytes(content)
    assert failures(verify(board, jobs=1, cache=cache)) == {"beta": ["figures"]}


@pytest.mark.parametrize(("place", "value"), [(8, 1), (10, 99)])
def test_a_cached_score_may_be_damaged_anywhere(
    scored: Path, tmp_path: Path, place: int, value: int
) -> None:
    """As if it had a password, or were compressed in a way that Python does not know."""
    kept = next(scored.glob("*.npz"))
    assert scoring.recall(scored, kept.stem, tiny_benchmark()) is not None
    content = bytearray(kept.read_bytes())
    content[content.index(b"PK\x01\x02") + place] = value
    (tmp_path / kept.name).write_bytes(content)
    assert scoring.recall(tmp_path, kept.stem, tiny_benchmark()) is None


def test_update_after_a_new_protocol(board: Board) -> None:
    before = (board.submission("beta") / "results.json").read_bytes()
    edit(board.submission("beta") / "results.json", set_figure("protocol", to="0"))
    edit(board.submission("gamma") / "results.json", set_figure("n_gms", to=1))
    whole = (board.submission("alpha") / "results.json").read_bytes()
    (board.submission("alpha") / "results.json").write_bytes(whole[: len(whole) // 2])
    written = update_results(board, verify(board, jobs=1))
    assert [path.parent.name for path in written] == ["alpha", "beta"]
    assert [path.read_bytes() for path in written] == [whole, before]
    assert failures(verify(board, jobs=1)) == {"gamma": ["figures"]}


def test_update_of_a_result_that_lacks_what_came_later(board: Board) -> None:
    """It is sound, and stays so until someone asks."""
    path = board.submission("beta") / "results.json"
    before = path.read_bytes()
    edit(path, lambda result: result.pop("calibration"))
    assert path.read_bytes() != before
    made = verify(board, jobs=1)
    assert made.ok
    assert update_results(board, made) == [path]
    assert path.read_bytes() == before
    assert update_results(board, verify(board, jobs=1)) == []
