"""Builds the folder of pages: renders in memory, writes beside the place, and renames."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from gmbench.board.board import Board, BoardError
from gmbench.board.columns import COLUMNS, DEFAULT_SORT, SCORES
from gmbench.board.folders import folders_in_place
from gmbench.board.rows import BenchmarkBoard, BoardRows, read_rows
from gmbench.board.site import matrix as squares
from gmbench.board.site.axes import Axis, axes
from gmbench.board.site.floors import Floors, floors_of
from gmbench.board.site.glossary import glossary
from gmbench.board.site.json_data import (
    benchmark_data,
    board_data,
    cells_of,
    method_data,
    pairs_by_first,
)
from gmbench.board.site.matrix import MOST, matrices
from gmbench.board.site.method_files import copied_files, method_files
from gmbench.board.site.methods_table import table_view
from gmbench.board.site.parameter_map import ParameterMap, parameter_maps
from gmbench.board.site.picture import accuracy_against_cost, progress
from gmbench.board.site.preview import preview
from gmbench.board.site.summary import summary_of
from gmbench.board.submission_card import TRAINING_DATA
from gmbench.board.table import table
from gmbench.evaluation.result import PROTOCOL
from gmbench.pages.environment import render
from gmbench.progress import Progress

MARKER = "leaderboard.json"
"""A folder that holds this file was made by a build and may be replaced by one."""


PREVIEW = "preview.png"
"""The picture shown with a shared link."""


@dataclass(frozen=True, slots=True)
class Site:
    """A built site.

    Attributes:
        folder: The folder of pages.
        files: Number of files.
        bytes: Their total size.
        benchmarks: Numbers of measured and of reported methods, by benchmark.
    """

    folder: Path
    files: int
    bytes: int
    benchmarks: dict[str, tuple[int, int]]


def build_site(
    board: Board,
    out: Path | None = None,
    *,
    address: str = "",
    cache: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Site:
    """Verifies a board and builds its pages; equal boards give equal bytes.

    Args:
        board: The leaderboard.
        out: Folder of the pages; by default `site` in the board's folder. An older build there is
            replaced as a whole.
        address: URL of the pages once published, such as `https://example.org/board/`; services
            that show a link to them with a preview need the full URL of its picture.
        cache: Folder of scores and pairs computed earlier from the same bytes.
        jobs: Number of processes; by default one per core.
        progress: Progress callback, with the numbers of submissions verified, pairs compared and
            pages made.

    Raises:
        BoardError: No submission is sound, the folder holds something other than pages, or
            `address` is not a web address.
        WriteError: A file cannot be written.
    """
    folder = out or board.site
    place = folder.resolve()  # What a link leads to is replaced, not the link.
    if Path.cwd().is_relative_to(place):
        raise BoardError(
            f"{folder} is where you are, and a build replaces the folder as a whole. Give another "
            "--out, or go elsewhere."
        )
    if folder.exists() and not folder.is_dir():
        raise BoardError(f"{folder} is a file, and pages need a folder. Give another --out.")
    if folder.exists() and not (folder / MARKER).is_file() and any(folder.iterdir()):
        raise BoardError(
            f"{folder} holds something that no build made, and would be replaced. Give another "
            "--out, or empty it."
        )
    if address and not address.startswith(("https://", "http://")):
        raise BoardError(f"{address!r} is no web address. Give --address https://... or none.")
    rows = read_rows(board, cache=cache, jobs=jobs, progress=progress)
    files = site_files(rows, address=address, jobs=jobs, progress=progress)
    by_folder: dict[Path, dict[str, Callable[[Path], object]]] = {
        place: {name: partial(write_file, content) for name, content in files.items()}
    }
    with folders_in_place(by_folder):
        pass
    return Site(
        folder=folder,
        files=len(files),
        bytes=sum((folder / name).stat().st_size for name in files),
        benchmarks={b.name: (len(b.measured), len(b.reported)) for b in rows.benchmarks},
    )


def site_files(
    rows: BoardRows,
    *,
    address: str = "",
    jobs: int | None = None,
    progress: Progress | None = None,
) -> dict[str, bytes | Path]:
    """Returns every file of the site, or the file elsewhere that it is a copy of, by its path."""
    copies = [copied_files(one) for one in rows.benchmarks]
    made = render_site(rows, address=address, jobs=jobs, progress=progress)
    return {**made, **{name: file for of in copies for name, file in of.items()}}


def render_site(
    rows: BoardRows,
    *,
    address: str = "",
    jobs: int | None = None,
    progress: Progress | None = None,
) -> dict[str, bytes]:
    """Returns every file of the site that is not a copy of another, by its path in the folder.

    Args:
        rows: What the pages show.
        address: URL of the pages once published; empty if unknown.
        jobs: Number of processes; by default one per core.
        progress: Progress callback, with the number of method pages made.
    """
    hidden = ", ".join(f".c-{column.key}" for column in COLUMNS if not column.shown)
    styles = "".join(map(render, ("base.css", "result.css", "board.css")))
    style = f"{styles}{hidden} {{ display: none; }}\n{_axes_css()}"
    files = {"style.css": style.encode(), **_modules()}
    sections = []
    for one in rows.benchmarks:
        floors = floors_of(one.benchmark)
        drawn_on = axes(one, floors)
        sections.append(_section(one, floors, drawn_on))
        for key, cells in cells_of(sections[-1]["table"]).items():
            files[f"data/columns/{one.name}.{key}.json"] = _json(cells)
        files[f"data/{one.name}.json"] = _json(benchmark_data(one, drawn_on))
        files |= _whole_drawings(one, floors, sections[-1]["maps"])
        pairs = pairs_by_first(one)
        for row in one.measured:
            files[f"data/methods/{row.name}.json"] = _json(method_data(row, pairs[row.name]))
        files |= method_files(one, floors, jobs=jobs, progress=progress)
    files["index.html"] = render(
        "board.html.j2",
        boards=sections,
        rounds=rows.rounds,
        shown={one.name for one in rows.benchmarks},
        n_shown=sum(column.shown for column in COLUMNS),
        protocol=PROTOCOL,
        training=TRAINING_DATA,
        square=squares,
        first_by=DEFAULT_SORT,
        terms=glossary(),
        address=f"{address.rstrip('/')}/" if address else "",
    ).encode()
    files[PREVIEW] = preview(rows.benchmarks)
    listed = table(rows.benchmarks).to_csv(index=False, lineterminator="\n")
    files["leaderboard.csv"] = listed.encode()
    files[MARKER] = _json(board_data(rows))
    return files


def _section(board: BenchmarkBoard, floors: Floors, drawn_on: dict[str, Axis]) -> dict[str, Any]:
    """Returns what the page shows for one benchmark, part by part."""
    return {
        "table": table_view(board, floors),
        "open_labels": board.open_labels,
        "summary": summary_of(board, floors),
        "matrices": matrices(board, MOST),
        "maps": parameter_maps(board, floors, MOST),
        "costs": accuracy_against_cost(board, drawn_on),
        "progress": progress(board, drawn_on),
    }


def _whole_drawings(
    board: BenchmarkBoard, floors: Floors, maps: Sequence[ParameterMap]
) -> dict[str, bytes]:
    """Returns the pages of the map's views, and of matrices and views with all methods."""
    pages = {
        f"maps/{board.name}.{one.key}.html": render("map.html.j2", map=one, board=board)
        for one in maps[1:]
    }
    if len(board.measured) > MOST:
        pages |= {
            f"maps/{board.name}.{one.key or 'parameters'}.all.html": render(
                "map.html.j2", map=one, board=board
            )
            for one in parameter_maps(board, floors)
        }
        pages |= {
            f"matrices/{board.name}.{one.column.key}.html": render(
                "matrix_page.html.j2", matrix=one, board=board, square=squares
            )
            for one in matrices(board)
        }
    return {name: page.encode() for name, page in pages.items()}


def _axes_css() -> str:
    """Returns the CSS rules that give the cells of a score the axis that their table has for it."""
    names = ("low", "high", "useful", "floor")
    return "".join(
        f".c-{score.key} {{ {''.join(f'--{one}: var(--{one}-{score.key}); ' for one in names)}}}\n"
        for score in SCORES
    )


def _modules() -> dict[str, bytes]:
    """Returns the ES modules, unchanged."""
    folder = resources.files("gmbench.pages") / "modules"
    scripts = sorted(folder.iterdir(), key=lambda one: one.name)
    return {f"modules/{one.name}": one.read_bytes() for one in scripts if one.name.endswith(".js")}


def write_file(content: bytes | Path, path: Path) -> None:
    """Writes one file of the site; for a path, hard-links that file, or else copies it."""
    # The folder as a whole is renamed into place; its files need no rename of their own.
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Path):
        try:
            # Predictions of hundreds of methods take gigabytes, and nobody writes to them.
            os.link(content.resolve(), path)
        except OSError:
            shutil.copyfile(content, path)
    else:
        path.write_bytes(content)


def _json(data: Any) -> bytes:
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return (text + "\n").encode()
