"""Where the parts of a long run are parsed: in processes on this machine, or on a Ray cluster.

Both do the same: the process that parses a part writes its file, and the calling process learns the
outcome.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gmbench.data.parallel import all_cores, in_processes
from gmbench.data.ray_cluster import joined_ray
from gmbench.errors import DatasetError
from gmbench.parsing.looking import PartOutcome, PartTask, parse_part
from gmbench.parsing.parts import PartRecord
from gmbench.parsing.work import Part

ENGINES: tuple[str, ...] = ("local", "ray")

_MOST_BLOCKS = 1000


def parse_parts(engine: str, tasks: Sequence[PartTask], jobs: int | None) -> Iterator[PartOutcome]:
    """Parses parts, `jobs` at a time.

    Args:
        engine: `local` or `ray`.
        tasks: The parts.
        jobs: Number of processes, or of Ray actors; if None, as many as there are cores, or GPUs
            if a network runs on these. Ray may take fewer, and adds them as the cluster grows.

    Yields:
        The outcome of each part, in the order of completion.

    Raises:
        DatasetError: A process died; the message names the parts that were being parsed.
        GmbenchError: A part cannot be written.
    """
    if not tasks:
        return
    if engine == "ray":
        yield from _over_ray(tasks, jobs)
        return
    for _, outcome in in_processes(parse_part, tasks, processes_for(tasks, jobs), _name):
        yield outcome


def processes_for(tasks: Sequence[PartTask], jobs: int | None) -> int:
    """Returns the number of local processes: `jobs`, or one per core, or one for a GPU."""
    # One process makes the most of a GPU: further ones would only share it.
    return jobs or (all_cores() if tasks and tasks[0].device == "cpu" else 1)


def _name(task: PartTask) -> str:
    return f"part {task.part.number}"


def _over_ray(tasks: Sequence[PartTask], jobs: int | None) -> Iterator[PartOutcome]:
    """Parses on Ray Data, by actors that keep the parser, as many as the cluster has room for."""
    with joined_ray(jobs or all_cores()) as ray:
        from ray.data import ActorPoolStrategy, DataContext

        logging.getLogger("ray.data").setLevel(logging.ERROR)
        DataContext.get_current().enable_progress_bars = False
        device = tasks[0].device
        if device == "auto":
            device = "cuda" if ray.cluster_resources().get("GPU") else "cpu"
        rows = [_row(replace(task, device=device)) for task in tasks]
        parts = ray.data.from_items(rows, override_num_blocks=min(len(rows), _MOST_BLOCKS))
        said = parts.map_batches(
            _PartActor,
            batch_size=1,
            batch_format="numpy",
            compute=ActorPoolStrategy(min_size=1, max_size=jobs or len(rows)),
            num_cpus=1,
            num_gpus=0 if device == "cpu" else 1,
        )
        try:
            for row in said.iter_rows():
                yield _outcome(row["outcome"])
        except ray.exceptions.RayError as error:
            raise DatasetError(
                f"A Ray worker failed ({str(error).strip().splitlines()[-1]}). Run the same "
                "command again; what is finished is kept."
            ) from error


class _PartActor:
    """Parses parts in a process of the cluster that keeps the parser."""

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        task, here = _task(batch["task"][0])
        try:
            os.chdir(here)
        except OSError as error:
            raise DatasetError(
                f"{here} is not there on every machine ({error.strerror}). Begin the run in a "
                "folder that all of them share."
            ) from error
        return {"outcome": [json.dumps(asdict(parse_part(task)))]}


def _row(task: PartTask) -> dict[str, str]:
    """Returns a task as a row, with the folder that names and paths may be relative to."""
    return {"task": json.dumps([asdict(task), str(Path.cwd())], default=str)}


def _task(text: str) -> tuple[PartTask, str]:
    given, here = json.loads(text)
    given["folder"], given["part"] = Path(given["folder"]), Part(**given["part"])
    return PartTask(**given), here


def _outcome(text: str) -> PartOutcome:
    given = json.loads(text)
    record = given.pop("record")
    return PartOutcome(**given, record=None if record is None else PartRecord(**record))
