"""`gmbench reproduce` killed at random points: the next run takes up what was whole."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.training.families import CHANGES, build_families, family_benchmark

NETWORKS = 4
"""Two baselines, two sets."""


def start(folder: Path, out: Path) -> subprocess.Popen[bytes]:
    changes = [f"--change={name}={json.dumps(value)}" for name, value in CHANGES.items()]
    command = [sys.executable, "-m", "gmbench", "reproduce", "table8", "fig9", *changes]
    command += ["--data", str(folder), "--out", str(out), "--jobs", "2", "--device", "cpu"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "GMBENCH_HOME": str(folder.parent / "home"),
    }
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def trained(out: Path) -> list[Path]:
    """Folders of the trainings whose parser is there."""
    return sorted(path.parent for path in out.glob("runs/**/model/config.json"))


def times(out: Path) -> dict[Path, int]:
    """When the states of finished trainings, and the results, were written."""
    kept = [state for one in trained(out) for state in one.parent.glob("state*")]
    return {path: path.stat().st_mtime_ns for path in [*kept, *out.glob("results/**/*.json")]}


def page(out: Path) -> Any:
    return json.loads((out / "reproduction.json").read_text())


@pytest.mark.faults
@pytest.mark.slow
def test_what_was_whole_is_taken_up_again(tmp_path: Path) -> None:
    folder = build_families(tmp_path, family_benchmark())
    whole = tmp_path / "whole"
    assert start(folder, whole).wait() == 0
    assert len(trained(whole)) == NETWORKS
    out, chance = tmp_path / "killed", random.Random(0)
    for count in sorted(chance.sample(range(NETWORKS + 1), 3)):
        before = times(out)
        process = start(folder, out)
        while len(trained(out)) < count and process.poll() is None:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert count <= len(trained(out))
        assert before.items() <= times(out).items()
    before = times(out)
    assert len(before) >= 2
    assert start(folder, out).wait() == 0
    assert before.items() <= times(out).items()
    assert page(out) == page(whole)
    assert (out / "README.md").read_bytes() == (whole / "README.md").read_bytes()
    assert (out / "figures" / "fig9.png").read_bytes() == (
        whole / "figures" / "fig9.png"
    ).read_bytes()
