"""`gmbench submit`: put predictions and a card on the leaderboard."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gmbench.cli import output
from gmbench.cli.options import (
    BenchmarkOption,
    JsonOption,
    LabelsOption,
    PredictionArgument,
    SetsOption,
    chosen_benchmark,
)
from gmbench.errors import HubError

if TYPE_CHECKING:
    from gmbench.board.pull_request import PullRequest
    from gmbench.board.submission import Submission

BoardOption = Annotated[
    Path, typer.Option("--board", metavar="DIR", help="The leaderboard's folder.")
]
BOARD = Path("leaderboard")

_HEADLINE = ("l1", "correlation", "arch_f1", "arch_accuracy", "loss_f1", "loss_accuracy")


def submit(
    file: PredictionArgument,
    name: Annotated[str, typer.Option(help="Name of the submission: letters, digits, - and _.")],
    authors: Annotated[
        list[str],
        typer.Option(metavar="NAMES", help="Who made it, separated by commas; may be repeated."),
    ],
    training_data: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="What it learned from: `labels` alone, the training GMs of the `benchmark`, "
            "or `extra`: more.",
        ),
    ],
    url: Annotated[
        str | None,
        typer.Option(help="Page of the method or of its makers; needed without --recipe."),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Name on the board.", show_default="the name")
    ] = None,
    paper: Annotated[str | None, typer.Option(metavar="URL", help="Address of a paper.")] = None,
    code: Annotated[str | None, typer.Option(metavar="URL", help="Address of the code.")] = None,
    model: Annotated[str | None, typer.Option(metavar="URL", help="Address of the model.")] = None,
    licence: Annotated[
        str | None, typer.Option("--license", help="Licence of code or model.")
    ] = None,
    training_details: Annotated[str, typer.Option(help="What exactly it was trained on.")] = "",
    params: Annotated[int | None, typer.Option(help="Number of trained weights.")] = None,
    training_hours: Annotated[
        float | None, typer.Option(help="Hours that training took, all folds together.")
    ] = None,
    seconds_per_image: Annotated[
        float | None, typer.Option(help="Seconds that one image takes.")
    ] = None,
    hardware: Annotated[str, typer.Option(help="What the times were measured on.")] = "",
    recipe: Annotated[
        str | None, typer.Option(help="Baseline whose training makes these predictions again.")
    ] = None,
    recipe_preset: Annotated[str, typer.Option(help="Preset that it was trained with.")] = "",
    recipe_seed: Annotated[int, typer.Option(help="Seed of that training.")] = 0,
    recipe_commit: Annotated[str, typer.Option(help="Commit of gmbench it was made with.")] = "",
    seed_of: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Submission of the same method's first seed; they share a row."
        ),
    ] = None,
    notes: Annotated[str, typer.Option(help="Anything else a reader should know.")] = "",
    date: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Day; default today.")
    ] = None,
    benchmark: BenchmarkOption = None,
    sets: SetsOption = None,
    labels: LabelsOption = "2023",
    board: BoardOption = BOARD,
    replace: Annotated[
        bool,
        typer.Option("--replace", "--overwrite", help="Replace the submission of that name."),
    ] = False,
    hub: Annotated[
        str | None,
        typer.Option(
            metavar="USER/MODEL",
            help="Also propose the scores to this model on the Hugging Face Hub.",
        ),
    ] = None,
    hub_dataset: Annotated[
        str | None,
        typer.Option(metavar="ORG/NAME", help="The benchmark's dataset there; needed with --hub."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check and score predictions, and put them on the leaderboard with a card.

    When anything fails, every file is as it was.

    Example: `gmbench submit predictions.parquet --name my_method --authors "A. Author"
    --url https://example.org --training-data benchmark`
    """
    from gmbench.board.board import Board
    from gmbench.board.submission import submit as put

    facts: dict[str, Any] = {
        "name": name,
        "title": title or name,
        "authors": [one.strip() for entry in authors for one in entry.split(",") if one.strip()],
        "url": url,
        "date": _day(date),
        "training_data": training_data,
        "training_details": training_details,
        "paper": paper,
        "code": code,
        "model": model,
        "license": licence,
        "params": params,
        "training_hours": training_hours,
        "seconds_per_image": seconds_per_image,
        "hardware": hardware,
        "notes": notes,
        "recipe": recipe,
        "recipe_preset": recipe_preset,
        "recipe_seed": recipe_seed,
        "recipe_commit": recipe_commit,
        "seed_of": seed_of,
    }
    opened: list[PullRequest] = []
    made = put(
        file,
        facts,
        board=Board(board),
        benchmark=chosen_benchmark(benchmark, labels, sets),
        replace=replace,
        then=_proposal(hub, hub_dataset, opened),
    )
    steps = _next_steps(made, board)
    if opened:
        steps.append(f"merge {opened[0].url}, which adds the scores to {opened[0].repository}.")
    if as_json:
        request = opened[0].to_dict() if opened else None
        output.show_json({**made.to_dict(), "pull_request": request, "next": steps})
    else:
        _show(made, steps)


def _proposal(
    hub: str | None, dataset: str | None, opened: list[PullRequest]
) -> Callable[[Submission], None] | None:
    """Returns a function that opens the pull request once all files are in place, if requested."""
    if hub is None:
        if dataset is not None:
            raise HubError(
                "--hub-dataset names the dataset whose leaderboard scores are for; it says nothing "
                "without --hub USER/MODEL, the model that they are proposed to. Give both or none."
            )
        return None
    if dataset is None:
        raise HubError(
            "--hub needs --hub-dataset ORG/NAME, the dataset whose leaderboard the scores are for: "
            "the one that `gmbench data push` wrote to."
        )
    repository, benchmark = hub, dataset

    def propose(made: Submission) -> None:
        from gmbench.board.pull_request import open_pull_request

        opened.append(open_pull_request(repository, benchmark, made.card, made.result))

    return propose


def _day(text: str | None) -> Any:
    """Returns a date, or the text itself if it is not a date, which the card's check reports."""
    if text is None:
        return datetime.datetime.now(datetime.UTC).date()
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return text


def on_board(board: Path) -> str:
    """Returns the option that selects a board in a suggested command; empty for the default."""
    return "" if board == BOARD else f" --board {shlex.quote(str(board))}"


def _next_steps(made: Submission, board: Path) -> list[str]:
    places = sorted({str(path.parent) for path in made.files})
    return [
        f"gmbench leaderboard verify {made.card.name}{on_board(board)}",
        f"gmbench leaderboard serve{on_board(board)}",
        f"git add {shlex.join(places)}",
        f'git commit -m "Leaderboard: {made.card.name}"',
        "push the branch and open a pull request; its checks verify every figure again.",
    ]


def _show(made: Submission, steps: list[str]) -> None:
    summary = made.result["summary"]
    rows = []
    for metric in _HEADLINE:
        one = summary[metric]
        rows.append([metric, output.number(one["mean"]), output.interval(one["ci"])])
    title = f"{made.card.title}: {made.result['benchmark']} {made.result['version']}"
    output.show(output.table(["metric", "mean", "95% interval"], rows, title=title))
    output.show_plain("\n".join([f"Written to {made.folder}. Next:", *(f"  {s}" for s in steps)]))
