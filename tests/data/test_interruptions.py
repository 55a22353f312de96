"""Builds that are killed, lose a process, or run out of disk."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gmbench import files as files_module
from gmbench.benchmark.benchmark import Benchmark
from gmbench.data import dataset_folder as folder_module
from gmbench.data.build import build_dataset
from gmbench.data.shards import ShardRecord, ShardTask, make_shard
from gmbench.errors import DatasetError
from tests.data.test_archives import GOOD, opened, tarred

pytestmark = pytest.mark.faults

Digest = Callable[..., dict[str, str]]

BUILD = """
import resource, sys, time
from pathlib import Path
from gmbench.data.build import build_dataset
from gmbench.errors import GmbenchError
from tests.data.fake_images import small_benchmark

if __name__ == "__main__":
    if len(sys.argv) > 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
    try:
        build_dataset(small_benchmark(), Path(sys.argv[1]), Path(sys.argv[2]), jobs=2)
    except GmbenchError as error:
        sys.exit(f"error: {error}")
"""


def _start(images: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, str(images), str(out), *options],
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while process.poll() is None and not condition():
        time.sleep(0.002)


@pytest.mark.parametrize("n_finished", [0, 1, 3, 5])
def test_killed_build_goes_on(
    images: Path,
    benchmark: Benchmark,
    tmp_path: Path,
    n_finished: int,
    pristine_dataset: Path,
    digest_of: Digest,
) -> None:
    out, records = tmp_path / "out", tmp_path / "out.partial" / "records"
    process = _start(images, out)
    _wait_for(lambda: records.is_dir() and len(list(records.glob("*.json"))) >= n_finished, process)
    process.kill()
    process.wait()
    finished = {path.name: path.stat().st_mtime_ns for path in records.glob("*.json")}
    result = build_dataset(benchmark, images, out, jobs=2)
    # A process that outlived its parent by a moment may have finished one more.
    assert result.already_built or len(finished) <= result.n_resumed <= len(finished) + 2
    assert digest_of(out) == digest_of(pristine_dataset)
    assert not (tmp_path / "out.partial").exists()


@pytest.fixture(scope="session")
def build_seconds(pristine_images: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long a build takes from the first file in its work folder to its end."""
    folder = tmp_path_factory.mktemp("timing")
    process = _start(pristine_images, folder / "out")
    _wait_for((folder / "out.partial").exists, process)
    start = time.perf_counter()
    process.wait()
    return time.perf_counter() - start


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(30))
def test_killed_at_any_moment(
    images: Path,
    benchmark: Benchmark,
    tmp_path: Path,
    moment: int,
    build_seconds: float,
    pristine_dataset: Path,
    digest_of: Digest,
) -> None:
    """From the first file in the work folder to after the last rename, in even steps."""
    out, work = tmp_path / "out", tmp_path / "out.partial"
    process = _start(images, out)
    _wait_for(work.exists, process)
    time.sleep(build_seconds * moment / 30)
    process.kill()
    process.wait()
    assert not out.exists() or digest_of(out) == digest_of(pristine_dataset)
    build_dataset(benchmark, images, out, jobs=2)
    assert digest_of(out) == digest_of(pristine_dataset)
    assert not work.exists()


def _stop_in_place(source: Path, target: Path, real: Any = files_module.rename_durably) -> None:
    if source.name == "dataset":
        raise KeyboardInterrupt
    real(source, target)


def test_killed_when_another_dataset_was_replaced(
    images: Path, benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    digest_of: Digest,
) -> None:  # fmt: skip
    """What the finished dataset changed places with does not get into the next one."""
    out = tmp_path / "out"
    build_dataset(benchmark, images, out, jobs=1)
    fewer = replace(benchmark, sets={"only": benchmark.sets["set_1"]})
    whole = build_dataset(fewer, images, tmp_path / "whole", jobs=1).folder
    for of, like in ((fewer, whole), (benchmark, None)):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", _stop_aside(Path.replace))
            with pytest.raises(KeyboardInterrupt):
                build_dataset(of, images, out, jobs=1, overwrite=True)
        assert like is None or digest_of(out) == digest_of(like)
    build_dataset(fewer, images, out, jobs=1, overwrite=True)
    assert digest_of(out) == digest_of(whole)
    assert not (tmp_path / "out.partial").exists()


def _stop_aside(real: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
    def replaced(source: Path, target: Path) -> Path:
        if target.name == "replaced":
            raise KeyboardInterrupt
        return real(source, target)

    return replaced


def test_killed_between_two_renames_where_folders_cannot_be_exchanged(
    images: Path,
    benchmark: Benchmark,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pristine_dataset: Path,
    digest_of: Digest,
) -> None:
    out = tmp_path / "out"
    build_dataset(benchmark, images, out, jobs=1)
    with monkeypatch.context() as patch:
        patch.setattr(files_module, "exchange", lambda *_: False)
        patch.setattr(files_module, "rename_durably", _stop_in_place)
        with pytest.raises(KeyboardInterrupt):
            build_dataset(benchmark, images, out, jobs=1, overwrite=True)
    assert not out.exists()
    assert build_dataset(benchmark, images, out, jobs=1).n_resumed == 6
    assert digest_of(out) == digest_of(pristine_dataset)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_no_process_outlives_a_killed_build(images: Path, tmp_path: Path) -> None:
    process = _start(images, tmp_path / "out")
    _wait_for((tmp_path / "out.partial" / "records").is_dir, process)
    children = _descendants(process.pid)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(_alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in children if _alive(pid)]


def _descendants(root: int) -> list[int]:
    found = [root]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found[1:]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _die(task: ShardTask) -> ShardRecord:
    if task.files.gm == "PIXELCNN_PP":
        os.kill(os.getpid(), signal.SIGKILL)
    return make_shard(task)


def test_process_that_dies(
    images: Path, benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "make_shard", _die)
        with pytest.raises(DatasetError, match=r"A process died .* PIXELCNN_PP.*fewer --jobs"):
            build_dataset(benchmark, images, tmp_path / "out", jobs=2)
    assert not (tmp_path / "out").exists()
    assert build_dataset(benchmark, images, tmp_path / "out", jobs=1).n_resumed < 6


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
def test_no_more_can_be_written(
    images: Path,
    benchmark: Benchmark,
    tmp_path: Path,
    pristine_dataset: Path,
    digest_of: Digest,
) -> None:
    """A limit on the size of files stands in for a full disk: the same way through the code."""
    process = _start(images, tmp_path / "out", "8000")
    _, complaint = process.communicate()
    assert process.returncode == 1
    assert complaint.count("\n") == 1, complaint
    assert "cannot be written: File too large. Make room" in complaint
    assert not (tmp_path / "out").exists()
    build_dataset(benchmark, images, tmp_path / "out", jobs=2)
    assert digest_of(tmp_path / "out") == digest_of(pristine_dataset)


@pytest.mark.slow
def test_full_disk(images: Path, tmp_path: Path) -> None:
    """A real file system of 96 kB, where we may mount one."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a file system is not allowed here")
    try:
        _, complaint = _start(images, small / "out").communicate()
        assert "cannot be written: No space left on device. Make room" in complaint
        assert complaint.count("\n") == 1, complaint
        assert not (small / "out").exists()
        assert not list(small.rglob("*.part"))
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_full_disk_while_decompressing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tarred(tmp_path / "x.tgz", GOOD, "w:gz")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DatasetError, match=r"scratch cannot be written: No space left on device"):
        opened(path)
    assert not list((tmp_path / "scratch").iterdir())
