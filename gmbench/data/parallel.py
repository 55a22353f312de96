"""Runs work in several processes, and fails with one clear message when one of them dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, TypeVar

from gmbench.errors import DatasetError

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

Task = TypeVar("Task")
Result = TypeVar("Result")


def all_cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_number() -> int:
    """Returns the number of this worker process, from 0; 0 in the main process as well."""
    return _number


_number = 0


def in_processes(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    jobs: int,
    name_of: Callable[[Task], str],
) -> Iterator[tuple[Task, Result]]:
    """Calls a function for every task in `jobs` processes.

    Few tasks are handed out ahead, so that an error stops the work soon.

    Args:
        function: Must be importable by name, as must the types of its argument and result.
        tasks: Arguments of the function, one per call.
        jobs: Number of processes.
        name_of: Returns the name of a task for error messages.

    Yields:
        Each task with its result, in the order of completion.

    Raises:
        DatasetError: A process died (the message names the tasks in progress), or `jobs` is below
            1.
    """
    if jobs < 1:
        raise DatasetError(f"Work cannot be done in {jobs} processes: give jobs of 1 or more.")
    waiting = deque(tasks)
    running: dict[Future[Result], Task] = {}
    if not waiting:
        return
    context = _context()
    with ProcessPoolExecutor(
        min(jobs, len(waiting)), context, _begin, (context.Value("i", 0),)
    ) as pool:
        try:
            while waiting or running:
                while waiting and len(running) <= jobs:
                    task = waiting.popleft()
                    with _keyboard_waits():
                        running[pool.submit(function, task)] = task
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    result = future.result()
                    yield running.pop(future), result
        except BrokenProcessPool:
            names = ", ".join(sorted(name_of(task) for task in running.values()))
            raise DatasetError(
                f"A process died while it worked on {names}: for want of memory, or because the "
                'script that started it lacks `if __name__ == "__main__":`. Run it again with '
                "fewer --jobs; what is finished is kept."
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _context() -> BaseContext:
    """Returns how to start processes: never by forking this one, whose threads may hold locks."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["gmbench.data.shards", "gmbench.data.shard_checks"])
    # What the fork server starts inherits which signals are blocked: Ctrl-C, which goes to all
    # processes of a terminal, is for this one alone, from their very start. Starting the tracker
    # would unblock it again, so that comes first.
    resource_tracker.ensure_running()
    with _keyboard_waits():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        forkserver.ensure_running()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


@contextmanager
def _keyboard_waits() -> Iterator[None]:
    """Defers Ctrl-C while a process starts: one that is half started when all ends complains."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Ctrl-C goes to the main thread alone.
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        signal.raise_signal(signal.SIGINT)


def _begin(begun: Synchronized[int]) -> None:
    """Prepares a worker process: gives it a number and makes it end with its parent."""
    global _number
    with begun.get_lock():
        _number = begun.value
        begun.value += 1
    _follow_parent()


def _follow_parent() -> None:
    """Makes a process end with its parent, even a killed one, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
