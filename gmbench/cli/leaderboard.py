"""`gmbench leaderboard`: verify the submissions, build the pages, serve them."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.data import JobsOption
from gmbench.cli.options import DeviceOption, JsonOption
from gmbench.cli.rounds import round_app
from gmbench.cli.submit import BOARD, BoardOption, on_board
from gmbench.errors import printable
from gmbench.wording import plural

if TYPE_CHECKING:
    from gmbench.board.site import Site
    from gmbench.board.verification import Verification

leaderboard_app = typer.Typer(
    name="leaderboard",
    help="Verify the submissions and make the pages of the leaderboard.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


leaderboard_app.add_typer(round_app)


@leaderboard_app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Submissions.", show_default="all"),
    ] = None,
    board: BoardOption = BOARD,
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="Write results again that are damaged, incomplete or of another protocol.",
        ),
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Board whose submissions and reported figures must all be kept."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 also where a person should look.")
    ] = False,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute every figure from the predictions and compare; exit code 1 where one differs.

    Also found and named: changed labels, sets and protocols, predictions that are the labels or
    another submission's, shared names, and files that do not belong there. For a person to look
    at: predictions that are nearly the labels, or nearly another submission's.

    Example: `gmbench leaderboard verify my_method`
    """
    from gmbench.board.board import find_board
    from gmbench.board.keeping import check_kept
    from gmbench.board.updating import update_results
    from gmbench.board.verification import verify as verify_board

    place = find_board(board)
    updated: list[Path] = []
    with output.counting() as progress:
        made = verify_board(place, names or [], jobs=jobs, progress=progress)
        if update:
            updated = update_results(place, made)
        if updated:
            made = verify_board(place, names or [], jobs=jobs, progress=progress)
    if against is not None:
        made.among.checks += check_kept(find_board(against), place).checks
    if as_json:
        output.show_json(made.to_dict())
    else:
        _show(made)
    for path in updated:
        output.note(f"written anew: {path}")
    if not made.ok or (strict and made.flagged):
        raise typer.Exit(1)


@leaderboard_app.command()
def rerun(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Submission whose card names a recipe.")
    ],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Dataset of the benchmark, where images are needed."),
    ] = None,
    board: BoardOption = BOARD,
    device: DeviceOption = "auto",
    runs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where trainings are kept.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a submission's recipe again and compare; exit code 1 where it is not confirmed.

    It is confirmed by the same predictions, or by figures inside the intervals of the submitted
    ones: other hardware trains other networks.

    Example: `gmbench leaderboard rerun mini116_best --data gm-parsing`
    """
    from gmbench.board.board import find_board
    from gmbench.board.rerunning import rerun as train_again

    with output.counting(goes_on=runs is not None) as progress:
        made = train_again(
            find_board(board), name, data, device=device, runs=runs, progress=progress
        )
    if as_json:
        output.show_json(made.to_dict())
    else:
        said = "the same predictions" if made.same else f"{made.alike:.1%} of the rows alike"
        output.show_plain(f"{name}: {made.recipe} trained again gives {said}.")
        for one in made.metrics:
            word = "ok     " if one.ok or made.same else "failed "
            ends = f" ({output.interval(one.ci)})" if one.ci else ""
            output.show_plain(
                f"{word} {one.metric:<8} submitted {one.submitted:.4f}{ends}, again {one.rerun:.4f}"
            )
        if made.commit:
            output.note(f"The card names commit {made.commit}: check it out for the same code.")
    if not made.ok:
        raise typer.Exit(1)


OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="DIR", help="Folder of the pages.", show_default="BOARD/site"
    ),
]


@leaderboard_app.command()
def build(
    board: BoardOption = BOARD,
    out: OutOption = None,
    address: Annotated[
        str,
        typer.Option(help="Where the pages will stand, for previews of links: https://..."),
    ] = "",
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify the board and make its pages: static files that any web server can hand out.

    Scores of predictions that were scored before are taken from gmbench's cache folder.

    Example: `gmbench leaderboard build`
    """
    made = _build(board, out, jobs, address)
    data = json.loads((made.folder / "leaderboard.json").read_text(encoding="utf-8"))
    left_out: dict[str, list[str]] = data["left_out"]
    if as_json:
        output.show_json({**asdict(made), "folder": str(made.folder), "left_out": left_out})
        return
    for name, (measured, reported) in made.benchmarks.items():
        output.show_plain(f"{name}: {measured} measured, {reported} reported")
    output.note(f"{made.folder}: {plural(made.files, 'file')}, {made.bytes / 1e6:.1f} MB.")
    for name, checks in left_out.items():
        output.note(
            f"left out: {printable(name)} ({', '.join(checks)}). "
            f"`gmbench leaderboard verify{on_board(board)}` says more."
        )
    chosen = "" if out is None else f" --out {shlex.quote(str(out))}"
    output.note(f"next: gmbench leaderboard serve{on_board(board)}{chosen}")


@leaderboard_app.command()
def serve(
    board: BoardOption = BOARD,
    out: OutOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 8116,
    jobs: JobsOption = None,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Do not open a browser window.")
    ] = False,
) -> None:
    """Build the pages, hand them out on this computer alone, and open them.

    Example: `gmbench leaderboard serve`
    """
    import threading
    import webbrowser

    from gmbench.board.serving import serving

    made = _build(board, out, jobs)
    with serving(made.folder, port) as address:
        output.show_plain(address)
        sys.stdout.flush()  # A program that waits for the address gets it now.
        output.note("Ctrl-C ends it.")
        if not no_open:
            webbrowser.open(address)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


def _build(board: Path, out: Path | None, jobs: int | None, address: str = "") -> Site:
    from gmbench.board.board import find_board
    from gmbench.board.site import build_site
    from gmbench.data.loading import cache_folder

    with output.counting() as progress:
        return build_site(
            find_board(board),
            out,
            address=address,
            cache=cache_folder() / "leaderboard",
            jobs=jobs,
            progress=progress,
        )


def _show(made: Verification) -> None:
    for one in made.submissions:
        more = one.checklist.text(all_checks=False)
        output.show_plain(f"{'ok     ' if one.ok else 'failed '} {printable(one.name)}")
        if more:
            output.show_plain(more)
    output.show_plain(made.among.text())
    sound = sum(one.ok for one in made.submissions)
    output.show_plain(f"{sound:,} of {len(made.submissions):,} submissions are sound.")
