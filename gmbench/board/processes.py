"""Work on many submissions at once, in processes where that pays."""

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
        function: Importable by name, as are its argument and result.
        tasks: What it is called with.
        what: What is counted, such as `submissions`.
        name_of: What a task is called in an error.
        few: So many tasks take no longer than processes take to start.
        jobs: Processes; by default all cores.
        progress: Told how many are done.

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
    # As many processes as cores: threads of their own would only stand in each other's way.
    with threadpool_limits(1):
        return function(task)
