"""Connects to Ray for work on several machines: joins a cluster, or starts one for a single job."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import Any

from gmbench.errors import DatasetError, first_line, naming_extras


@contextmanager
def joined_ray(jobs: int) -> Iterator[Any]:
    """Yields Ray, connected to the cluster at RAY_ADDRESS or to a new one on this machine.

    A cluster that already runs on this machine is not joined unless asked for: it may be private
    to another job and end with it. An existing connection to a cluster is kept.

    Args:
        jobs: Cores of the cluster that is started if RAY_ADDRESS names none.

    Raises:
        MissingPackageError: Ray is not installed.
        DatasetError: There is no cluster at that address.
    """
    # Set before the import: gmbench sends no usage statistics.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with naming_extras():
        ray: Any = importlib.import_module("ray")
    started = not ray.is_initialized()
    if started:
        _start(ray, jobs)
    # Ray reports on its workers on standard output, where only results belong.
    with redirect_stdout(sys.stderr) if started else nullcontext():
        try:
            yield ray
        finally:
            if started:
                ray.shutdown()


def _start(ray: Any, jobs: int) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        ray.init(address="local", num_cpus=jobs, include_dashboard=False, **quiet)
        return
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise DatasetError(
            f"No Ray cluster can be joined at {address} ({first_line(error)}). Start one "
            "with `ray start --head`, or unset RAY_ADDRESS to use this machine alone."
        ) from error
