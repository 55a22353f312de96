"""Ray, for work over several machines: joined, or started for one work alone."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import Any

from gmbench.errors import DatasetError, MissingPackageError


@contextmanager
def joined_ray(jobs: int) -> Iterator[Any]:
    """Yields Ray, connected to the cluster that RAY_ADDRESS names, or to one of this machine.

    A cluster that happens to run on this machine is not joined unasked: it may be the private one
    of another work, which ends with it. Who has connected to a cluster already stays so.

    Args:
        jobs: Cores of the cluster that is started where RAY_ADDRESS names none.

    Raises:
        MissingPackageError: Ray is not installed.
        DatasetError: There is no cluster at that address.
    """
    # Set before the import: gmbench reports to nobody.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray: Any = importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise MissingPackageError("ray") from error
    started = not ray.is_initialized()
    if started:
        _start(ray, jobs)
    # Ray says on standard output what becomes of workers, where results alone belong.
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
            f"No Ray cluster can be joined at {address} ({str(error).splitlines()[0]}). Start one "
            "with `ray start --head`, or unset RAY_ADDRESS to use this machine alone."
        ) from error
