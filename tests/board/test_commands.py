"""The commands as a user meets them: text, JSON, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from gmbench.board import verification
from gmbench.board.board import Board
from gmbench.cli.app import app
from gmbench.predictions.writing import write_predictions
from tests.board.boards import benchmark_folder, tiny_benchmark
from tests.commands import data, gmbench
from tests.evaluation.populations import random_predictions

CARD = ("--name", "mine", "--authors", "A. Author", "--url", "https://example.org",
        "--training-data", "benchmark", "--date", "2026-01-02")  # fmt: skip


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_predictions(random_predictions(tiny_benchmark(), 1), tmp_path / "mine.parquet")
    benchmark_folder(tmp_path / "tiny")
    return tmp_path


def said(here: Path, *arguments: str) -> tuple[int, str, str]:
    done = gmbench(*arguments, cwd=here, check=False)
    return done.returncode, done.stdout, done.stderr


def test_submit_verify_build(here: Path, snapshot: SnapshotAssertion) -> None:
    submitted = said(here, "submit", "mine.parquet", "--benchmark", "tiny", *CARD)
    assert submitted == snapshot(name="submit")
    assert said(here, "submit", "mine.parquet", "-b", "tiny", *CARD) == snapshot(name="again")
    assert said(here, "leaderboard", "verify") == snapshot(name="verify")
    made = data("leaderboard", "build", cwd=here)
    assert made["benchmarks"] == {"tiny": [1, 0]}
    assert (here / "leaderboard" / "site" / "index.html").is_file()
    path = here / "leaderboard" / "submissions" / "mine" / "results.json"
    path.write_text(path.read_text().replace('"n_gms": 48', '"n_gms": 49'))
    code, out, error = said(here, "leaderboard", "verify", "mine")
    assert (code, error) == (1, "")
    assert out == snapshot(name="edited")
    code, out, error = said(here, "leaderboard", "build")
    assert code == 1
    assert "n_gms is 49, recomputed 48" in error


def test_suggested_commands_are_of_the_same_board(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    done = CliRunner().invoke(
        app, ["submit", "mine.parquet", "-b", "tiny", *CARD, "--board", "my board"]
    )
    assert "gmbench leaderboard verify mine --board 'my board'" in done.output
    assert "gmbench leaderboard serve --board 'my board'" in done.output
    assert "git add 'my board/benchmarks/tiny' 'my board/submissions/mine'" in done.output
    done = CliRunner().invoke(
        app, ["leaderboard", "build", "--board", "my board", "--out", "pages"]
    )
    assert "gmbench leaderboard serve --board 'my board' --out pages" in done.output


def test_update_verifies_again_what_it_wrote_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gmbench("submit", "mine.parquet", "-b", "tiny", *CARD, cwd=here)
    calls: list[object] = []

    def counted(*arguments: Any, **options: Any) -> verification.Verification:
        calls.append(arguments)
        return real(*arguments, **options)

    real = verification.verify
    monkeypatch.setattr(verification, "verify", counted)
    gmbench("leaderboard", "verify", "--update", cwd=here)
    assert len(calls) == 1
    (here / "leaderboard" / "submissions" / "mine" / "results.json").write_text("{")
    assert "written anew" in gmbench("leaderboard", "verify", "--update", cwd=here).stderr
    assert len(calls) == 3


def test_names_of_folders_steer_no_terminal(board: Board) -> None:
    (board.submissions / "a\x1b[2J").mkdir()
    verify = ["leaderboard", "verify", "a\x1b[2J", "--board", str(board.folder)]
    done = CliRunner().invoke(app, verify)
    assert done.exit_code == 1
    assert r"failed  a\x1b[2J" in done.output
    assert "\x1b" not in done.output


def test_refusals(here: Path, snapshot: SnapshotAssertion) -> None:
    bad = ("submit", "mine.parquet", "-b", "tiny", *CARD)
    assert said(here, *bad, "--title", "=1+1", "--params", "-3", "--date", "soon") == snapshot
    assert said(here, "leaderboard", "verify", "nobody") == snapshot
    assert not (here / "leaderboard").exists()


def test_serve(tmp_path: Path) -> None:
    """A process, which the keyboard ends."""
    (tmp_path / "leaderboard" / "submissions").mkdir(parents=True)
    environment = {**os.environ, "NO_COLOR": "1", "GMBENCH_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(
        [sys.executable, "-m", "gmbench", "leaderboard", "serve", "--port", "0", "--no-open"],
        cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # A shell's background job ignores the keyboard, and so would everything that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with urllib.request.urlopen(address) as answer:
            assert b"Model parsing leaderboard" in answer.read()
    finally:
        process.send_signal(signal.SIGINT)
        try:
            _, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in error
