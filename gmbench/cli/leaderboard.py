"""`gmbench leaderboard`: verify the submissions, make the pages, show them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.data import JobsOption
from gmbench.cli.options import JsonOption
from gmbench.cli.submit import BOARD, BoardOption

if TYPE_CHECKING:
    from gmbench.leaderboard.verification import Verification

leaderboard_app = typer.Typer(
    name="leaderboard",
    help="Verify the submissions and make the pages of the leaderboard.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@leaderboard_app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="Submissions.", show_default="all"),
    ] = None,
    board: BoardOption = BOARD,
    update: Annotated[
        bool,
        typer.Option("--update", help="Write results that were made under another protocol anew."),
    ] = False,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute every figure from the predictions and compare; exit code 1 where one differs.

    Also found and named: changed labels, sets and protocols, predictions that are the labels or
    another submission's, shared names, and files that do not belong there.

    Example: `gmbench leaderboard verify my_method`
    """
    from gmbench.leaderboard.board import Board
    from gmbench.leaderboard.updating import update_results
    from gmbench.leaderboard.verification import verify as verify_board

    place = Board(board)
    updated: list[Path] = []
    with output.counting("submissions") as progress:
        made = verify_board(place, names or [], jobs=jobs, progress=progress)
        if update:
            updated = update_results(place, made)
            made = verify_board(place, names or [], jobs=jobs, progress=progress)
    if as_json:
        output.show_json(made.to_dict())
    else:
        _show(made)
    for path in updated:
        output.note(f"written anew: {path}")
    if not made.ok:
        raise typer.Exit(1)


def _show(made: Verification) -> None:
    for one in made.submissions:
        if one.ok:
            output.show_plain(f"ok      {one.name}")
        else:
            output.show_plain(f"failed  {one.name}\n{one.checklist.text(all_checks=False)}")
    output.show_plain(made.among.text())
    sound = sum(one.ok for one in made.submissions)
    output.show_plain(f"{sound:,} of {len(made.submissions):,} submissions are sound.")
