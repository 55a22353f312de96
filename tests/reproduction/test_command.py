"""`gmbench reproduce` as a shell would call it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands import gmbench


def test_a_dry_run_lists_what_would_be_run(tmp_path: Path) -> None:
    done = gmbench("reproduce", "table5", "--dry-run", "--jobs", "2", "--json", cwd=tmp_path)
    plan = json.loads(done.stdout)
    counts = {one["name"]: one["trainings"] for one in plan["experiments"]}
    assert counts == {
        "sets/random_gt": 12,
        "sets/mean_mode": 0,
        "sets/no_fingerprint": 4,
        "sets/one_parser": 4,
        "sets/full": 4,
        "sets/median_mode": 0,
    }
    assert plan["core_minutes"] == 96
    assert {one["state"] for one in plan["experiments"]} == {"to be run"}
    assert list(tmp_path.rglob("*.parquet")) == []


def test_what_labels_alone_cannot_make_is_said(tmp_path: Path) -> None:
    done = gmbench("reproduce", "table5", "table8", "--data", "red116", cwd=tmp_path)
    assert done.stdout == ""
    for table in ("Table 5. Loss parsing", "Table 8. Several images of one GM"):
        assert f"{table}: not made." in done.stderr
    assert "looks at images. Give the folder of a dataset with --data." in done.stderr
    page = (tmp_path / "reproduction" / "README.md").read_text()
    assert page.count("Not made: ") == 2
