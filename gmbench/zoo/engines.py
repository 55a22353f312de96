"""Where GMs are trained: in processes on this machine, or on a Ray cluster.

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
from gmbench.errors import DatasetError, require_known
from gmbench.files import write_durably
from gmbench.zoo.devices import PER_GPU, at_once_on, visible_gpus
from gmbench.zoo.training import Outcome, TrainingTask, train_from_files, train_gm

ENGINES: tuple[str, ...] = ("local", "ray")

_NAMED = 20
"""Maximum number of GMs in progress that an error names."""

Contents = Mapping[tuple[str, int], NDArray[np.uint8]]
"""Real images to train on, shape (images, 3, size, size), by content and size."""


def check_engine(name: str) -> None:
    """Checks that an engine is known and that the packages it needs are installed.

    Raises:
        UnknownNameError: There is no such engine.
        DatasetError: A package that it needs is missing.
    """
    require_known("Engine", ENGINES, name)
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
    """Trains GMs in parallel, all of them on the same type of device.

    Args:
        engine: `local` or `ray`.
        tasks: What to train.
        contents: Real images of every content that a task needs.
        jobs: Number of GMs trained at once; if None, one per core, or on GPUs as many as may
            share them, and with Ray as many as its cluster can run.
        scratch: Folder for array files of this machine's processes; must exist.
        per_gpu: Maximum number of GMs that share a GPU; see `gmbench.zoo.devices.at_once_on`.

    Yields:
        The outcome of each GM, in order of completion.

    Raises:
        DatasetError: A process died (the message names the GMs that were being trained), a GPU is
            out of memory or has failed, or the cluster has no GPU.
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
    """Writes each content as an array file, which processes share in memory."""
    paths = {}
    for (name, size), images in contents.items():
        path = paths[name, size] = scratch / f"{name}-{size}.npy"
        # Written via memory: NumPy's own writer does not say why it failed.
        buffer = io.BytesIO()
        np.save(buffer, images)
        write_durably(path, buffer.getvalue())
    return paths


def _over_ray(
    tasks: Sequence[TrainingTask], contents: Contents, jobs: int | None, per_gpu: int
) -> Iterator[Outcome]:
    """Trains on the cluster that RAY_ADDRESS names, or on `jobs` Ray workers of this machine.

    All GMs are submitted to Ray at once unless `jobs` is given: Ray alone knows what its machines
    can run, and an autoscaling cluster needs to see the demand. A GM whose worker or machine is
    lost is restarted once, elsewhere, before the build stops.

    Args:
        tasks: What to train.
        contents: Real images.
        jobs: Number of GMs trained at once.
        per_gpu: Number of GMs that share a GPU; 0 to use none.
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
