"""Everything that the command line prints goes through here.

Results go to standard output, as a table or with `--json` as JSON alone; progress, notes and
errors go to standard error, so that a pipe receives data and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress

_FIXED_WIDTH = 100
"""Columns when the output is not a terminal: a pipe or a file should not depend on a window."""


def console(*, stderr: bool = False) -> Console:
    """Returns a console on standard output or standard error."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        width=None if stream.isatty() else _FIXED_WIDTH,
        highlight=False,
        emoji=False,
        soft_wrap=False,
    )


def show(*items: RenderableType) -> None:
    """Prints results: text, tables, panels."""
    screen = console()
    for item in items:
        screen.print(item)


def show_plain(text: str) -> None:
    """Prints a result that is text already, word for word."""
    sys.stdout.write(text + "\n")


def show_json(data: Any) -> None:
    """Prints data as JSON: finite numbers or null, keys in the given order."""
    sys.stdout.write(json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def note(text: str) -> None:
    """Prints a line for people on standard error, word for word."""
    console(stderr=True).print(text, markup=False, style="dim", soft_wrap=True)


def complain(text: str) -> None:
    """Prints an error on standard error, word for word."""
    screen = console(stderr=True)
    screen.print("error: ", style="bold red", end="")
    screen.print(text, markup=False, soft_wrap=True)


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    left: Sequence[int] = (0,),
) -> Any:
    """Returns a plain table; `left` columns hold text and stand to the left, others numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column, heading in enumerate(headings):
        made.add_column(heading, justify="left" if column in left else "right", no_wrap=column == 0)
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


@contextmanager
def progress() -> Iterator[Progress]:
    """Shows progress bars with the time left on standard error; gone when done."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    screen = console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bars:
        yield bars


@contextmanager
def counting_many() -> Iterator[Callable[[str, int, int], None]]:
    """Yields what shows how far each of several works is; a work's bar goes when it is done."""
    with progress() as bars:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                for earlier in tasks.values():
                    bars.update(earlier, visible=False)
                tasks[what] = bars.add_task(what, total=total, completed=done)
            bars.update(tasks[what], completed=done)

        yield show


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yields what shows how many of how many are done; the bar appears with the first report."""
    with progress() as bars:
        task = None

        def show(done: int, total: int) -> None:
            nonlocal task
            if task is None:
                task = bars.add_task(what, total=total, completed=done)
            bars.update(task, completed=done)

        yield show
