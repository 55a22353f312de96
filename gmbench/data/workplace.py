"""Where a build works, and what keeps it from doing harm there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from filelock import FileLock, Timeout

from gmbench.benchmark.benchmark import Benchmark, benchmark_files
from gmbench.data.checksums import CHECKSUMS
from gmbench.data.sources import Limits, Source
from gmbench.errors import DatasetError
from gmbench.files import disk_full, is_full, rename_durably
from gmbench.version import __version__

INSPECTION = "inspection.json"
PLAN = ".build.json"
"""Says what a folder was built from; differs from machine to machine, so without a checksum."""

_PATIENCE = 2.0
"""Seconds that a build waits for another to let go of its work folder."""

LOCK = "lock"
"""Held by the build that works in a folder; of no meaning when nobody holds it."""


def plan_of(benchmark: Benchmark, location: Path, source: Source | None, limits: Limits) -> str:
    """Returns the SHA-256 of everything that a dataset's bytes depend on.

    Args:
        benchmark: What is built.
        location: The images.
        source: The list of files of a folder; an archive is known by its size and time alone.
        limits: Of which the number of pixels decides what is kept.
    """
    status = location.stat()
    facts = {
        "gmbench": __version__,
        "pyarrow": pa.__version__,
        "benchmark": benchmark_files(benchmark),
        "pixels": limits.pixels,
        "source": [status.st_size, status.st_mtime_ns]
        if source is None
        else [[f.path, f.size, f.modified] for f in source.files] + [list(source.unread)],
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def is_dataset(folder: Path) -> bool:
    """Returns whether a folder looks like a dataset of ours."""
    return (folder / "benchmark.json").is_file() and (folder / CHECKSUMS).is_file()


def check_places(images: Path, out: Path, overwrite: bool) -> None:
    """Refuses to write among the images, or over anything that is not a dataset of ours."""
    inside, target = images.resolve(), out.resolve()
    if target.is_relative_to(inside) or inside.is_relative_to(target):
        raise DatasetError(
            f"The dataset {out} and the images {images} lie inside one another. "
            "Give an --out elsewhere."
        )
    check_out(out, overwrite)


def check_out(out: Path, overwrite: bool) -> None:
    """Refuses to write over anything that is not a dataset of ours."""
    empty = out.is_dir() and not any(out.iterdir())
    if out.exists() and not empty and not is_dataset(out):
        raise DatasetError(
            f"{out} is there already and is not a dataset of gmbench"
            f"{'; --overwrite replaces datasets only' if overwrite else ''}. Give another --out."
        )


@contextmanager
def alone(work: Path) -> Iterator[None]:
    """Keeps a second build out of the same folder, and removes the folder if it holds nothing."""
    work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(work / LOCK)
    try:
        # A build that was killed while it started a process leaves the lock to that one, which
        # lets go of it a moment later.
        lock.acquire(timeout=_PATIENCE, poll_interval=0.05)
    except Timeout:
        raise DatasetError(
            f"Another build is at work in {work}. Wait for it, or give another --out."
        ) from None
    try:
        yield
    finally:
        lock.release()
        if not any(path.name != LOCK for path in work.iterdir()):
            shutil.rmtree(work, ignore_errors=True)


def put_in_place(work: Path, out: Path) -> None:
    """Renames the finished dataset in a work folder to its place, in one step, and clears up."""
    if out.exists():
        replaced = work / "replaced"
        shutil.rmtree(replaced, ignore_errors=True)
        out.replace(replaced)
    rename_durably(work / "dataset", out)
    clear(work)


def clear(work: Path) -> None:
    """Removes what is left of the work on a dataset that is there."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)


@contextmanager
def write_errors(out: Path) -> Iterator[None]:
    """Turns what the system says about the place of the dataset into one clear line."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise disk_full(out.parent, error) from error
        raise DatasetError(
            f"{out} cannot be written: {error.strerror or error}. Give another --out."
        ) from error
