"""`gmbench leaderboard round`: live rounds on a hidden population, until it is revealed."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from gmbench.cli import output
from gmbench.cli.data import JobsOption
from gmbench.cli.options import JsonOption
from gmbench.cli.submit import BOARD, BoardOption, on_board
from gmbench.errors import printable
from gmbench.wording import plural

round_app = typer.Typer(
    name="round",
    help="Live rounds: images of a hidden population, its labels under a salted hash.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

NameArgument = Annotated[
    str, typer.Argument(metavar="ROUND", help="Name of the round and of its benchmark.")
]
SecretOption = Annotated[
    Path, typer.Option(metavar="SECRET", help="Secret of the round; `new` makes it.")
]
NonceOption = Annotated[
    Path, typer.Option(metavar="NONCE", help="Opens the entry; `seal` makes it. Keep it secret.")
]
WhoOption = Annotated[str, typer.Option("--name", help="Name of the entry.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Prediction file.")]
DataOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR", help="Dataset with the labels; secret until the round is revealed."
    ),
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

    with output.counting(goes_on=True) as progress:
        build = zoo_builder(name, gms, images_per_gm, size, jobs, progress)
        made = new_round(Board(board), name, seed_file, data, build, note=note)
    if as_json:
        output.show_json(made.to_dict())
        return
    output.show_plain(
        f"{made.folder}: {plural(made.n_images, 'image')} of {plural(made.n_gms, 'hidden GM')} "
        f"in {plural(made.n_sets, 'test set')}.\n"
        f"hash of labels and order: {made.commitment}"
    )
    if not made.intervals:
        output.note("No test set has two GMs: there will be no intervals. Build with more --gms.")
    output.note(f"Publish {made.folder}. Keep {seed_file} and {made.data} to yourself.")


@round_app.command()
def seal(
    name: NameArgument,
    file: FileArgument,
    who: WhoOption,
    nonce_file: NonceOption,
    board: BoardOption = BOARD,
    as_json: JsonOption = False,
) -> None:
    """Enter a round: write the hash of a prediction file, which stays secret until the deadline.

    Example: `gmbench leaderboard round seal spring mine.parquet --name mine --nonce-file ~/nonce`
    """
    from gmbench.board.board import Board
    from gmbench.board.entries import check_predictions
    from gmbench.board.sealing import seal_entry

    checks = check_predictions(Board(board), name, file)
    if not checks.ok:
        if as_json:
            output.show_json(checks.to_dict())
        else:
            output.show_plain(checks.text(all_checks=False))
        raise typer.Exit(1)
    sealed = seal_entry(Board(board), name, who, file, nonce_file)
    if as_json:
        output.show_json({"sealed": str(sealed), "nonce": str(nonce_file)})
        return
    output.show_plain(f"{sealed}: the hash of {file}.")
    again = shlex.join([name, str(file), "--name", who, "--nonce-file", str(nonce_file)])
    output.note(
        f"Put card.yaml beside it and propose both. Keep {file} and {nonce_file} to yourself until "
        f"the round is closed; then: gmbench leaderboard round open {again}{on_board(board)}"
    )


@round_app.command()
def close(name: NameArgument, board: BoardOption = BOARD, as_json: JsonOption = False) -> None:
    """End the time in which a round takes entries; from then on they are opened.

    Example: `gmbench leaderboard round close spring`
    """
    from gmbench.board.board import Board
    from gmbench.board.sealing import close_round

    hashes = close_round(Board(board), name)
    if as_json:
        output.show_json({"name": name, "entries": hashes})
        return
    for who, sealed in hashes.items():
        output.show_plain(f"{sealed[:16]}  {who}")
    said = plural(len(hashes), "entry", "entries")
    output.note(f"{name} is closed with {said}. Publish closed.json.")


@round_app.command("open")
def open_(
    name: NameArgument,
    file: FileArgument,
    who: WhoOption,
    nonce_file: NonceOption,
    board: BoardOption = BOARD,
    as_json: JsonOption = False,
) -> None:
    """Open an entry when its round is closed: put the sealed file and its nonce beside the hash.

    Example: `gmbench leaderboard round open spring mine.parquet --name mine --nonce-file ~/nonce`
    """
    from gmbench.board.board import Board
    from gmbench.board.sealing import open_entry

    opened = open_entry(Board(board), name, who, file, nonce_file)
    if as_json:
        output.show_json({"opened": str(opened)})
    else:
        output.show_plain(f"{opened}: it has the hash that was sealed.")
        output.note("Propose it, with nonce.txt, to the board.")


@round_app.command()
def validate(
    name: NameArgument,
    who: Annotated[
        list[str] | None,
        typer.Argument(metavar="ENTRY", help="Entries.", show_default="all"),
    ] = None,
    board: BoardOption = BOARD,
    as_json: JsonOption = False,
) -> None:
    """Check entries of a round, sealed or open: everything that needs no label.

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
            said = f"{'ok     ' if one.ok else 'failed '} {printable(one.source)}"
            output.show_plain(f"{said}{more}")
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
            output.show_plain(f"failed  {printable(entry)}: {why}")
        output.note(f"next: gmbench leaderboard build{on_board(board)}")
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
