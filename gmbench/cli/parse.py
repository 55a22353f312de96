"""`gmbench parse`: infer the hyperparameters of the generative model that made some images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import JsonOption, OverwriteOption
from gmbench.cli.parse_long import (
    EngineOption,
    JobsOption,
    ListOption,
    LongRunOptions,
    PartImagesOption,
    PatienceOption,
    ShardOption,
    parse_long,
    refuse_without_folder,
)
from gmbench.errors import GmbenchError, printable

if TYPE_CHECKING:
    from gmbench.training.parsed_gm import ParsedGM


def parse(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGE",
            help="Images of one generative model, or their folder; with --out also addresses, TAR "
            "and Parquet files of images, patterns such as a-{00..31}.tar, and hf://datasets/...",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", metavar="DIR|NAME", help="A trained parser; default the package's own."
        ),
    ] = None,
    group: Annotated[
        bool | None,
        typer.Option(
            "--group/--together",
            help="Sort the images into groups of one model each, or take them all for one model's, "
            "whatever they look like. With neither, images that plainly are of several models are "
            "refused.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE", help="Also write a row for each image: what it says alone."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write a page to look at.")
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Parse any number of images, each on its own, into Parquet files of this folder; "
            "the same command goes on where it was.",
        ),
    ] = None,
    lists: ListOption = None,
    shard: ShardOption = LongRunOptions.shard,
    jobs: JobsOption = LongRunOptions.jobs,
    engine: EngineOption = LongRunOptions.engine,
    part_images: PartImagesOption = LongRunOptions.part_images,
    patience: PatienceOption = LongRunOptions.patience,
    device: Annotated[
        str,
        typer.Option(
            "--device", metavar="auto|cpu|cuda|mps", help="Where a network runs. (--out DIR)"
        ),
    ] = LongRunOptions.device,
) -> None:
    """Infer the 25 hyperparameters of the model that made some images, and how sure that is.

    All images speak together; what they say is known, likely or unknown. The package's parser
    knows the published models of docs/parser.md and replicas of them. It is no oracle: of others
    it says how far they lie from all of these.

    With `--out` each image is parsed on its own, and there may be millions: docs/scaling.md.

    Example: `gmbench parse generated/ --html parsed.html`
    """
    from gmbench.files import check_ending, refuse_existing, refuse_file_name

    run = LongRunOptions(tuple(lists or ()), shard, jobs, engine, part_images, patience, device)
    if out is not None:
        if group is not None or csv is not None or html is not None or overwrite:
            raise GmbenchError(
                "With --out each image is parsed on its own and nothing is replaced: leave out "
                "--group, --together, --csv, --html and --overwrite."
            )
        refuse_file_name(out)
        parse_long(files or [], model, out, run, as_json=as_json)
        return
    refuse_without_folder(run, LongRunOptions())
    if not files:
        raise GmbenchError("There is no image to parse. Give at least one.")
    from gmbench.data.remote import is_remote
    from gmbench.parsing.files import image_files
    from gmbench.parsing.report import parse_files, write_outputs

    for path, option in ((csv, "--csv"), (html, "--html")):
        if path is not None:
            check_ending(path, f".{option.removeprefix('--')}")
            refuse_existing(path, overwrite=overwrite, option=option)
    if far := [one for one in files if is_remote(one)]:
        raise GmbenchError(
            f"{printable(far[0])} is not on this machine. Give --out DIR too: what is elsewhere is "
            "parsed into a folder, each image on its own."
        )
    images = image_files(map(Path, files))
    with output.counting() as progress:
        found = parse_files(images, model, group=group, progress=progress)
    written = write_outputs(found, csv=csv, html=html, overwrite=overwrite)
    if as_json:
        groups = [
            {"images": [str(images[row]) for row in rows], **parsed.to_dict()}
            for rows, parsed in found.groups
        ]
        output.show_json({"groups": groups} if group else groups[0])
        return
    for number, (rows, parsed) in enumerate(found.groups, 1):
        if group:
            output.show_plain(f"Group {number} of {len(found.groups)}: {_names(images, rows)}")
        _show(parsed)
    for path in written:
        output.note(f"{path}: written.")


def _names(images: list[Path], rows: list[int]) -> str:
    shown = ", ".join(printable(images[row].name) for row in rows[:3])
    return shown if len(rows) <= 3 else f"{shown} and {len(rows) - 3} more"


def _show(parsed: ParsedGM) -> None:
    from gmbench.pages.parsed import lines_of, parser_text, sentences_of
    from gmbench.wording import plural

    facts = parsed.to_dict()
    output.show_plain(plural(parsed.n_images, "image"))
    # Whether the table means anything comes before it.
    for sentence in sentences_of(facts):
        output.show_plain(sentence)
    rows = []
    for verdict, lines in lines_of(facts).items():
        for number, line in enumerate(lines):
            rows.append(["" if number else verdict, line.name, line.value, line.sure])
    headings = ["", "parameter", "value", "sure"]
    output.show(output.table(headings, rows, left=(0, 1, 2)))
    output.note(f"Parser: {parser_text(parsed.trained_on)}.")
