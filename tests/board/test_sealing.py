"""Entries are sealed until the deadline: nobody can copy one, or change what was sealed."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pandas as pd
import pytest

from gmbench.board.board import BoardError
from gmbench.board.entries import check_entry
from gmbench.board.revealing import reveal_round
from gmbench.board.rounds import Builder
from gmbench.board.sealing import close_round, open_entry, seal_entry, seal_of
from gmbench.board.verification import verify
from tests.board.boards import digest
from tests.board.live_rounds import begin, entry, opened


def test_reveal_waits_for_the_deadline(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    entry(board, tmp_path, "ann", 1)
    before = digest(board.folder)
    with pytest.raises(BoardError, match="round close round-1"):
        reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert digest(board.folder) == before
    close_round(board, "round-1")
    with pytest.raises(BoardError, match="is closed already"):
        close_round(board, "round-1")
    with pytest.raises(BoardError, match="is closed"):
        seal_entry(board, "round-1", "eve", tmp_path / "ann.parquet", tmp_path / "n")
    revealed = reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert "was not opened" in revealed.refused["ann"]
    open_entry(board, "round-1", "ann", tmp_path / "ann.parquet", tmp_path / "ann.nonce")
    again = reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert again.scored == ("ann",)


def test_an_entry_cannot_be_copied(tmp_path: Path, build: Builder) -> None:
    """Neither before the deadline, when it is a hash, nor after it, when it is open."""
    board = begin(tmp_path, build)
    entry(board, tmp_path, "ann", 1)
    entry(board, tmp_path, "fay", 3)
    entries = board.folder / "rounds" / "round-1" / "entries"
    assert {one.name for one in (entries / "ann").iterdir()} == {"card.yaml", "sealed.json"}
    shutil.copytree(entries / "ann", entries / "bob")  # A hash that is copied ...
    assert "one of them is a copy" in check_entry(board, "round-1", "bob").text()
    opened(board, tmp_path, "ann", "fay")
    shutil.copytree(entries / "ann", entries / "carl")  # ... an entry that is copied when open ...
    shutil.rmtree(entries / "bob")
    shutil.copytree(entries / "ann", entries / "bob")
    shutil.copy(tmp_path / "ann.parquet", entries / "fay" / "predictions.parquet")  # ... a file.
    said = {who: check_entry(board, "round-1", who).text() for who in ("ann", "bob", "carl", "fay")}
    revealed = reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert revealed.scored == ("ann",)
    assert "failed" not in said["ann"]
    for who, why in (
        ("bob", "do not make the hash"),
        ("carl", "was not there at the deadline"),
        ("fay", "do not make the hash"),
    ):
        assert why in said[who]
        assert why in revealed.refused[who]


def test_a_hash_that_was_changed_after_the_deadline(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    entry(board, tmp_path, "ann", 1)
    opened(board, tmp_path)
    sealed = board.folder / "rounds" / "round-1" / "entries" / "ann" / "sealed.json"
    content = (tmp_path / "ann.parquet").read_bytes()
    changed = seal_of(b"n" * 32, "round-1", "ann", content)
    sealed.write_text(json.dumps({"sha256": changed}))
    (sealed.parent / "nonce.txt").write_text((b"n" * 32).hex())
    shutil.copy(tmp_path / "ann.parquet", sealed.parent / "predictions.parquet")
    assert "was changed after the deadline" in check_entry(board, "round-1", "ann").text()
    revealed = reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert "was changed after the deadline" in revealed.refused["ann"]


def test_an_open_entry_before_the_deadline(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    entry(board, tmp_path, "ann", 1)
    with pytest.raises(BoardError, match="can be copied"):
        open_entry(board, "round-1", "ann", tmp_path / "ann.parquet", tmp_path / "ann.nonce")
    place = board.folder / "rounds" / "round-1" / "entries" / "ann"
    shutil.copy(tmp_path / "ann.parquet", place / "predictions.parquet")
    assert "open before the deadline" in check_entry(board, "round-1", "ann").text()


def test_entries_that_are_nearly_equal_stop_nobody(tmp_path: Path, build: Builder) -> None:
    """Equal entries of one maker broke `verify` and `build` for all."""
    board = begin(tmp_path, build)
    for who in ("ann", "bob", "carl"):
        entry(board, tmp_path, who, 1)
    frame = pd.read_parquet(tmp_path / "carl.parquet")
    losses = [name for name in frame.columns if name.startswith("loss_")]
    frame[losses] = (frame[losses] >= 0.5).astype(float)
    frame.to_parquet(tmp_path / "carl.parquet", index=False)
    (tmp_path / "carl.nonce").unlink()
    seal_entry(board, "round-1", "carl", tmp_path / "carl.parquet", tmp_path / "carl.nonce")
    entry(board, tmp_path, "dora", 2)
    opened(board, tmp_path, "ann", "bob", "carl", "dora")
    revealed = reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert revealed.scored == ("ann", "dora")
    assert "100.0% of the rows as ann" in revealed.refused["bob"]
    assert "of the rows as ann" in revealed.refused["carl"]
    assert verify(board, jobs=1).ok


def test_seeds_of_one_method_may_be_alike_whatever_their_names(
    tmp_path: Path, build: Builder
) -> None:
    board = begin(tmp_path, build)
    for who in ("first", "again"):
        entry(board, tmp_path, who, 1)
    file, nonce = tmp_path / "again.parquet", tmp_path / "again.nonce"
    frame = pd.read_parquet(file)
    losses = [name for name in frame.columns if name.startswith("loss_")]
    frame[losses] = (frame[losses] >= 0.5).astype(float)
    frame.to_parquet(file, index=False)
    nonce.unlink()
    card = seal_entry(board, "round-1", "again", file, nonce).with_name("card.yaml")
    card.write_text(f"{card.read_text()}seed_of: first\n")
    opened(board, tmp_path, "first", "again")
    revealed = reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert (revealed.scored, revealed.refused) == (("first", "again"), {})


def test_nonces(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    entry(board, tmp_path, "ann", 1)
    file, nonce = tmp_path / "ann.parquet", tmp_path / "ann.nonce"
    assert stat.S_IMODE(nonce.stat().st_mode) == 0o600
    for who, path, kept, said in (
        ("bob", file, nonce, "another --nonce-file"),
        ("bob", file, board.folder / "nonce", "which is published"),
        ("../bob", file, tmp_path / "n", "cannot be the name"),
        ("bob", tmp_path / "none.csv", tmp_path / "n", "cannot be read"),
    ):
        with pytest.raises(BoardError, match=said):
            seal_entry(board, "round-1", who, path, kept)
    close_round(board, "round-1")
    (tmp_path / "short").write_text("abc")
    with pytest.raises(BoardError, match="no nonce"):
        open_entry(board, "round-1", "ann", file, tmp_path / "short")
    with pytest.raises(BoardError, match="needs sealed"):
        open_entry(board, "round-1", "bob", file, nonce)
