"""Entries of a live round: what they are told before the deadline, and whose their names are."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from syrupy.assertion import SnapshotAssertion

from gmbench.board.board import LARGEST, Board, BoardError
from gmbench.board.entries import check_entry, check_predictions, entry_names
from gmbench.board.free_names import require_free
from gmbench.board.keeping import check_kept
from gmbench.board.revealing import reveal_round
from gmbench.board.rounds import Builder
from gmbench.board.rows import submitted_rows
from gmbench.board.sealing import seal_entry
from gmbench.board.submission import submit
from gmbench.board.verification import verify
from tests.board.boards import facts, tiny_benchmark
from tests.board.live_rounds import begin, entry, opened
from tests.evaluation.populations import random_predictions


def test_columns_that_cannot_be_renamed_are_refused(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    entries = board.folder / "rounds" / "round-1" / "entries"
    for who, column in (("ann", "image_id"), ("bob", "layers")):
        entry(board, tmp_path, who, 1)
        file = tmp_path / f"{who}.parquet"
        frame = pd.read_parquet(file)
        frame[column] = b"\xff" if column == "image_id" else [[one] for one in frame[column]]
        frame.to_parquet(file, index=False)
        (tmp_path / f"{who}.nonce").unlink()
        seal_entry(board, "round-1", who, file, tmp_path / f"{who}.nonce")
    opened(board, tmp_path, "ann", "bob")
    revealed = reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert revealed.scored == ()
    sent = "predictions.parquet"
    assert f"{entries / 'ann' / sent} cannot be given" in revealed.refused["ann"]
    assert f"{entries / 'bob' / sent}: column layers is list" in revealed.refused["bob"]


def test_entries_are_checked_before_the_end(
    tmp_path: Path, build: Builder, snapshot: SnapshotAssertion
) -> None:
    board = begin(tmp_path, build)
    with pytest.raises(BoardError, match="Is the round's name right"):
        entry_names(board, "round-2")
    entry(board, tmp_path, "ann", 1)
    entry(board, tmp_path, "bob", 2, "csv")
    sealed = check_entry(board, "round-1", "ann").text()
    assert re.sub(r"hash [0-9a-f]{16}", "HASH", sealed) == snapshot
    entries = board.folder / "rounds" / "round-1" / "entries"
    table = tmp_path / "bob.csv"
    lines = table.read_text().replace("round-1/000003", "round-1/000099").splitlines()
    table.write_text("\n".join(lines[:-1]) + "\n")
    (tmp_path / "bob.nonce").unlink()
    seal_entry(board, "round-1", "bob", table, tmp_path / "bob.nonce")
    opened(board, tmp_path, "ann", "bob")
    for who, card in (("carl", "name: !!python/name:os.system\n"), ("dora", "titel: D\n")):
        (entries / who).mkdir()
        (entries / who / "card.yaml").write_text(card)
        (entries / who / "predictions.csv").write_text("image_id\n")
    (entries / "eve").symlink_to(entries / "ann")
    made = {who: check_entry(board, "round-1", who) for who in entry_names(board, "round-1")}
    made["../ann"] = check_entry(board, "round-1", "../ann")
    assert [who for who, checklist in made.items() if checklist.ok] == ["ann"]
    text = "\n".join(checklist.text(all_checks=who == "ann") for who, checklist in made.items())
    assert text.replace(str(entries), "entries") == snapshot


def test_a_name_that_the_board_has_is_told_before_the_deadline(
    tmp_path: Path, build: Builder
) -> None:
    board = begin(tmp_path, build)
    entry(board, tmp_path, "other", 1)
    tiny = tiny_benchmark()
    submit(random_predictions(tiny, 1), facts("my-method"), board=board, benchmark=tiny)
    entries = board.folder / "rounds" / "round-1" / "entries"
    (entries / "other").rename(entries / "my_method")
    found = check_entry(board, "round-1", "my_method")
    assert "my_method differs from my-method, which is on the board" in found.text()
    with pytest.raises(BoardError, match="is there already"):
        entry(board, tmp_path, "my-method", 2)


def test_no_entry_is_of_a_round_that_does_not_run(tmp_path: Path, build: Builder) -> None:
    """Such an entry is checked by nobody, and would hold a name for ever."""
    board = begin(tmp_path, build)
    proposed = Board(Path(shutil.copytree(board.folder, tmp_path / "proposed")))
    for name in ("round-1", "none"):
        (proposed.folder / "rounds" / name / "entries" / "ann").mkdir(parents=True)
        (proposed.folder / "rounds" / name / "entries" / "ann" / "sealed.json").write_text("{}")
    assert "1 file of rounds" in (said := check_kept(board, proposed).text())
    assert "none/entries/ann/sealed.json is no entry's" in said
    shutil.rmtree(proposed.folder / "rounds" / "round-1")
    require_free(proposed, "ann")


def test_the_title_of_an_entry_is_no_other_methods(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    entry(board, tmp_path, "zeta", 1)
    entry(board, tmp_path, "aaa", 2)
    card = board.folder / "rounds" / "round-1" / "entries" / "aaa" / "card.yaml"
    card.write_text(card.read_text().replace("title: aaa", "title: Z-E-T-A"))
    for who, other in (("aaa", "zeta"), ("zeta", "aaa")):
        said = check_entry(board, "round-1", who).text()
        assert f"{other} has a title like it" in said
    card.write_text(f"{card.read_text()}seed_of: zeta\n")
    assert check_entry(board, "round-1", "aaa").ok


def test_what_is_too_large_is_told_before_the_deadline(
    tmp_path: Path, build: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = begin(tmp_path, build)
    entry(board, tmp_path, "ann", 1)
    monkeypatch.setitem(LARGEST, "predictions.parquet", 100)
    found = check_predictions(board, "round-1", tmp_path / "ann.parquet")
    assert "a submission has at most 100" in found.text()


def test_strangers_files_in_an_entry_are_named(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    entry(board, tmp_path, "ann", 1)
    folder = board.folder / "rounds" / "round-1" / "entries" / "ann"
    (folder / "more.txt").write_text("more")
    assert "holds 'more.txt', which does not" in check_entry(board, "round-1", "ann").text()
    (folder / "more.txt").unlink()
    assert check_entry(board, "round-1", "ann").ok
    opened(board, tmp_path)
    (folder / "nonce.txt").write_text("0" * 64)
    assert "holds nonce.txt, but not the pred" in check_entry(board, "round-1", "ann").text()


def test_the_name_of_an_entry_is_held_until_its_round_is_revealed(
    tmp_path: Path, build: Builder
) -> None:
    board, tiny = begin(tmp_path, build), tiny_benchmark()
    entry(board, tmp_path, "my_method", 1)
    for name in ("my_method", "My-Method"):
        with pytest.raises(BoardError, match=f"The name {name} is held by .*my_method"):
            submit(random_predictions(tiny, 1), facts(name), board=board, benchmark=tiny)
    other = Board(tmp_path / "other")
    submit(random_predictions(tiny, 1), facts("My-Method"), board=other, benchmark=tiny)
    for part in ("submissions", "benchmarks"):
        shutil.copytree(other.folder / part, board.folder / part)
    made = verify(board, ["My-Method"], jobs=1)
    assert "names_unique" in made.among.text()
    assert "my_method is an entry of a round that is not revealed" in made.among.text()
    assert [row.name for one in submitted_rows(board) for row in one.rows] == ["My-Method"]
    for part in ("submissions", "benchmarks"):
        shutil.rmtree(board.folder / part)
    opened(board, tmp_path, "my_method")
    places = (tmp_path / "secret", tmp_path / "hidden")
    # Even a later entry of another round under that name does not stop the round's own.
    later = board.folder / "rounds" / "round-2" / "entries" / "my_method"
    later.mkdir(parents=True)
    assert reveal_round(board, "round-1", *places).scored == ("my_method",)
    assert verify(board, ["my_method"], jobs=1).ok


def test_entries_whose_names_differ_in_separators_alone(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    entry(board, tmp_path, "ann_b", 1)
    entry(board, tmp_path, "bob", 2)
    assert check_entry(board, "round-1", "ann_b").ok
    with pytest.raises(BoardError, match="The name Ann-B is held by"):
        entry(board, tmp_path, "Ann-B", 3)
    entries = board.folder / "rounds" / "round-1" / "entries"
    (entries / "bob").rename(entries / "Ann-B")
    for who in ("ann_b", "Ann-B"):
        assert f"The name {who} is held by" in check_entry(board, "round-1", who).text()
