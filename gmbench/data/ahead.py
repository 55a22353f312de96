"""Runs work in threads, some steps ahead of the consumer of its results, which come in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Task], Result], tasks: Iterable[Task], threads: int
) -> Iterator[Result]:
    """Calls a function for every task in threads, and yields the results in order of the tasks.

    At most `threads` results wait to be consumed, so that memory is bounded; tasks are drawn one
    by one, in the thread that consumes the results.

    Args:
        function: Does work that waits, or that lets other threads run.
        tasks: Arguments of the function, one per call.
        threads: Number of threads; with 1, everything is done in the calling thread.
    """
    if threads <= 1:
        yield from map(function, tasks)
        return
    running: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for task in tasks:
                running.append(pool.submit(function, task))
                if len(running) >= threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
