"""Freed memory stays with a process that asks for it: less work for the kernel, equal numbers."""

from __future__ import annotations

import ctypes
import json
import platform
import subprocess
import sys

import pytest

from gmbench.data.kept_memory import keep_freed_memory

STEPS = """
import json, resource, sys
import numpy
from gmbench.data.kept_memory import keep_freed_memory

kept = keep_freed_memory() if sys.argv[1] == "kept" else None
def step():
    blocks = [numpy.ones(2**18) for _ in range(8)]  # 2 MB each
    return float(sum(block.sum() for block in blocks))
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
total = sum(step() for _ in range(20))
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(json.dumps([kept, faults, total]))
"""


def _steps(way: str) -> tuple[bool | None, int, float]:
    ran = subprocess.run(
        [sys.executable, "-c", STEPS, way], capture_output=True, text=True, check=True
    )
    kept, faults, total = json.loads(ran.stdout)
    return kept, faults, total


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps memory")
def test_the_kernel_is_asked_for_pages_once() -> None:
    told, faults, total = _steps("kept")
    _, plain_faults, plain_total = _steps("plain")
    assert told is True
    assert plain_faults > 20 * 2000  # pages of 16 MB, at every step
    assert faults < plain_faults / 20
    assert total == plain_total


def test_another_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_library(name: str | None) -> object:
        return object()

    monkeypatch.setattr(ctypes, "CDLL", without_library)
    assert keep_freed_memory() is False
