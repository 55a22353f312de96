"""`gmbench parse`: what the images of one generative model say of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import JsonOption, OverwriteOption

if TYPE_CHECKING:
    from gmbench.training.parsed_gm import ParsedGM


def parse(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE...", help="Images of one generative model, or their folder."),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", metavar="DIR|NAME", help="A trained parser; default the package's own."
        ),
    ] = None,
    group: Annotated[
        bool, typer.Option("--group", help="Images of several models: part them by likeness first.")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Also write what each image says, a row each."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write a page.")
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Infer the 25 hyperparameters of the model that made some images, and how sure that is.

    All images speak together; what they say is known, likely or unknown. The package's parser
    knows the published models of docs/parser.md and replicas of them. It is no oracle: of others
    it says how far they lie from all of these.

    Example: `gmbench parse generated/ --html parsed.html`
    """
    from gmbench.files import refuse_existing
    from gmbench.parsing.files import image_files
    from gmbench.parsing.report import parse_files, write_outputs

    refuse_existing(*(path for path in (csv, html) if path is not None), overwrite=overwrite)
    images = image_files(files)
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
    shown = ", ".join(images[row].name for row in rows[:3])
    return shown if len(rows) <= 3 else f"{shown} and {len(rows) - 3} more"


def _show(parsed: ParsedGM) -> None:
    from gmbench.pages.parsed import lines_of, parser_text, sentences_of

    facts = parsed.to_dict()
    output.show_plain(f"{parsed.n_images} image{'s' if parsed.n_images > 1 else ''}")
    # Before the table: whether it means anything.
    for sentence in sentences_of(facts):
        output.show_plain(sentence)
    rows = []
    for verdict, lines in lines_of(facts).items():
        for number, line in enumerate(lines):
            rows.append(["" if number else verdict, line.name, line.value, line.sure])
    headings = ["", "parameter", "value", "sure"]
    output.show(output.table(headings, rows, left=(0, 1, 2)))
    output.note(f"Parser: {parser_text(parsed.trained_on)}.")
