"""Runs commands in this process, as a shell would: what they print, and how they end.

A process of its own costs a second of imports; tests take one only where the process is the point.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gmbench.cli import main


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def gmbench(*arguments: str, cwd: Path, check: bool = True, offline: bool = True) -> Done:
    """Runs `gmbench ARGUMENTS` in `cwd`, with caches of its own.

    Args:
        arguments: As they would stand in the shell.
        cwd: The folder to be in; its folder `home` takes the place of the user's cache.
        check: Whether an exit code other than 0 fails the test.
        offline: Whether the Hub is out of reach; otherwise it is the one that the test has set.
    """
    said, noted, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(noted):
        patch.chdir(cwd)
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "100")
        patch.setenv("GMBENCH_HOME", str(cwd / "home"))
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
        patch.setattr(sys, "argv", ["gmbench", *arguments])
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    assert not check or code == 0, noted.getvalue()
    return Done(code, said.getvalue(), noted.getvalue())


def data(*arguments: str, cwd: Path) -> Any:
    """Runs `gmbench ARGUMENTS --json` and returns its data; nothing else may be written."""
    # Without progress: a slow machine has more of it to tell.
    done = gmbench("--quiet", *arguments, "--json", cwd=cwd)
    assert done.stderr == ""
    return json.loads(done.stdout)
