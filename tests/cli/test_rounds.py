from __future__ import annotations

import json
from pathlib import Path

import pytest

from gmbench.board import entries
from gmbench.predictions.checks import Checklist
from tests.commands import gmbench


def test_why_an_entry_cannot_be_sealed_is_json_where_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = Checklist("mine.csv")
    checks.failed("file", "mine.csv is not there.", "give its path")
    monkeypatch.setattr(entries, "check_predictions", lambda *_: checks)
    command = ["leaderboard", "round", "seal", "spring", "mine.csv"]
    command += ["--name", "me", "--nonce-file", "n"]
    shown = gmbench(*command, "--json", cwd=tmp_path, check=False)
    assert (shown.returncode, json.loads(shown.stdout)) == (1, checks.to_dict())
    said = gmbench(*command, cwd=tmp_path, check=False)
    assert (said.returncode, said.stdout) == (1, f"{checks.text(all_checks=False)}\n")
