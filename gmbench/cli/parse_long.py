"""`--out DIR` of `gmbench parse` and `predict`: any number of images, into Parquet files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gmbench.cli import output
from gmbench.cli.expecting import expect
from gmbench.errors import GmbenchError

if TYPE_CHECKING:
    from gmbench.parsing.long_run import LongRun

ListOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--list",
        metavar="FILE",
        help="File with a path or address on each line; repeat. (--out DIR)",
    ),
]
ShardOption = Annotated[
    str,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Part of this machine: I, from 0 on, of N machines. (--out DIR)",
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Processes; default all cores. (--out DIR)"),
]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="local|ray",
        help="Processes of this machine, or a Ray cluster. (--out DIR)",
    ),
]
PartImagesOption = Annotated[
    int, typer.Option("--part-images", min=1, help="Images in each Parquet file. (--out DIR)")
]
PatienceOption = Annotated[
    float, typer.Option("--timeout", min=1, help="Seconds to wait for an address. (--out DIR)")
]

_FIRST = 5
"""Maximum number of unreachable files named in the output; the manifest names all."""


@dataclass(frozen=True)
class LongRunOptions:
    """Options of a long run besides the images and the parser.

    Attributes:
        lists: Files that list names of images.
        shard: Shard of this machine, as `I/N`.
        jobs: Number of processes; None uses all cores.
        engine: `local` or `ray`.
        part_images: Number of images per part.
        patience: Timeout for an address, in seconds.
        device: Device on which a network runs.
    """

    lists: tuple[Path, ...] = ()
    shard: str = "0/1"
    jobs: int | None = None
    engine: str = "local"
    part_images: int = 1000
    patience: float = 60.0
    device: str = "auto"


_OPTIONS = {
    "lists": "--list",
    "shard": "--shard",
    "jobs": "--jobs",
    "engine": "--engine",
    "part_images": "--part-images",
    "patience": "--timeout",
    "device": "--device",
}


def parse_long(
    sources: list[str],
    model: str | None,
    out: Path,
    options: LongRunOptions,
    *,
    as_json: bool,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Parses images into a folder and prints a summary; exits with code 1 if files are missing.

    Args:
        sources: Images, as `names_of` takes them.
        model: The parser; None uses the package's own.
        out: The output folder.
        options: Further options.
        as_json: Whether to print JSON.
        more: Additional entries for the JSON.
    """
    from gmbench.parsing.expanding import names_of
    from gmbench.parsing.long_run import parse_to_folder

    shard = shard_of(options.shard)
    with output.counting(goes_on=True) as progress:
        found = parse_to_folder(
            names_of(sources, options.lists),
            out,
            sources=[*sources, *map(str, options.lists)],
            model=model,
            shard=shard,
            jobs=options.jobs,
            engine=options.engine,
            part_images=options.part_images,
            device=options.device,
            patience=options.patience,
            progress=progress,
            expected=lambda found: expect("images", found, "as the first ones go"),
        )
    if as_json:
        output.show_json({**found.to_dict(), **(more or {})})
    else:
        _show(found)
    if found.unread:
        raise typer.Exit(1)


def refuse_without_folder(options: LongRunOptions, allowed: LongRunOptions) -> None:
    """Refuses options of long runs if there is no output folder.

    Args:
        options: The given options.
        allowed: Options with the values that are allowed without a folder.

    Raises:
        GmbenchError: An option has another value.
    """
    given = [
        _OPTIONS[field.name]
        for field in fields(options)
        if getattr(options, field.name) != getattr(allowed, field.name)
    ]
    if given:
        raise GmbenchError(
            f"For long runs alone: {', '.join(given)}. Give --out DIR, or leave out what is named."
        )


def shard_of(text: str) -> tuple[int, int]:
    """Returns the numbers in `I/N`.

    Raises:
        GmbenchError: The text does not have that form, or I is not below N.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    number, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if number >= of:
        raise GmbenchError(
            f"--shard {text} is no part of the work: give I/N, the number of this machine from 0 "
            "and how many there are, such as 0/4 to 3/4."
        )
    return number, of


def _show(found: LongRun) -> None:
    from gmbench.wording import plural

    failed = f", {found.failures:,} of them could not be parsed (column reason)"
    output.show_plain(
        f"{found.folder}/parts: {plural(found.images, 'image')} in {plural(found.parts, 'file')}"
        f"{failed if found.failures else ''}"
    )
    if found.images_now:
        rate = found.images_now / max(found.seconds, 1e-9)
        output.note(
            f"{plural(found.images_now, 'image')} in {found.seconds:,.0f} s, {rate:,.0f} a second."
        )
    if found.parts_before:
        output.note(f"{plural(found.parts_before, 'file was', 'files were')} there before.")
    for why in list(found.unread.values())[:_FIRST]:
        output.note(f"not reached: {why}")
    if found.unread:
        output.note(
            f"{plural(len(found.unread), 'file')} of images could not be reached; {found.manifest} "
            "names all. Run the same command again."
        )
