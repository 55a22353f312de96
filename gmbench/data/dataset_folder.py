"""Makes a dataset folder: what `gmbench data build` and `gmbench zoo build` share.

All work is done in `OUT.partial`. Each GM's shard is renamed into place when it is complete, and a
record beside it says so; the last step renames the folder. A build that is killed therefore
resumes where it stopped, and `OUT` is either complete or absent.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gmbench.benchmark.benchmark import Benchmark, benchmark_files
from gmbench.data.checksums import CHECKSUMS, checksums_text, read_checksums
from gmbench.data.features import arrow_schema, label_values, shard_path
from gmbench.data.listing import GMFiles
from gmbench.data.parallel import in_processes
from gmbench.data.shards import ShardRecord, ShardTask, make_shard, read_record
from gmbench.errors import DatasetError
from gmbench.files import (
    LOCK,
    alone_in,
    disk_full,
    followed,
    is_full,
    parse_json,
    put_folder,
    write_durably,
)
from gmbench.progress import Progress

PLAN = ".build.json"
"""Records what a folder was built from; it differs between machines, so it has no checksum."""

_IN_WORK = frozenset(
    (LOCK, "archive", "contents", "dataset", "gms", "plan.json", "records", "replaced")
)
"""Names in a work folder; one that has none of them, and is not empty, is somebody's own."""

_PATIENCE = 2.0
"""Seconds that a build waits for another to release its work folder: one that was killed while
starting a process leaves the lock to that process, which releases it a moment later."""


def is_dataset(folder: Path) -> bool:
    """Returns whether a folder looks like a gmbench dataset."""
    return (folder / "benchmark.json").is_file() and (folder / CHECKSUMS).is_file()


def check_places(images: Path, out: Path, overwrite: bool) -> None:
    """Refuses to write among the images, or over anything that is not a gmbench dataset."""
    inside, target = images.resolve(), out.resolve()
    if target.is_relative_to(inside) or inside.is_relative_to(target):
        raise DatasetError(
            f"The dataset {out} and the images {images} lie inside one another. "
            "Give an --out elsewhere."
        )
    check_out(out, overwrite)


_PATTERN = re.compile(r"[*?\[]|::")


def check_path(folder: Path) -> None:
    """Refuses a folder whose path `datasets` reads as a pattern or as a chain of URLs.

    Raises:
        DatasetError: It does, so that images below it would not be found.
    """
    if found := _PATTERN.search(str(folder.absolute())):
        raise DatasetError(
            f"{folder}: `datasets` reads {found[0]} in a path as a pattern and finds no image "
            "there. Take a folder whose whole path is without [, *, ? and ::."
        )


def check_out(out: Path, overwrite: bool) -> None:
    """Refuses to overwrite anything but a gmbench dataset, or to write where none can be loaded."""
    if not out.name:
        raise DatasetError(
            f"{out} has no name beside which the dataset can be made. Give a folder's name, such "
            "as --out dataset."
        )
    check_path(out)
    empty = out.is_dir() and not any(out.iterdir())
    if out.exists() and not empty and not is_dataset(out):
        raise DatasetError(
            f"{out} is there already and is not a dataset of gmbench"
            f"{'; --overwrite replaces datasets only' if overwrite else ''}. Give another --out."
        )


def is_built(out: Path, overwrite: bool) -> bool:
    """Returns whether there is already a dataset that is to be kept."""
    return is_dataset(out) and not overwrite


def check_built(out: Path, plan: str) -> None:
    """Checks that the existing dataset was built from a plan and that it has all of its files.

    Raises:
        DatasetError: The plan differs or files are missing; the message says what to do.
    """
    try:
        same = _plan_in(out) == plan
        whole = all((out / path).is_file() for path in read_checksums(out))
    except (OSError, ValueError, KeyError, TypeError, DatasetError):
        same = whole = False
    if not (same and whole):
        raise DatasetError(
            f"{out} is there already and was built from other images or by another version, or "
            "is not whole. Give --overwrite to replace it, or another --out."
        )


def _plan_in(dataset: Path) -> object:
    """Returns the plan of a finished dataset; None for an unfinished one."""
    try:
        return parse_json((dataset / PLAN).read_text(encoding="utf-8"))["plan"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def work_on(out: Path) -> Iterator[Path]:
    """Yields the folder in which a dataset is made, to one build at a time.

    If the folder is empty in the end, it is removed.

    Raises:
        DatasetError: Another build is using the folder, it is not one in which builds work, or the
            system refuses to write.
    """
    place = followed(out)
    work = place.with_name(f"{place.name}.partial")
    with _write_errors(out):
        _refuse_own_folder(work)
        busy = DatasetError(
            f"Another build is at work in {work}. Wait for it, or give another --out."
        )
        with alone_in(work, busy, _PATIENCE):
            yield work


def _refuse_own_folder(work: Path) -> None:
    """Refuses a folder that no build made: what is in it would be removed in the end."""
    with suppress(FileNotFoundError, NotADirectoryError):
        # A hidden file may be what a killed build was writing.
        names = {path.name for path in work.iterdir() if not path.name.startswith(".")}
        if names and names.isdisjoint(_IN_WORK):
            raise DatasetError(
                f"{work} is where the build would work, and holds something that no build left. "
                "Rename it, or give another --out."
            )


def take_up(work: Path, plan: str, *, afresh: bool = False) -> None:
    """Keeps the shards of an earlier build of the same plan, and removes those of another plan.

    Args:
        work: The folder that `work_on` yields.
        plan: The plan of the current build.
        afresh: Whether to keep nothing.
    """
    noted, text = work / "plan.json", json.dumps({"plan": plan})
    if afresh or not noted.is_file() or noted.read_text(encoding="utf-8") != text:
        for folder in ("dataset", "records"):
            shutil.rmtree(work / folder, ignore_errors=True)
        write_durably(noted, text)
    if _plan_in(work / "dataset") not in (None, plan):
        # The dataset that the finished one had just replaced when the build was killed.
        shutil.rmtree(work / "dataset")
    for folder in ("dataset", "records"):
        (work / folder).mkdir(exist_ok=True)
    # Files that were being written when a build was killed: half a shard, or one of the texts.
    for path in (*(work / "records").glob("*.parquet"), *(work / "dataset").iterdir()):
        if path.is_file():
            path.unlink()


def make_shards(
    work: Path,
    benchmark: Benchmark,
    sources: Mapping[str, tuple[GMFiles, str, Path]],
    max_pixels: int,
    jobs: int,
    progress: Progress | None = None,
) -> tuple[dict[str, ShardRecord], int]:
    """Makes the shard of each GM that has none yet.

    Args:
        work: The folder that `work_on` yields.
        benchmark: Labels and sets.
        sources: For each GM, its image files, the kind of source that holds them (`folder`, `zip`,
            `tar`, `shard`), and its path.
        max_pixels: Largest image that is decoded, width times height.
        jobs: Number of processes.
        progress: Called with the number of images done and their total.

    Returns:
        The record of each GM, in the order of `sources`, and how many of them already existed.
    """
    schema = arrow_schema(benchmark)
    records: dict[str, ShardRecord] = {}
    tasks = []
    for gm, (files, kind, location) in sources.items():
        shard = work / "dataset" / shard_path(benchmark, gm)
        record = work / "records" / f"{gm}.json"
        if earlier := read_record(record, shard):
            records[gm] = earlier
            continue
        tasks.append(
            ShardTask(
                files=files,
                source_kind=kind,
                source_path=location,
                expected=benchmark.n_images[benchmark.index[gm]],
                max_pixels=max_pixels,
                labels=label_values(benchmark, gm),
                schema=schema,
                shard=shard,
                record=record,
            )
        )
    # The largest first, so that no process is left working alone at the end.
    tasks.sort(key=lambda task: sum(f.size for f in task.files.files), reverse=True)
    n_resumed = len(records)
    total = sum(len(files.files) for files, _, _ in sources.values())
    done = sum(len(sources[gm][0].files) for gm in records)
    if progress:
        progress("images", done, total)
    for task, result in in_processes(make_shard, tasks, jobs, lambda task: task.files.gm):
        records[task.files.gm] = result
        done += len(task.files.files)
        if progress:
            progress("images", done, total)
    return {gm: records[gm] for gm in sources}, n_resumed


def finish(
    work: Path,
    out: Path,
    benchmark: Benchmark,
    records: Mapping[str, ShardRecord],
    files: Mapping[str, str | bytes],
    plan: str,
) -> None:
    """Writes all files beside the shards, checksums and plan last, and puts the dataset in place.

    Args:
        work: The folder that `work_on` yields.
        out: Where the dataset goes, by one rename.
        benchmark: What was built.
        records: Record of the shard of each GM that has one, by GM name.
        files: Content of each further file, by path; labels and sets are added.
        plan: What the dataset was built from.
    """
    contents = {
        path: content.encode() if isinstance(content, str) else content
        for path, content in {**files, **benchmark_files(benchmark)}.items()
    }
    sums = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    sums |= {shard_path(benchmark, gm): record.sha256 for gm, record in records.items()}
    contents[CHECKSUMS] = checksums_text(sums).encode()
    contents[PLAN] = (json.dumps({"plan": plan}) + "\n").encode()
    for path, content in contents.items():
        (work / "dataset" / path).parent.mkdir(exist_ok=True)
        write_durably(work / "dataset" / path, content)
    put_in_place(work, out)


def put_in_place(work: Path, out: Path) -> None:
    """Renames the finished dataset in a work folder to its place in one step, and cleans up."""
    put_folder(work / "dataset", followed(out), work / "replaced")
    clear(work)


def clear(work: Path) -> None:
    """Removes what is left in the work folder of a finished dataset."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)


@contextmanager
def _write_errors(out: Path) -> Iterator[None]:
    """Turns system errors about the location of the dataset into one clear message."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise disk_full(out.parent, error) from error
        raise DatasetError(
            f"{out} cannot be written: {error.strerror or error}. Give another --out."
        ) from error
