"""A dataset folder in the making: what `gmbench data build` and `gmbench zoo build` share.

All work is done in `OUT.partial`. Each GM's shard is renamed into place when it is whole, and a
record beside it says so; the last step renames the folder. So a build that is killed goes on
where it was, and `OUT` is whole or absent.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    is_full,
    parse_json,
    put_folder,
    write_durably,
)
from gmbench.progress import Progress

PLAN = ".build.json"
"""Says what a folder was built from; differs from machine to machine, so without a checksum."""

_PATIENCE = 2.0
"""Seconds that a build waits for another to let go of its work folder: one that was killed while it
started a process leaves the lock to that one, which lets go of it a moment later."""


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


_PATTERN = re.compile(r"[*?\[]|::")


def check_path(folder: Path) -> None:
    """Refuses a place whose path `datasets` reads as a pattern, or as a chain of addresses.

    Raises:
        DatasetError: It does; images below are not found there.
    """
    if found := _PATTERN.search(str(folder.absolute())):
        raise DatasetError(
            f"{folder}: `datasets` reads {found[0]} in a path as a pattern and finds no image "
            "there. Take a folder whose whole path is without [, *, ? and ::."
        )


def check_out(out: Path, overwrite: bool) -> None:
    """Refuses to write over anything that is not a dataset of ours, or where it does not load."""
    check_path(out)
    empty = out.is_dir() and not any(out.iterdir())
    if out.exists() and not empty and not is_dataset(out):
        raise DatasetError(
            f"{out} is there already and is not a dataset of gmbench"
            f"{'; --overwrite replaces datasets only' if overwrite else ''}. Give another --out."
        )


def is_built(out: Path, overwrite: bool) -> bool:
    """Returns whether there is a dataset that shall stay."""
    return is_dataset(out) and not overwrite


def check_built(out: Path, plan: str) -> None:
    """Checks that the dataset that is there is of a plan, and that all of its files are there.

    Raises:
        DatasetError: It is not; says what to do.
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
    """Returns the plan of a finished dataset; None of one that is not."""
    try:
        return parse_json((dataset / PLAN).read_text(encoding="utf-8"))["plan"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def work_on(out: Path) -> Iterator[Path]:
    """Yields the folder in which a dataset is made, to one build at a time.

    A folder that holds nothing in the end is removed.

    Raises:
        DatasetError: Another build is at work there, or the system refuses to write.
    """
    work = out.with_name(f"{out.name}.partial")
    with _write_errors(out):
        work.mkdir(parents=True, exist_ok=True)
        busy = DatasetError(
            f"Another build is at work in {work}. Wait for it, or give another --out."
        )
        with alone_in(work, busy, _PATIENCE):
            yield work


def take_up(work: Path, plan: str, *, afresh: bool = False) -> None:
    """Keeps the shards of an earlier build of the same plan, and clears away those of another.

    Args:
        work: The folder that `work_on` gave.
        plan: What is built now.
        afresh: Whether nothing is kept.
    """
    noted, text = work / "plan.json", json.dumps({"plan": plan})
    if afresh or not noted.is_file() or noted.read_text(encoding="utf-8") != text:
        for folder in ("dataset", "records"):
            shutil.rmtree(work / folder, ignore_errors=True)
        write_durably(noted, text)
    if _plan_in(work / "dataset") not in (None, plan):
        # The dataset whose place the finished one took, when the build was killed.
        shutil.rmtree(work / "dataset")
    for folder in ("dataset", "records"):
        (work / folder).mkdir(exist_ok=True)
    # What was being written when a build was killed: half a shard, or one of the texts.
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
        work: The folder that `work_on` gave.
        benchmark: Labels and sets.
        sources: Image files of each GM, what holds them (`folder`, `zip`, `tar`), and where it is.
        max_pixels: Largest image that is decoded, width times height.
        jobs: Number of processes.
        progress: Told how many images are done, and of how many.

    Returns:
        The record of each GM, in the order of `sources`, and how many were there before.
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
    # The longest first, so that no process works on alone at the end.
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
    """Writes all that stands beside the shards, checksums last, and puts the dataset in place.

    Args:
        work: The folder that `work_on` gave.
        out: Where the dataset goes, by one rename.
        benchmark: What was built.
        records: The shard of each GM that has one, by its name.
        files: Content of each further file, by its path; labels and sets are added.
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
    """Renames the finished dataset in a work folder to its place, in one step, and clears up."""
    put_folder(work / "dataset", out, work / "replaced")
    clear(work)


def clear(work: Path) -> None:
    """Removes what is left of the work on a dataset that is there."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)


@contextmanager
def _write_errors(out: Path) -> Iterator[None]:
    """Turns what the system says about the place of the dataset into one clear line."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise disk_full(out.parent, error) from error
        raise DatasetError(
            f"{out} cannot be written: {error.strerror or error}. Give another --out."
        ) from error
