"""The files of a benchmark's methods: their pages, and what these link to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gmbench.board.processes import each
from gmbench.board.rows import BenchmarkBoard, Row
from gmbench.board.site.floors import Floors
from gmbench.board.site.method_page import PICTURES, PREDICTIONS, baseline_files, method_page
from gmbench.board.site.shown_gms import may_be_shown, shown_gms, strip
from gmbench.progress import Progress

_FEW = 20
"""Number of pages that are made in the time that other processes take to start."""


def method_files(
    board: BenchmarkBoard,
    floors: Floors,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> dict[str, bytes]:
    """Returns the pages of a benchmark's methods and the images on them, by path in the site.

    Args:
        board: The benchmark and its methods.
        floors: What labels alone achieve on it.
        jobs: Number of processes; by default one per core.
        progress: Progress callback, with the number of pages made.
    """
    pictures = may_be_shown(board.benchmark)
    tasks = [_Task(row, floors, pictures) for row in board.measured]
    pages = dict(
        each(_page, tasks, what="pages", name_of=str, few=_FEW, jobs=jobs, progress=progress)
    )
    files = {f"methods/{row.name}.html": pages[row.name] for row in board.measured}
    if not pictures:
        return files
    shown = {
        gm.name
        for row in board.measured
        for of in shown_gms(row, floors, pictures=True)
        for gm in of
    }
    return files | {f"{PICTURES}/{gm}.png": strip(gm) for gm in sorted(shown)}


@dataclass(frozen=True, slots=True)
class _Task:
    row: Row
    floors: Floors
    pictures: bool

    def __str__(self) -> str:
        return self.row.name


def _page(task: _Task) -> tuple[str, bytes]:
    return task.row.name, method_page(task.row, task.floors, pictures=task.pictures).encode()


def copied_files(board: BenchmarkBoard) -> dict[str, Path]:
    """Returns the files that the site has copies of, by their path in it."""
    copies = {}
    for row in board.measured:
        for seed in row.seeds:
            if seed.file is not None:
                copies[f"{PREDICTIONS}/{seed.card.name}.parquet"] = seed.file
        if row.card is not None:
            copies |= baseline_files(row.card)
    return copies
