"""Work in threads, some steps ahead of who takes its results, which come in order."""

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
    """Calls a function for every task in threads, and yields the results in their order.

    No more than `threads` results wait to be taken, so that memory is bounded; tasks are asked
    for one by one, in the thread that takes the results.

    Args:
        function: For work that waits, or that lets other threads run.
        tasks: What it is called with.
        threads: How many; with 1 everything is done in this thread.
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
