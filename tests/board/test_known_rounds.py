"""The page's section of sealed rounds: none, open, closed and revealed ones, and how to enter."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from markupsafe import escape

from gmbench.board.board import Board, BoardError
from gmbench.board.keeping import check_kept
from gmbench.board.known_rounds import KnownRound, known_rounds
from gmbench.board.revealing import reveal_round
from gmbench.board.rounds import Builder
from gmbench.board.rows import BoardRows, read_rows
from gmbench.board.site.building import render_site
from tests.board.boards import HOSTILE
from tests.board.live_rounds import begin, entry, opened
from tests.board.sites import opened as opened_site


def section(rows: BoardRows) -> str:
    page = render_site(rows)["index.html"].decode()
    found = re.search(r'<section id="rounds">.*?</section>', page, re.DOTALL)
    assert found is not None
    assert 'href="#rounds"' in page
    return found[0]


def test_a_round_from_its_beginning_to_its_end(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    path = board.folder / "rounds" / "round-1" / "round.json"
    described = json.loads(path.read_text())
    path.write_text(json.dumps({**described, "note": f"until May {HOSTILE}"}))
    entry(board, tmp_path, "ann", 1)
    expected = KnownRound("round-1", "open", 18, 1, f"until May {HOSTILE}", described["commitment"])
    rows = read_rows(board, jobs=1)
    assert rows.rounds == (expected,)
    shown = section(rows)
    for words in ("round-1", "takes entries", "<td>18</td>", "<td>1</td>", described["commitment"]):
        assert words in shown
    assert str(escape(HOSTILE)) in shown
    assert "There is no round yet" not in shown
    data = json.loads(render_site(rows)["leaderboard.json"])["rounds"]
    assert [(one["n_images"], one["state"], one["n_entries"]) for one in data] == [(18, "open", 1)]

    opened(board, tmp_path, "ann")
    assert known_rounds(board) == (replace(expected, state="closed"),)
    assert "closed, entries are opened" in section(read_rows(board, jobs=1))

    reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    rows = read_rows(board, jobs=1)
    assert rows.rounds == (replace(expected, state="revealed"),)
    assert '<a href="#b-round-1" data-b="round-1">round-1</a>' in section(rows)

    path.with_name("revealed.json").unlink()
    path.write_text("[]")
    with pytest.raises(BoardError, match="is damaged: it needs images and commitment"):
        known_rounds(board)


def test_those_that_take_entries_come_first(tmp_path: Path) -> None:
    board = Board(tmp_path)
    for name, more in (("autumn", "revealed.json"), ("spring", "closed.json"), ("winter", "")):
        folder = tmp_path / "rounds" / name
        folder.mkdir(parents=True)
        (folder / "round.json").write_text('{"images": 2, "commitment": "0"}')
        if more == "closed.json":
            (folder / more).write_text('{"entries": {"ann": "0"}}')
        elif more:
            (folder / more).write_text('{"salt": "", "order": [], "scored": {}}')
    found = [(one.name, one.state, one.n_entries) for one in known_rounds(board)]
    assert found == [("winter", "open", 0), ("spring", "closed", 1), ("autumn", "revealed", 0)]


def test_without_rounds_the_section_says_how_to_enter_and_to_hold_one(rows: BoardRows) -> None:
    shown = section(rows)
    assert "There is no round yet" in shown
    for step in ("seal", "open", "new", "close", "reveal"):
        assert f"gmbench leaderboard round {step}" in shown


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_the_table_of_rounds_is_accessible_on_a_phone(rows: BoardRows, tmp_path: Path) -> None:
    rounds = (
        KnownRound("winter", "open", 2304, 0, "until 31 May", "0" * 64),
        KnownRound("tiny", "revealed", 2304, 12, "", "1" * 64),
    )
    for name, content in render_site(replace(rows, rounds=rounds)).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with opened_site(tmp_path, "#rounds", width=390, height=800) as (browser, _):
        page = browser.page
        assert page.locator("#rounds table").is_visible()
        assert browser.overflow() <= 0
        assert browser.axe() + browser.faults() == []
        assert page.locator(".tabs a", has_text="Sealed rounds").inner_text().endswith("2")


def test_what_is_half_written_or_hidden_is_no_round(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    known = known_rounds(board)
    hidden = board.folder / "rounds" / ".round-2.77"
    trusted = Board(Path(shutil.copytree(board.folder, tmp_path / "trusted")))
    shutil.copytree(board.folder / "rounds" / "round-1", hidden)
    assert known_rounds(board) == known
    (failure,) = check_kept(trusted, board).failures
    assert failure.name == "rounds_kept"
    assert any(one.startswith(".round-2.77/") for one in failure.offenders)
