"""A process that has imported everything, and forks a child for each command that is to go wrong.

A start of Python with its imports costs seconds, a fork milliseconds: so a command can be killed at
each of its steps. A step is what changes a file or folder below the place where the command works:
opening for writing, renaming, removing, making a folder, flushing to the disk.
"""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link")
WARM = (
    "gmbench.cli.app", "gmbench.training.folds", "gmbench.parsing.predicting",
    "gmbench.board.submission", "gmbench.board.site", "gmbench.zoo.build",
    "gmbench.reproduction.reproduce", "gmbench.reproduction.page", "gmbench.data.build",
    "gmbench.training.baselines", "tests.faults.jobs", "safetensors.torch", "accelerate",
)  # fmt: skip

Request = dict[str, Any]


class Steps:
    """Counts the steps of a command, and does something before one of them.

    Attributes:
        count: Steps so far.
    """

    def __init__(self, place: Path, at: int, then: Callable[[], None]) -> None:
        self.count, self._place, self._at, self._then = 0, str(place), at, then
        sys.addaudithook(self._hook)
        real = os.fsync

        def fsync(fd: Any) -> None:
            self._step()
            real(fd)

        os.fsync = fsync

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & WRITING and self._is_here(path):
                self._step()
        elif (event in CHANGES and self._is_here(arguments[0])) or (
            event == "ctypes.dlsym" and arguments[1] == "renameat2"
        ):
            self._step()

    def _is_here(self, path: Any) -> bool:
        if isinstance(path, int):
            return False
        name = os.fsdecode(path)
        return name.startswith(self._place) if name.startswith("/") else True

    def _step(self) -> None:
        self.count += 1
        if self.count == self._at:
            self._then()


def _fault(request: Request) -> Callable[[], None]:
    """Returns what goes wrong at the step that a request names."""
    name = request.get("fault", "")
    if name.startswith("SIG"):
        return lambda: os.kill(os.getpid(), getattr(signal, name))
    number = getattr(errno, name, 0)

    def refuse() -> None:
        if number:
            raise OSError(number, os.strerror(number))

    return refuse


def _jumping(real: Callable[[], float]) -> Callable[[], float]:
    """A clock that is set forth and back by years between two looks at it."""
    looks = 0

    def told() -> float:
        nonlocal looks
        looks += 1
        return real() + (3e8 if looks % 2 else -3e8)

    return told


def _run(request: Request) -> None:
    place = Path(request["cwd"])
    os.chdir(place)
    os.environ.update(request.get("environment", {}))
    for name in request.get("unset", ()):
        os.environ.pop(name, None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    said, noted, code = io.StringIO(), io.StringIO(), 0
    if request.get("clock"):
        time.time = _jumping(time.time)
    steps = Steps(place, int(request.get("at", 0)), _fault(request))
    with redirect_stdout(said), redirect_stderr(noted):
        try:
            from tests.faults import jobs

            jobs.run(request["command"])
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:  # noqa: BLE001 - as Python itself would show it, Ctrl-C included
            traceback.print_exc()
            code = 1
    facts = {"code": code, "stdout": said.getvalue(), "stderr": noted.getvalue()}
    Path(request["said"]).write_text(json.dumps(facts | {"steps": steps.count}))


def main() -> None:
    """Answers a request a line with the process that does it, and with its end when asked."""
    for name in WARM:
        importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if not child:
            try:
                _run(request)
            finally:
                os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
