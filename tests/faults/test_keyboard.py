"""Ctrl-C: a message that says how to go on, exit code 130, and no traceback of any process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gmbench.board import table  # noqa: F401 - first imported under a patch, it would keep that
from gmbench.errors import InterruptedWorkError
from tests.commands import gmbench

pytestmark = pytest.mark.faults

GOES_ON = "interrupted: What is finished is kept; the same command goes on from there.\n"
ANEW = "interrupted: No file is left half-written; the same command begins anew.\n"


def _interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


@dataclass(frozen=True)
class Planned:
    """A plan of a zoo in which nothing is planned."""

    device: str = "cpu"


@pytest.mark.parametrize(
    ("command", "stopped", "said"),
    [
        (("train", "full"), "gmbench.training.folds.read_images", GOES_ON),
        (("train", "known_gms"), "gmbench.parsing.train.train_known_gms", ANEW),
        (("baseline", "spectral"), "gmbench.training.suite.run_one", GOES_ON),
        (("reproduce", "table4"), "gmbench.reproduction.reproduce.reproduce", GOES_ON),
        (
            ("zoo", "build", "--like", "red116", "--out", "zoo"),
            "gmbench.zoo.build.build_zoo",
            GOES_ON,
        ),
        (("data", "build"), "gmbench.data.build.build_dataset", GOES_ON),
        (("data", "fetch", "red116"), "gmbench.data.fetch.fetch_archive", GOES_ON),
        (("detect",), "gmbench.cli.detect._on_benchmark", GOES_ON),
        (("study", "content", "full"), "gmbench.applications.studies.content", GOES_ON),
        (("predict", "nowhere"), "gmbench.parsing.predicting.predict_set", ANEW),
        (
            ("predict", "nowhere", "a.png", "-o", "out"),
            "gmbench.parsing.long_run.parse_to_folder",
            GOES_ON,
        ),
        (("template",), "gmbench.predictions.template.template", ANEW),
        (("leaderboard", "build"), "gmbench.board.board.find_board", ANEW),
        (("leaderboard", "rerun", "x"), "gmbench.board.board.find_board", ANEW),
        (("leaderboard", "rerun", "x", "--runs", "r"), "gmbench.board.board.find_board", GOES_ON),
        (
            ("leaderboard", "round", "new", "spring", "--seed-file", "s", "--data", "d"),
            "gmbench.board.rounds.new_round",
            GOES_ON,
        ),
        (("data", "push", "org/x"), "gmbench.data.hub.push_dataset", GOES_ON),
        (("info",), "gmbench.cli.output.show", ANEW),
    ],
)
def test_each_command_says_how_to_go_on(
    command: tuple[str, ...], stopped: str, said: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    before = signal.getsignal(signal.SIGINT)
    # Half a minute, which is not the point.
    monkeypatch.setattr("gmbench.zoo.like_plan.plan_like", lambda *_, **__: Planned())
    monkeypatch.setattr(stopped, _interrupt)
    try:
        done = gmbench(*command, cwd=tmp_path, check=False)
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.returncode == 130
    assert done.stderr.endswith(said)
    assert "Traceback" not in done.stderr


def test_the_error_is_one_of_the_family() -> None:
    assert InterruptedWorkError(goes_on=True).exit_code == 130


def _started(cwd: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gmbench", *arguments],
        cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1", "GMBENCH_HOME": str(cwd / "home"),
             "PYTHONPATH": str(Path(__file__).parents[2])},
        # A terminal's group of processes, which Ctrl-C reaches all of.
        process_group=0,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while process.poll() is None and not condition():
        time.sleep(0.002)


@pytest.mark.slow
def test_all_processes_of_a_command_end_without_a_traceback(tmp_path: Path) -> None:
    """Ctrl-C reaches the processes that decode images too; and none of them complains."""
    features = tmp_path / "home" / "features"
    process = _started(tmp_path, "baseline", "spectral", "-o", "out.csv")
    _wait_for(features.exists, process)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, complaint = process.communicate(timeout=120)
    assert "Traceback" not in complaint
    assert process.returncode == 130
    assert complaint.endswith(GOES_ON)
    assert not (tmp_path / "out.csv").exists()


def test_before_anything_was_begun(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c",
         "import sys\n"
         "class Stops:\n"
         "    def find_spec(self, name, *_):\n"
         "        if name == 'gmbench.cli.app':\n"
         "            raise KeyboardInterrupt\n"
         "sys.meta_path.insert(0, Stops())\n"
         "from gmbench.cli import main\n"
         "main()\n"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 130
    assert process.stderr == "interrupted: nothing was begun.\n"
