"""`gmbench leaderboard round`: a hidden population, and its end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gmbench.cli import output
from gmbench.cli.data import JobsOption
from gmbench.cli.options import JsonOption
from gmbench.cli.submit import BOARD, BoardOption

round_app = typer.Typer(
    name="round",
    help="Live rounds: images of a hidden population, its labels under a salted hash.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

NameArgument = Annotated[str, typer.Argument(help="Name of the round and of its benchmark.")]
SecretOption = Annotated[
    Path, typer.Option(metavar="SECRET", help="Secret of the round; `new` makes it.")
]
DataOption = Annotated[
    Path, typer.Option(metavar="DIR", help="Dataset with the labels, kept until the end.")
]


@round_app.command()
def new(
    name: NameArgument,
    seed_file: SecretOption,
    data: DataOption,
    gms: Annotated[int, typer.Option(min=1, help="GMs that the zoo trains.")] = 60,
    images_per_gm: Annotated[int, typer.Option(min=1, help="Images of each GM.")] = 48,
    size: Annotated[int, typer.Option(metavar="32|64", help="Side of the images in pixels.")] = 32,
    note: Annotated[str, typer.Option(help="A line for people, such as when it ends.")] = "",
    board: BoardOption = BOARD,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a population that no one has seen and publish its images without names or labels.

    Example: `gmbench leaderboard round new spring --seed-file ~/spring.secret --data ~/spring`
    """
    from gmbench.board.board import Board
    from gmbench.board.rounds import new_round, zoo_builder

    with output.counting() as progress:
        build = zoo_builder(name, gms, images_per_gm, size, jobs, progress)
        made = new_round(Board(board), name, seed_file, data, build, note=note)
    if as_json:
        output.show_json(made.to_dict())
        return
    output.show_plain(
        f"{made.folder}: {made.n_images:,} images of {made.n_gms} hidden GMs "
        f"in {made.n_sets} test sets.\n"
        f"hash of labels and order: {made.commitment}"
    )
    if not made.intervals:
        output.note("No test set has two GMs: there will be no intervals. Build with more --gms.")
    output.note(f"Publish {made.folder}. Keep {seed_file} and {made.data} to yourself.")


@round_app.command()
def validate(
    name: NameArgument,
    who: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ENTRY...]", help="Entries.", show_default="all"),
    ] = None,
    board: BoardOption = BOARD,
    as_json: JsonOption = False,
) -> None:
    """Check entries of a round before its end: everything that needs no label.

    Example: `gmbench leaderboard round validate spring my_method`
    """
    from gmbench.board.board import Board
    from gmbench.board.entries import check_entry, entry_names

    place = Board(board)
    made = [check_entry(place, name, one) for one in who or entry_names(place, name)]
    if as_json:
        output.show_json({one.source: one.to_dict() for one in made})
    else:
        for one in made:
            more = "" if one.ok else f"\n{one.text(all_checks=False)}"
            output.show_plain(f"{'ok     ' if one.ok else 'failed '} {one.source}{more}")
        output.show_plain(f"sound: {sum(one.ok for one in made):,} of {len(made):,}")
    if not all(one.ok for one in made):
        raise typer.Exit(1)


@round_app.command()
def reveal(
    name: NameArgument,
    seed_file: SecretOption,
    data: DataOption,
    board: BoardOption = BOARD,
    as_json: JsonOption = False,
) -> None:
    """Publish the labels of a round and put its entries on the board; exit code 1 if one is bad.

    Example: `gmbench leaderboard round reveal spring --seed-file ~/spring.secret --data ~/spring`
    """
    from gmbench.board.board import Board
    from gmbench.board.revealing import reveal_round

    made = reveal_round(Board(board), name, seed_file, data)
    if as_json:
        output.show_json(made.to_dict())
    else:
        output.show_plain(f"{name}: the labels have the hash {made.commitment}, as published.")
        for entry in made.scored:
            output.show_plain(f"ok      {entry}")
        for entry, why in made.refused.items():
            output.show_plain(f"failed  {entry}: {why}")
        output.note("next: gmbench leaderboard build")
    if made.refused:
        raise typer.Exit(1)


@round_app.command()
def check(name: NameArgument, board: BoardOption = BOARD, as_json: JsonOption = False) -> None:
    """Check that a revealed round is the one that was published; needs no secret.

    Example: `gmbench leaderboard round check spring`
    """
    from gmbench.board.board import Board
    from gmbench.board.revealing import check_revealed

    same = check_revealed(Board(board), name)
    if as_json:
        output.show_json({"name": name, "same": same})
    else:
        output.show_plain(
            f"{name}: labels and order are those that were published."
            if same
            else f"{name}: labels or order are not those that the published hash binds to."
        )
    if not same:
        raise typer.Exit(1)
