"""Work that would go to processes of its own done in this one, where a process is not the point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from gmbench.data.parallel import in_processes


@contextmanager
def one_after_the_other(*modules: ModuleType, up_to: int = 1000) -> Iterator[None]:
    """Lets modules that spread work over processes do it here.

    Args:
        modules: Which of them.
        up_to: Most processes that are replaced; more are really started.
    """

    def one_by_one(
        function: Callable[[Any], Any],
        tasks: Iterable[Any],
        jobs: int,
        name_of: Callable[[Any], str],
    ) -> Iterator[tuple[Any, Any]]:
        if jobs > up_to:
            return in_processes(function, tasks, jobs, name_of)
        return ((task, function(task)) for task in tasks)

    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(module, "in_processes", one_by_one)
        yield
