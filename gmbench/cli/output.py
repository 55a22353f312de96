"""Output of the command line; everything that it prints goes through here.

Results go to standard output, as a table or, with `--json`, as JSON alone. Progress, notes and
errors go to standard error, so that a pipe receives data and nothing else.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import typer

from gmbench.cli.progress_lines import progress_lines
from gmbench.cli.wrapping import fitted
from gmbench.errors import InterruptedWorkError, printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from gmbench.evaluation.source_scores import Estimate
    from gmbench.predictions.checks import Checklist
    from gmbench.progress import Progress

_FIXED_WIDTH = 100
"""Columns if the output is not a terminal: a pipe or a file must not depend on a window."""

_MEGABYTE = 10**6
_SHOWN_AS = {"bytes": "MB", "bytes checked": "MB checked"}
"""Units that are counted in bytes but shown in megabytes."""


def show_all_characters() -> None:
    """Escapes characters that a terminal or file cannot encode, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def console(*, stderr: bool = False) -> Console:
    """Returns a console on standard output or standard error."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        width=None if stream.isatty() else _FIXED_WIDTH,
        markup=False,  # Names of files and benchmarks may have square brackets.
        highlight=False,
        emoji=False,
        soft_wrap=False,
    )


def show(*items: RenderableType) -> None:
    """Prints results: text, tables, panels."""
    screen = console()
    for item in items:
        screen.print(_printable(item) if isinstance(item, str) else item)


def show_plain(text: str) -> None:
    """Prints a plain-text result, wrapped to the width of a terminal but otherwise verbatim."""
    sys.stdout.write(_fitted(text, sys.stdout) + "\n")


def show_json(data: Any) -> None:
    """Prints data as JSON: finite numbers or null, keys in the given order."""
    # Other characters that cannot be shown become JSON escapes.
    as_is = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    sys.stdout.write(json.dumps(data, indent=2, allow_nan=False, ensure_ascii=not as_is) + "\n")


def show_checklist(checklist: Checklist, *, as_json: bool) -> None:
    """Prints a checklist, and exits with code 1 if a check failed."""
    if as_json:
        show_json(checklist.to_dict())
    else:
        show_plain(checklist.text())
    if not checklist.ok:
        raise typer.Exit(1)


def number(value: float | None) -> str:
    """Returns a score as tables show it; a dash if it is undefined."""
    # `z`: no sign for values that round to zero.
    return "-" if value is None else f"{value:z.4f}"


def short_number(value: float | None) -> str:
    """Returns a score as tables with many columns show it; a dash if it is undefined."""
    return "-" if value is None else f"{value:z.3f}"


def interval(ends: Sequence[float] | None) -> str:
    """Returns an interval as tables show it; a dash if it is undefined."""
    return "-" if ends is None else f"{ends[0]:z.3f} to {ends[1]:z.3f}"


def estimated(one: Estimate | None, *, signed: bool = False) -> tuple[str, str]:
    """Returns a score and its interval as tables show them; dashes if there is none."""
    if one is None:
        return "-", "-"
    return f"{one.value:+z.3f}" if signed else number(one.value), interval(one.ci)


_quiet = False


def keep_quiet(wanted: bool) -> None:
    """Sets whether notes and progress are suppressed (`gmbench --quiet`)."""
    global _quiet
    _quiet = wanted


def draws_bars() -> bool:
    """Returns whether others may draw their own bars: in a terminal that is not kept quiet."""
    return sys.stderr.isatty() and not _quiet


def note(text: str) -> None:
    """Prints a note on standard error, wrapped to the width of a terminal."""
    if _quiet:
        return
    text = _fitted(text, sys.stderr)
    console(stderr=True).print(text, style="dim", soft_wrap=True)


def complain(text: str, heading: str = "error") -> None:
    """Prints an error on standard error, wrapped to the width of a terminal."""
    screen = console(stderr=True)
    screen.print(f"{heading}: ", style="bold red", end="")
    text = _fitted(f"{heading}: {text}", sys.stderr).removeprefix(f"{heading}: ")
    screen.print(text, soft_wrap=True)


def _printable(text: str) -> str:
    """Returns a text that steers no terminal, whatever other people's files hold."""
    return "\n".join(map(printable, text.split("\n")))


def _fitted(text: str, stream: TextIO) -> str:
    text = _printable(text)
    return fitted(text, shutil.get_terminal_size().columns) if stream.isatty() else text


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    left: Sequence[int] = (0,),
    whole: Sequence[int] = (0,),
    narrow: bool = False,
) -> Any:
    """Returns a plain table; `left` columns hold text and are left-aligned, others right-aligned.

    Cells of `whole` columns, such as names, are not wrapped in a narrow terminal.

    A `narrow` table has two spaces between its columns, and none around it.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        title=Text(_printable(title), style="table.title") if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=not narrow,
        padding=(0, 1, 0, 0) if narrow else (0, 1),
    )
    for column, heading in enumerate(headings):
        made.add_column(
            Text(_printable(heading)),
            justify="left" if column in left else "right",
            no_wrap=column in whole,
            # In a narrow terminal, no characters are lost.
            overflow="fold",
        )
    for row in rows:
        made.add_row(*(Text(_printable(cell)) for cell in row))
    return made


@contextmanager
def counting(*, goes_on: bool = False) -> Iterator[Progress]:
    """Yields a progress callback that shows progress and the time left on standard error.

    A bar appears with the first report of a task and disappears when it is done or another one
    begins; while there is none, the screen is free for other bars, such as the Hub's own. Without a
    terminal, a line is printed every half minute.

    Args:
        goes_on: Whether running the same command again after Ctrl-C resumes the work.

    Raises:
        InterruptedWorkError: The work was interrupted from the keyboard.
    """
    try:
        with _shown_progress() as progress:
            yield progress
    except KeyboardInterrupt:
        raise InterruptedWorkError(goes_on=goes_on) from None


@contextmanager
def _shown_progress() -> Iterator[Progress]:
    from rich import progress as rich_progress

    screen = console(stderr=True)
    if _quiet or not screen.is_terminal:
        with progress_lines(note) as lines:
            yield lines
        return
    bars = rich_progress.Progress(
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TextColumn("{task.fields[rate]}"),
        rich_progress.TimeElapsedColumn(),
        rich_progress.TextColumn("left"),
        rich_progress.TimeRemainingColumn(),
        console=screen,
        transient=True,
    )
    task: rich_progress.TaskID | None = None
    shown = ""

    def show(what: str, done: int, total: int | None) -> None:
        nonlocal task, shown
        if task is not None and what != shown:
            bars.remove_task(task)
            task = None
        unit = _MEGABYTE if what in _SHOWN_AS else 1
        whole = None if total is None else max(1, total // unit)
        if task is None:
            shown = what
            # Work that was done before must not inflate the speed.
            task = bars.add_task(
                _SHOWN_AS.get(what, what), total=whole, completed=done // unit, rate=""
            )
            bars.start()
        speed = next(one.speed for one in bars.tasks if one.id == task) or 0.0
        rate = f"{speed:,.0f} a second" if speed >= 1 else ""
        bars.update(task, completed=done // unit, total=whole, rate=rate)
        if done == total:
            bars.remove_task(task)
            bars.stop()
            task = None

    try:
        yield show
    finally:
        bars.stop()
