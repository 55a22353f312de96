"""Lets commands go wrong one way after the other, and says what they left and how they ended."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.jobs import JOBS, Job

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class End:
    """How a command ended.

    Attributes:
        code: Exit code; below 0 the signal that killed it.
        stderr: What it complained of.
        steps: Steps that it took; 0 where it was killed.
    """

    code: int
    stderr: str = ""
    steps: int = 0


class Zygote:
    """The process that forks commands: `tests/faults/zygote.py`."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "100"}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        environment.pop("GMBENCH_HOME", None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._read() == "ready"

    def begin(self, place: Path, command: tuple[str, ...], **request: Any) -> int:
        """Starts a command and returns the number of its process."""
        (place / ".said").unlink(missing_ok=True)
        said = {"cwd": str(place), "command": command, "said": str(place / ".said"), **request}
        return int(self._ask(said))

    def end(self, place: Path, process: int, said: Path | None = None) -> End:
        """Waits for a command."""
        code = int(self._ask({"wait": process}))
        try:
            facts = json.loads((said or place / ".said").read_text())
        except (OSError, ValueError):
            return End(code)
        return End(facts["code"], facts["stderr"], facts["steps"])

    def run(self, place: Path, command: tuple[str, ...], **request: Any) -> End:
        """Runs a command to its end."""
        return self.end(place, self.begin(place, command, **request))

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, request: Mapping[str, Any]) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@dataclass
class Bench:
    """One job, what it begins with, and what it leaves when nothing goes wrong.

    Attributes:
        name: Of the job.
        folder: Where it works.
        old: State before it.
        new: State after it.
        steps: Steps that it takes.
        seconds: That it takes.
    """

    name: str
    folder: Path
    zygote: Zygote
    old: dict[str, str] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, name: str, folder: Path, zygote: Zygote) -> Bench:
        """Prepares a job, and runs it once."""
        bench = cls(name, folder, zygote)
        bench.template.mkdir(parents=True)
        prepared = zygote.run(bench.template, ("prepare", name))
        assert prepared.code == 0, prepared.stderr
        (bench.template / ".said").unlink(missing_ok=True)
        bench.old = bench.job.state(bench.template)
        with bench.place() as place:
            started = time.perf_counter()
            whole = zygote.run(place, bench.job.command)
            bench.seconds = time.perf_counter() - started
            assert whole.code == 0, whole.stderr
            bench.steps, bench.new = whole.steps, bench.job.state(place)
        assert bench.old != bench.new
        return bench

    @property
    def job(self) -> Job:
        """The job."""
        return JOBS[self.name]

    @property
    def template(self) -> Path:
        """What the job begins with."""
        return self.folder / "template"

    @contextmanager
    def place(self) -> Iterator[Path]:
        """Yields a fresh copy of what the job begins with."""
        place = Path(shutil.copytree(self.template, self.folder / "place"))
        try:
            yield place
        finally:
            shutil.rmtree(place)

    def fault_of(self, place: Path, end: End) -> str:
        """Returns what is wrong with what a fault left; empty where nothing is."""
        left = self.job.state(place)
        if self.job.each_alone:
            torn = [
                name for name in left if left[name] not in (self.new.get(name), self.old.get(name))
            ]
            if torn:
                return f"half-written: {', '.join(torn)}"
        elif left not in (self.old, self.new):
            return f"neither the old state nor the new: {_difference(left, self.new)}"
        if "Traceback" in end.stderr:
            return f"a traceback: {end.stderr.strip().splitlines()[-1]}"
        return ""

    def again(self, place: Path) -> str:
        """Runs the job again and returns what is wrong then; empty where nothing is."""
        was_done = self.job.state(place) == self.new
        end = self.zygote.run(place, self.job.command)
        if self.job.state(place) != self.new:
            return f"the second run: {_difference(self.job.state(place), self.new)} {end.stderr}"
        # What is there already is refused in a line, such as a submission of that name.
        if end.code and not (was_done and end.stderr.startswith("error: ")):
            return f"the second run ends with {end.code}: {end.stderr}"
        return ""

    def try_at(self, at: int, fault: str) -> str:
        """Lets something go wrong at a step; returns what is wrong with what is left, if any."""
        with self.place() as place:
            end = self.zygote.run(place, self.job.command, at=at, fault=fault)
            return self._judged(place, end, fault, f"{fault} at step {at}")

    def try_after(self, seconds: float, number: int) -> str:
        """Sends a signal after some time; otherwise as `try_at`."""
        with self.place() as place:
            process = self.zygote.begin(place, self.job.command)
            time.sleep(seconds)
            os.kill(process, number)
            name = signal.Signals(number).name
            end = self.zygote.end(place, process)
            return self._judged(place, end, name, f"{name} after {seconds:.2f} s")

    def _judged(self, place: Path, end: End, fault: str, what: str) -> str:
        wrong = self.fault_of(place, end)
        if not wrong and fault == "SIGINT" and end.code == 0 and self.job.state(place) != self.new:
            wrong = "it ends with 0 and has not done its work"
        if not wrong and fault == "SIGINT" and end.code not in (0, 130):
            wrong = f"it ends with {end.code}: {end.stderr}"
        wrong = wrong or self.again(place)
        return f"{self.name}, {what}: {wrong}" if wrong else ""


def chosen_steps(bench: Bench, number: int, seed: int) -> list[int]:
    """Draws steps of a job at which something goes wrong; of many, the last two among them."""
    last = list(range(max(1, bench.steps - 1), bench.steps + 1))
    others = [step for step in range(1, bench.steps + 1) if step not in last]
    drawn = random.Random(f"{bench.name} {seed}").sample(others, min(number, len(others)))
    return sorted(drawn if number < 4 else [*drawn[: number - 2], *last])


def _difference(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    missing = sorted(wanted.keys() - found.keys())
    more = sorted(found.keys() - wanted.keys())
    other = sorted(name for name in found.keys() & wanted.keys() if found[name] != wanted[name])
    return f"lacks {missing[:3]}, has {more[:3]}, differ {other[:3]}"
