"""The steps that verify a pull request, run as the workflow runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gmbench.board.board import Board
from gmbench.predictions.predictions import read_predictions
from tests.board.boards import REPLICATES, submit_random, tiny_benchmark
from tests.board.sites import REPORTED

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "leaderboard.yml"

pytestmark = pytest.mark.slow


def steps(job: str) -> list[dict[str, Any]]:
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = workflow["jobs"][job]["steps"]
    return found


@pytest.fixture(scope="module")
def checkouts(few_replicates: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the runner has: both checkouts and `gmbench`, of the trusted code, on its path."""
    here = tmp_path_factory.mktemp("runner")
    board = Board(here / "trusted" / "leaderboard")
    submit_random(board, here, "old", 1)
    board.reported.write_text(REPORTED, encoding="utf-8")
    shutil.copytree(here / "trusted", here / "submitted")
    submit_random(Board(here / "submitted" / "leaderboard"), here, "new", 2)
    shutil.copytree(ROOT / ".github", here / "trusted" / ".github")
    shim = here / "bin" / "gmbench"
    shim.parent.mkdir()
    shim.write_text(
        f"#!{sys.executable}\n"
        "from gmbench.board import scoring\n"
        f"scoring.REPLICATES = {REPLICATES}\n"
        "from gmbench.cli import main\n"
        "main()\n"
    )
    shim.chmod(0o755)
    return here


def run(here: Path) -> subprocess.CompletedProcess[str]:
    """Runs the step of the pull request with the shell that GitHub runs it with."""
    (step,) = (one for one in steps("verify") if "pull request" in one.get("name", ""))
    environment = {
        **os.environ,
        "PATH": f"{here / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(
        command, cwd=here, env=environment, capture_output=True, text=True, check=False
    )


def edited(board: Path) -> None:
    path = board / "submissions" / "new" / "results.json"
    result = json.loads(path.read_text())
    result["summary"]["l1"]["mean"] = 0.01
    path.write_text(json.dumps(result))


def labels_replaced(board: Path) -> None:
    """The submitter's labels, by which a result of the submitter's may be right."""
    table = board / "benchmarks" / "tiny" / "gms.csv"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join([lines[0], *reversed(lines[1:])]))


def labels_removed(board: Path) -> None:
    (board / "benchmarks" / "tiny" / "gms.csv").unlink()


def linked_board(board: Path) -> None:
    board.rename(board.with_name("elsewhere"))
    board.symlink_to("elsewhere")


def linked_labels(board: Path) -> None:
    shutil.rmtree(board / "benchmarks")
    (board / "benchmarks").symlink_to("/etc")


def linked_submission(board: Path) -> None:
    (board / "submissions" / "twin").symlink_to("old")


def no_card(board: Path) -> None:
    (board / "submissions" / "new" / "card.yaml").unlink()


def unsound_entry(board: Path) -> None:
    running = board.parents[1] / "trusted" / "leaderboard" / "rounds" / "spring"
    running.mkdir(parents=True)
    described = {"images": 2, "commitment": "0" * 64}
    (running / "round.json").write_text(json.dumps(described))
    entry = board / "rounds" / "spring" / "entries" / "ann"
    entry.mkdir(parents=True)
    (entry / "card.yaml").write_text("title: A\n")
    # A round of the submitter's own making would let it through.
    (board / "rounds" / "spring" / "round.json").write_text("{}")
    (entry / "predictions.csv").write_text("image_id\nspring/000000\n")


def rival_removed(board: Path) -> None:
    shutil.rmtree(board / "submissions" / "old")


def rival_replaced(board: Path) -> None:
    """Worse predictions under the name of a rival, submitted as its maker would."""
    shutil.rmtree(board / "submissions" / "old")
    submit_random(Board(board), board.parents[1], "old", 7)


def reported_edited(board: Path) -> None:
    path = board / "reported.csv"
    path.write_text(path.read_text().replace("0.149", "0.349"))


def reported_removed(board: Path) -> None:
    (board / "reported.csv").unlink()


def round_ended(board: Path) -> None:
    unsound_entry(board)
    shutil.rmtree(board / "rounds" / "spring" / "entries")
    (board / "rounds" / "spring" / "closed.json").write_text('{"entries": {}}')


def nearly_a_copy(board: Path) -> None:
    """The rival's predictions with their scores made yes or no."""
    rival = read_predictions(
        board / "submissions" / "old" / "predictions.parquet", tiny_benchmark()
    )
    rival.values.losses[:] = rival.values.losses >= 0.5
    submit_random(Board(board), board.parents[1], "newer", 0, predictions=rival)


def nothing(board: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (nothing, 0, "2 of 2 submissions are sound."),
        (labels_replaced, 1, "benchmarks_kept: tiny would be changed or removed."),
        (labels_removed, 1, "benchmarks_kept: tiny would be changed or removed."),
        (edited, 1, "summary.l1.mean is 0.01"),
        (no_card, 1, "card.yaml is missing"),
        (linked_board, 1, "has no links"),
        (linked_labels, 1, "submitted/leaderboard/benchmarks"),
        (linked_submission, 1, "submitted/leaderboard/submissions/twin"),
        (unsound_entry, 1, "url is missing"),
        (unsound_entry, 1, "spring/round.json is changed"),
        (rival_removed, 1, "old/predictions.parquet is removed"),
        (rival_replaced, 1, "old/predictions.parquet is changed"),
        (reported_edited, 1, "reported.csv would be changed"),
        (reported_removed, 1, "reported.csv would be changed"),
        (round_ended, 1, "spring/closed.json would end the round"),
        (nearly_a_copy, 1, "newer and old: 100.0% of the rows are alike"),
    ],
)
def test_a_pull_request(
    tmp_path: Path, checkouts: Path, change: Callable[[Path], None], code: int, said: str
) -> None:
    here = Path(shutil.copytree(checkouts, tmp_path / "runner", symlinks=True))
    before = (here / "trusted" / "leaderboard" / "benchmarks" / "tiny" / "gms.csv").read_bytes()
    change(here / "submitted" / "leaderboard")
    done = run(here)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout + done.stderr
    after = (here / "trusted" / "leaderboard" / "benchmarks" / "tiny" / "gms.csv").read_bytes()
    assert after == before


def test_labels_of_a_known_benchmark_that_were_replaced_do_not_count(
    tmp_path: Path, checkouts: Path
) -> None:
    """A submission that is right by its own labels is wrong by those of the target branch."""
    here = Path(shutil.copytree(checkouts, tmp_path / "runner"))
    board = here / "submitted" / "leaderboard"
    shutil.rmtree(board / "submissions" / "new")
    labels_replaced(board)
    result = board / "submissions" / "old" / "results.json"
    changed = json.loads(result.read_text())
    changed["manifest"]["labels_sha256"] = "f" * 64
    result.write_text(json.dumps(changed))
    done = run(here)
    assert done.returncode == 1
    assert "labels_sha256" in done.stdout


def test_the_job_has_no_secret_and_runs_no_submitted_file() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in workflow["jobs"]["verify"]
    assert "pull_request_target" not in WORKFLOW.read_text()
    assert "secrets" not in WORKFLOW.read_text()
    trusted, submitted = (one for one in steps("verify") if "checkout" in one.get("uses", ""))
    assert trusted["with"]["ref"].startswith("${{ github.event.pull_request.base.sha")
    assert submitted["with"]["sparse-checkout"] == "/leaderboard/"
    for step in (trusted, submitted):
        assert step["with"]["persist-credentials"] is False
    runs = [one["run"] for one in steps("verify") if "run" in one]
    assert all(not text.startswith(("submitted", "./submitted")) for text in runs)
    assert workflow["jobs"]["pages"]["if"] == "github.event_name == 'push'"
