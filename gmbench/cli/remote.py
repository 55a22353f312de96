"""`gmbench data push` and `gmbench data fetch`: push to the Hub, fetch the authors' archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import JsonOption


def register(group: typer.Typer) -> None:
    """Adds `push` and `fetch` to the commands of a group."""
    group.command()(push)
    group.command()(fetch)


def push(
    repository: Annotated[
        str,
        typer.Argument(
            metavar="ORG/NAME", help="The dataset repository; made if it does not exist."
        ),
    ],
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Dataset folder that `gmbench data build` made.")
    ] = Path("gm-parsing"),
    private: Annotated[
        bool, typer.Option("--private", help="Only you and your organisation can see it.")
    ] = False,
    message: Annotated[
        str, typer.Option(help="Title of the commit. [default: benchmark and version]")
    ] = "",
    has_permission: Annotated[
        bool,
        typer.Option(
            "--i-have-permission",
            help="Publish images of the paper's GMs, which belong to their authors.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check folder, name and token; send nothing."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Push a dataset folder to the Hugging Face Hub; pushing again sends only what changed.

    Needs a token with write access: `hf auth login`.

    Example: `gmbench data push ORG/gm-parsing --private`
    """
    from gmbench.data.hub import push_dataset

    with output.counting(goes_on=True) as progress:
        result = push_dataset(
            repository,
            data,
            private=private,
            has_permission=has_permission,
            message=message,
            dry_run=dry_run,
            show_bars=output.draws_bars(),
            progress=progress,
        )
    if result.left_out:
        names = ", ".join(result.left_out[:10])
        more = f" and {len(result.left_out) - 10} more" if len(result.left_out) > 10 else ""
        output.note(f"Not in checksums.sha256, so left here: {names}{more}.")
    if as_json:
        output.show_json(result.to_dict())
        return
    rows = [
        ("repository", result.repository + (" (new)" if result.created else "")),
        ("page", result.url),
        ("visible to", "its owners" if result.private else "everyone"),
        ("commit", result.commit or "none: nothing was sent"),
        ("files", f"{result.files}, {_megabytes(result.bytes)}"),
    ]
    _show_facts(rows)
    if result.private:
        output.note("Private: whoever loads it needs a token of its owners (`hf auth login`).")
    if not dry_run:
        output.note(f'Load it: datasets.load_dataset("{result.repository}")')


def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to fetch: red116.")] = "red116",
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the archive.")
    ] = Path(),
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A mirror (http or https) instead of the authors' host."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Fetch it even if it is here, and compare the two.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch the paper authors' archive of images; a transfer that broke off is continued.

    The images are the authors': use them for research and do not pass them on.

    Example: `gmbench data fetch red116`
    """
    from gmbench.data.fetch import fetch_archive, get_archive

    archive = get_archive(name)
    with output.counting(goes_on=True) as progress:
        result = fetch_archive(archive, out, url=url, again=again, progress=progress)
    if (before := result.changed_from) is not None:
        output.note(
            f"This is not the file that was fetched on {before.date[:10]} from "
            f"{before.url or 'an unknown place'} ({_megabytes(before.bytes)}, SHA-256 "
            f"{before.sha256[:16]}...): the host has changed it. Results from the two are not "
            "comparable; what is left of the earlier one is kept under another name."
        )
    if as_json:
        output.show_json(result.to_dict())
        return
    rows = [
        ("file", str(result.file)),
        ("came from", result.record.url or "put there by hand"),
        ("on", result.record.date),
        ("size", _megabytes(result.record.bytes)),
        ("SHA-256", result.record.sha256),
    ]
    _show_facts(rows)
    if not result.downloaded:
        output.note("It was here already and is unchanged; --again fetches it anew.")
    output.note(f"Next: {result.next_step}")


def _show_facts(facts: list[tuple[str, str]]) -> None:
    from rich.text import Text

    lines = [f"{name:<14} {value}" for name, value in facts]
    output.show(Text("\n".join(lines), overflow="fold"))


def _megabytes(size: int) -> str:
    return f"{size / 10**6:,.1f} MB"
