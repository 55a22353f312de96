"""Parsing any number of images: in parts, each of which is done once, whatever happens.

A part appears whole or not at all, and an existing one is never done again; so a run that was
killed resumes where it stopped, machines take parts of their own, and what could not be reached is
retried by the next call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import gcd
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gmbench.data.remote import PATIENCE
from gmbench.errors import printable, require_known
from gmbench.parsing.engines import ENGINES, parse_parts, processes_for
from gmbench.parsing.expected import expectation
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.load import load_parser, parser_sha256
from gmbench.parsing.looking import PartTask
from gmbench.parsing.manifest import Manifest, manifest_path
from gmbench.parsing.work import Work, WorkError, begin, leftovers
from gmbench.progress import Expectation, Progress
from gmbench.version import __version__

PART_IMAGES = 1000
"""Default number of image files of a part: the most that a kill costs per process."""


_LOCK = "lock-"


@dataclass(frozen=True)
class LongRun:
    """How a run, or a machine's share of it, ended.

    Attributes:
        folder: Folder of the run.
        manifest: File that lists what is done.
        parts: Number of this machine's parts that are done.
        parts_before: Number of these that were done before.
        images: Number of images in the parts that are done.
        failures: Number of these that could not be parsed.
        images_now: Number of images parsed by this call.
        seconds: Seconds that this took.
        unread: Files of many images that could not be reached, and why, by part number.
    """

    folder: Path
    manifest: Path
    parts: int
    parts_before: int
    images: int
    failures: int
    images_now: int
    seconds: float
    unread: dict[int, str]

    def to_dict(self) -> dict[str, Any]:
        """Returns the outcome as plain data, for JSON."""
        paths = {"folder": str(self.folder), "manifest": str(self.manifest)}
        return asdict(self) | paths | {"unread": {str(n): why for n, why in self.unread.items()}}


def parse_to_folder(
    names: Iterable[str],
    folder: Path,
    *,
    sources: Sequence[str] = (),
    model: str | Path | None = None,
    shard: tuple[int, int] = (0, 1),
    jobs: int | None = None,
    engine: str = "local",
    part_images: int = PART_IMAGES,
    device: str = "auto",
    patience: float = PATIENCE,
    progress: Progress | None = None,
    expected: Callable[[Expectation], None] | None = None,
) -> LongRun:
    """Parses images into Parquet files in a folder, or resumes where an earlier call stopped.

    A script that calls this needs `if __name__ == "__main__":`, as processes are started for it.

    Args:
        names: Image files, and TAR and Parquet files of images, as yielded by `names_of`.
        folder: Folder of the run; machines that share it share the work.
        sources: What the names were made from, for display.
        model: Folder of a parser or its name on the Hub; the package's own if None.
        shard: Number of this machine, from 0, and the number of machines.
        jobs: Number of processes, or of Ray actors; if None, one per core, or one for a GPU.
        engine: `local` or `ray`.
        part_images: Number of image files of a part; a file of many images is a part of its own.
        device: `auto`, `cpu`, `cuda` or `mps`: where a network runs.
        patience: Seconds that a host may take for an image.
        progress: Called with the number of images parsed, and their total; with files of many
            images, the total is estimated from those that are done.
        expected: Called before the first part with the expected duration of all parts, estimated
            from a few images.

    Raises:
        UnknownNameError: There is no such engine or device.
        CheckpointError: The parser cannot be read.
        WorkError: The folder holds another run, or another call is working on parts of this
            machine's share.
        WriteError: The folder cannot be written to, or a part is not the one that was written.
        DatasetError: A process died; what is finished is kept.
    """
    require_known("Engine", ENGINES, engine)
    place = None if model is None else str(model)
    kind = _device_of(place, device, engine)
    sha256 = parser_sha256(place)
    facts = {
        "parser": place or "the package's own",
        "parser_sha256": sha256,
        "sources": [printable(str(source)) for source in sources],
    }
    work = begin(folder, names, part_images, facts)
    lock = _locked(folder, shard)
    try:
        for other in _overlapping(folder, shard):
            _locked(folder, other).release()
        own = work.of_shard(shard)
        for path in leftovers(folder, own):
            path.unlink(missing_ok=True)
        manifest = Manifest(work, shard, {"gmbench": __version__})
        left = manifest.find_done(own)
        tasks = [PartTask(folder, part, place, sha256, kind, patience) for part in left]
        if expected is not None:
            at_once = jobs if engine == "ray" else processes_for(tasks, jobs)
            expected(expectation(tasks, at_once))
        return _run(work, shard, manifest, tasks, engine, jobs, progress)
    finally:
        lock.release()


def _locked(folder: Path, shard: tuple[int, int]) -> FileLock:
    """Returns the lock of a machine's share, acquired.

    Raises:
        WorkError: Another call holds it.
    """
    lock = FileLock(folder / "run" / f"{_LOCK}{shard[0]}-of-{shard[1]}")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise WorkError(
            f"Another call is at work on {shard[0]}/{shard[1]} of {folder}. Wait for it, or give "
            "another --shard or --out."
        ) from None
    return lock


def _overlapping(folder: Path, shard: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yields the shares of other calls, now or before, that have parts in common with a share.

    What such a call is writing would be taken for what a killed one left behind.
    """
    number, of = shard
    for path in (folder / "run").glob(f"{_LOCK}*-of-*"):
        n, m = map(int, path.name.removeprefix(_LOCK).split("-of-"))
        if (n, m) != shard and (n - number) % gcd(m, of) == 0:
            yield n, m


def _device_of(place: str | None, device: str, engine: str) -> str:
    if isinstance(load_parser(place), KnownGMs):
        return "cpu"
    # torch takes two seconds to import, and the package's own parser does not need it.
    from gmbench.training.devices import DEVICES, device_for

    if engine == "ray" and device in DEVICES:
        return device  # This machine's devices do not matter: others do the work.
    return device_for(device).type


def _run(
    work: Work,
    shard: tuple[int, int],
    manifest: Manifest,
    tasks: Sequence[PartTask],
    engine: str,
    jobs: int | None,
    progress: Progress | None,
) -> LongRun:
    before, rows_before = len(manifest.records), manifest.rows
    own = work.of_shard(shard)
    n_images = None if work.n_images is None else sum(part.names for part in own)

    def tell() -> None:
        done, n_done = manifest.rows, len(manifest.records)
        estimate = round(done / n_done * len(own)) if n_done else None
        if progress:
            progress("images", done, estimate if n_images is None else n_images)

    started = time.monotonic()
    try:
        tell()
        for outcome in parse_parts(engine, tasks, jobs):
            if outcome.record is not None:
                manifest.add(outcome.record)
            else:
                manifest.unread[outcome.part] = outcome.unread
            tell()
    finally:
        manifest.write()
    return LongRun(
        folder=work.folder,
        manifest=manifest_path(work.folder, shard),
        parts=len(manifest.records),
        parts_before=before,
        images=manifest.rows,
        failures=manifest.failures,
        images_now=manifest.rows - rows_before,
        seconds=time.monotonic() - started,
        unread=manifest.unread,
    )
