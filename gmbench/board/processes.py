"""Work on many submissions at once, in parallel processes where that pays off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from threadpoolctl import threadpool_limits

from gmbench.data.parallel import all_cores, in_processes
from gmbench.progress import Progress

Task = TypeVar("Task")
Result = TypeVar("Result")


def each(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    what: str,
    name_of: Callable[[Task], str],
    few: int,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Calls a function for every task.

    Args:
        function: The function; importable by name, as are its argument and result.
        tasks: Its arguments, one per call.
        what: What the progress callback counts, such as `submissions`.
        name_of: Returns the name of a task for errors.
        few: Number of tasks that take no longer than processes take to start.
        jobs: Number of processes; by default one per core.
        progress: Progress callback, with the number of tasks done.

    Yields:
        The results, in any order.
    """
    jobs = jobs or all_cores()
    done: Iterable[Result]
    function = partial(_with_one_thread, function)
    if jobs == 1 or len(tasks) <= few:
        done = map(function, tasks)
    else:
        done = (result for _, result in in_processes(function, tasks, jobs, name_of))
    for number, result in enumerate(done, start=1):
        if progress is not None:
            progress(what, number, len(tasks))
        yield result


def _with_one_thread(function: Callable[[Task], Result], task: Task) -> Result:
    # There are as many processes as cores: more threads would only get in each other's way.
    with threadpool_limits(1):
        return function(task)
