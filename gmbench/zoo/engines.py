"""Where GMs are trained: in processes of this machine, or over a Ray cluster.

Both engines do the same job and give the same bytes: a worker takes a task and real images and
returns plain values; only the process that started the build writes.
"""

from __future__ import annotations

import importlib.util
import io
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmbench.data.parallel import all_cores, in_processes
from gmbench.data.ray_cluster import joined_ray
from gmbench.errors import DatasetError, UnknownNameError
from gmbench.files import write_durably
from gmbench.zoo.devices import PER_GPU, at_once_on, visible_gpus
from gmbench.zoo.training import Outcome, TrainingTask, train_from_files, train_gm

ENGINES: tuple[str, ...] = ("local", "ray")

_NAMED = 20
"""GMs under way that an error names."""

Contents = Mapping[tuple[str, int], NDArray[np.uint8]]
"""Real images to train on, shape (images, 3, size, size), by content and size."""


def check_engine(name: str) -> None:
    """Refuses an engine that is not known, or whose package is not installed.

    Raises:
        UnknownNameError: There is no such engine.
        DatasetError: Its package is missing.
    """
    if name not in ENGINES:
        raise UnknownNameError("Engine", name, ENGINES, f"There are: {', '.join(ENGINES)}.")
    needed = {"local": (), "ray": (("ray", "ray"),)}[name]
    for module, extra in (("torch", "zoo"), *needed):
        if importlib.util.find_spec(module) is None:
            raise DatasetError(
                f"The zoo needs the package {module}, which is not installed. Get it with "
                f'`pip install "gmbench[{extra}]"`.'
            )


def train_all(
    engine: str,
    tasks: Sequence[TrainingTask],
    contents: Contents,
    jobs: int | None,
    scratch: Path,
    per_gpu: int | None = None,
) -> Iterator[Outcome]:
    """Trains GMs side by side, all of them on the same type of device.

    Args:
        engine: `local` or `ray`.
        tasks: What is to be trained.
        contents: Real images of every content that a task has.
        jobs: GMs that are trained at once; when None as many as there are cores, or on GPUs as
            many as share them, and over Ray as many as its cluster bears.
        scratch: Folder for array files of this machine's processes; must exist.
        per_gpu: GMs that share a GPU at most; see `gmbench.zoo.devices.at_once_on`.

    Yields:
        What came of each GM, in the order of completion.

    Raises:
        DatasetError: A process died; names the GMs that were being trained. Or a GPU has no memory
            left or failed, or the cluster has none.
    """
    if not tasks:
        return
    on_gpu = tasks[0].device == "cuda"
    if engine == "ray":
        yield from _over_ray(tasks, contents, jobs, (per_gpu or PER_GPU) if on_gpu else 0)
        return
    gpus = visible_gpus() if on_gpu else ()
    at_once = at_once_on(gpus, jobs, per_gpu) if on_gpu else jobs or all_cores()
    paths = _array_files(contents, scratch)
    works = [
        (task, tuple(paths[need] for need in task.specification.needs), gpus) for task in tasks
    ]
    for _, outcome in in_processes(train_from_files, works, at_once, lambda work: work[0].name):
        yield outcome


def _array_files(contents: Contents, scratch: Path) -> dict[tuple[str, int], Path]:
    """Writes each content as an array file, for processes to share in memory."""
    paths = {}
    for (name, size), images in contents.items():
        path = paths[name, size] = scratch / f"{name}-{size}.npy"
        # By way of memory: NumPy's own writing does not say why it failed.
        buffer = io.BytesIO()
        np.save(buffer, images)
        write_durably(path, buffer.getvalue())
    return paths


def _over_ray(
    tasks: Sequence[TrainingTask], contents: Contents, jobs: int | None, per_gpu: int
) -> Iterator[Outcome]:
    """Trains over the cluster that RAY_ADDRESS names, or over `jobs` Ray workers of this machine.

    Ray is told of all GMs at once, unless there is a number of jobs: it alone knows what its
    machines bear, and a cluster that grows by need sees the need. A GM whose worker or machine is
    lost is begun again once, elsewhere, before the build stops.

    Args:
        tasks: What is to be trained.
        contents: Real images.
        jobs: GMs at once.
        per_gpu: GMs that share a GPU; 0 to take none.
    """
    with joined_ray(jobs or all_cores()) as ray:
        if per_gpu and not ray.cluster_resources().get("GPU"):
            raise DatasetError(
                "The Ray cluster has no GPU. Give --device cpu, or begin with a cluster in which "
                "one machine has one: what it grows by later cannot be seen before."
            )
        at_once = jobs or len(tasks)
        share = 1 / per_gpu if per_gpu else 0
        train = ray.remote(num_cpus=1, num_gpus=share, max_retries=1)(train_gm)
        stored = {key: ray.put(images) for key, images in contents.items()}
        waiting = deque(tasks)
        running: dict[Any, TrainingTask] = {}
        while waiting or running:
            while waiting and len(running) < at_once:
                task = waiting.popleft()
                needed = [stored[need] for need in task.specification.needs]
                running[train.remote(task, *needed)] = task
            (done, *_), _ = ray.wait(list(running), num_returns=1)
            try:
                outcome = ray.get(done)
            except ray.exceptions.RayError as error:
                if isinstance(cause := getattr(error, "cause", None), DatasetError):
                    raise cause from None
                names = ", ".join(sorted(task.name for task in running.values())[:_NAMED])
                raise DatasetError(
                    f"A Ray worker died while it worked on {running[done].name} (under way: "
                    f"{names}; {type(error).__name__}): most often for want of memory. Run it "
                    "again with fewer --jobs; what is finished is kept."
                ) from None
            del running[done]
            yield outcome
