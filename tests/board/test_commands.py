"""The commands as a user meets them: text, JSON, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from gmbench.predictions.predictions import write_predictions
from tests.board.boards import benchmark_folder, tiny_benchmark
from tests.evaluation.populations import random_predictions

CARD = ("--name", "mine", "--authors", "A. Author", "--url", "https://example.org",
        "--training-data", "benchmark", "--date", "2026-01-02")  # fmt: skip


def start(here: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100", "GMBENCH_HOME": str(here / "h")}
    return subprocess.Popen(
        [sys.executable, "-m", "gmbench", *arguments], cwd=here, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # A shell's background job ignores the keyboard, and so would everything that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def gmbench(here: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(here, *arguments)
    out, error = process.communicate(timeout=120)
    return process.returncode, out, error


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_predictions(random_predictions(tiny_benchmark(), 1), tmp_path / "mine.parquet")
    benchmark_folder(tmp_path / "tiny")
    return tmp_path


def test_submit_verify_build(here: Path, snapshot: SnapshotAssertion) -> None:
    submitted = gmbench(here, "submit", "mine.parquet", "--benchmark", "tiny", *CARD)
    assert submitted == snapshot(name="submit")
    assert gmbench(here, "submit", "mine.parquet", "-b", "tiny", *CARD) == snapshot(name="again")
    assert gmbench(here, "leaderboard", "verify") == snapshot(name="verify")
    code, out, error = gmbench(here, "leaderboard", "build", "--json")
    assert (code, error) == (0, "")
    assert json.loads(out)["benchmarks"] == {"tiny": [1, 0]}
    assert (here / "leaderboard" / "site" / "index.html").is_file()
    path = here / "leaderboard" / "submissions" / "mine" / "results.json"
    path.write_text(path.read_text().replace('"n_gms": 48', '"n_gms": 49'))
    code, out, error = gmbench(here, "leaderboard", "verify", "mine")
    assert (code, error) == (1, "")
    assert out == snapshot(name="edited")
    code, out, error = gmbench(here, "leaderboard", "build")
    assert code == 1
    assert "n_gms is 49, recomputed 48" in error


def test_refusals(here: Path, snapshot: SnapshotAssertion) -> None:
    bad = ("submit", "mine.parquet", "-b", "tiny", *CARD)
    assert gmbench(here, *bad, "--title", "=1+1", "--params", "-3", "--date", "soon") == snapshot
    assert gmbench(here, "leaderboard", "verify", "nobody") == snapshot
    assert not (here / "leaderboard").exists()


def test_serve(here: Path) -> None:
    gmbench(here, "submit", "mine.parquet", "-b", "tiny", *CARD)
    process = start(here, "leaderboard", "serve", "--port", "0", "--no-open")
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
