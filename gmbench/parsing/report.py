"""Parsing of files on disk, and writing of the results."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gmbench.errors import SourceError, printable
from gmbench.files import refuse_existing, write_whole
from gmbench.pages.parsed import page_of
from gmbench.parsing.grouping import groups_of, sources_of
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.load import load_parser
from gmbench.parsing.noise import noise_pictures
from gmbench.parsing.rows import rows_of
from gmbench.progress import Progress
from gmbench.training.image_inputs import opened
from gmbench.training.parsed import LabelSpace, ParsedImages
from gmbench.training.parsed_gm import ParsedGM, parsed_gm

MOST_GROUPED = 5_000
"""Most images that are compared in pairs; their distances take 100 MB."""


@dataclass(frozen=True)
class ParsedFiles:
    """Results of parsing files.

    Attributes:
        files: The image files.
        groups: For each source, the indices of its files, and the GM parsed from them.
        each: Results for each image on its own.
        labels: Names of the values.
    """

    files: tuple[Path, ...]
    groups: tuple[tuple[list[int], ParsedGM], ...]
    each: ParsedImages
    labels: LabelSpace


def parse_files(
    files: Sequence[Path],
    model: str | Path | None = None,
    *,
    group: bool | None = None,
    progress: Progress | None = None,
) -> ParsedFiles:
    """Parses image files, as images of one GM or of several.

    Args:
        files: The image files.
        model: Folder of a parser or its name on the Hub; the package's own if None.
        group: Whether to group them by similarity first; None takes them for one GM's, and refuses
            those that plainly are of several.
        progress: Called with the number of images parsed.

    Raises:
        SourceError: There is no image, one cannot be read, there are too many to group, they
            plainly are of several GMs, or they are to be grouped by a network, which does not say
            what images are alike.
        CheckpointError: The parser cannot be read.
    """
    parser = load_parser(model)
    images = _counted(files, progress)
    if isinstance(parser, KnownGMs):
        if group and len(files) > MOST_GROUPED:
            raise SourceError(
                f"{len(files):,} images are too many to be grouped; at most {MOST_GROUPED:,} are. "
                "Give a part of them."
            )
        said = parser.look(images)
        if group is None:
            _refuse_mixed(files, said.shares)
        parts = groups_of(said.shares) if group else [range(len(files))]
        groups = [(list(map(int, rows)), parser.parse_said(said.of(rows))) for rows in parts]
        return ParsedFiles(tuple(files), tuple(groups), parser.parsed(said.shares), parser.labels)
    if group:
        raise SourceError(
            f"{model} is a network, which does not say what images are alike. Group them with the "
            "package's own parser: leave --model out."
        )
    each = parser.parse_each(images)
    whole = parsed_gm(each, parser.labels, parser.trained_on)
    return ParsedFiles(tuple(files), ((list(range(len(files))), whole),), each, parser.labels)


def _refuse_mixed(files: Sequence[Path], shares: NDArray[np.float64]) -> None:
    """Refuses images of several GMs: parsed as one's, they would say what is true of none."""
    parts = sources_of(shares)
    if len(parts) == 1:
        return
    shown = [f"{len(part)} such as {printable(str(files[part[0]]))}" for part in parts[:3]]
    more = [f"{len(parts) - 3} more kinds"] if len(parts) > 3 else []
    compared = sum(map(len, parts))
    some = f" ({compared:,} of {len(files):,} were compared)" if compared < len(files) else ""
    raise SourceError(
        f"These look like images of several models{some}: {', '.join([*shown, *more])}. Parse them "
        "apart with --group, or as one model's with --together."
    )


def _counted(files: Sequence[Path], progress: Progress | None) -> Iterator[Image.Image]:
    for done, image in enumerate(opened(files)):
        if progress:
            progress("images", done, len(files))
        yield image
    if progress:
        progress("images", len(files), len(files))


def write_outputs(
    found: ParsedFiles, *, csv: Path | None, html: Path | None, overwrite: bool = False
) -> tuple[Path, ...]:
    """Writes the rows of all images, and a page for each group.

    Args:
        found: What `parse_files` returned.
        csv: File for the rows; None to leave them out.
        html: File for the page; with several groups, each page's name gets the group's number. None
            to leave it out.
        overwrite: Whether files may be replaced.

    Returns:
        The files written.

    Raises:
        WriteError: A file exists and may not be replaced, or cannot be written.
    """
    pages = {}
    for number, (rows, parsed) in enumerate(found.groups, 1):
        if html is not None:
            several = len(found.groups) > 1
            place = html.with_stem(f"{html.stem}_{number}") if several else html
            pages[place] = (rows, parsed)
    refuse_existing(*pages, overwrite=overwrite, option="--html")
    if csv is not None:
        refuse_existing(csv, overwrite=overwrite, option="--csv")
    for path, (rows, parsed) in pages.items():
        pictures = noise_pictures([found.files[row] for row in rows])
        write_whole(path, page_of(parsed.to_dict(), pictures))
    if csv is not None:
        buffer = io.StringIO()
        names = [printable(file.as_posix()) for file in found.files]
        rows_of(names, found.each, found.labels).to_csv(buffer, index=False)
        write_whole(csv, buffer.getvalue())
    return (*pages, *((csv,) if csv is not None else ()))
