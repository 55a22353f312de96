"""`gmbench figure`: the paper's figures, drawn from any results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gmbench.cli import output
from gmbench.cli.options import (
    BenchmarkOption,
    DeviceOption,
    OverwriteOption,
    SeedOption,
    SetsOption,
    chosen_benchmark,
    loaded_benchmark,
    refuse_unused,
)
from gmbench.errors import UnknownNameError, first_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gmbench.predictions.predictions import Predictions

FIGURES = {
    "3": "t-SNE of the labels; takes --data alone",
    "6": "l1 and F1 of each architecture parameter; takes prediction files",
    "7": "F1 of each loss and group of losses; takes prediction files",
    "8": "l1 against classes and losses right, a point a GM; takes a prediction file",
    "9": "confusion matrices; takes prediction files",
    "10": "fingerprints and spectra; takes --checkpoint and --data",
    "11": "cosine of the fingerprints of every two GMs; takes --checkpoint and --data",
    "12": "wrong pairs of the coordinated attack; takes what `gmbench attack -o` wrote",
}
"""Figures by number in the paper: what each shows and takes."""

_SAID = {
    "3": "--data gm-parsing",
    "6": "full.parquet one_parser.parquet",
    "7": "full.parquet one_parser.parquet",
    "8": "full.parquet",
    "9": "plain_ce.parquet full.parquet",
    "10": "--checkpoint MODEL --data gm-parsing",
    "11": "--checkpoint MODEL --data gm-parsing",
    "12": "attack.json",
}
"""Example arguments of each figure, for messages."""


_OPTIONS = {
    "3": ("benchmark", "seed"),
    **dict.fromkeys(("6", "7", "8"), ("benchmark", "sets")),
    "9": ("benchmark", "sets", "parameter"),
    "10": ("benchmark", "checkpoint", "gm", "n_images", "device"),
    "11": ("benchmark", "checkpoint", "gm", "n_images", "device", "seed"),
    "12": (),
}
"""Parameters that each figure depends on."""


def figure(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="3, or 6 to 12.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Predictions; for 12 the result of an attack."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="A .png, .svg or .pdf file; default figNAME.png."
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    benchmark: BenchmarkOption = None,
    sets: SetsOption = None,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", metavar="MODEL", help="Folder of a model, or Hub name."),
    ] = None,
    gm: Annotated[
        list[str] | None,
        typer.Option("--gm", metavar="NAME", help="Draw this GM (10, 11); repeat. Default all."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", metavar="NAME", help="Draw this parameter (9); repeat."),
    ] = None,
    n_images: Annotated[
        int, typer.Option("--images", min=1, help="Images of each GM (10, 11).")
    ] = 25,
    device: DeviceOption = "auto",
    seed: SeedOption = 0,
) -> None:
    """Draw a figure of the paper: 3 and 6 to 12.

    **3** the labels; **6**, **7** each parameter; **8** each GM; **9** confusion matrices: of
    prediction files, which are called by their names. **10**, **11** fingerprints: of a checkpoint.
    **12** the coordinated attack: of what `gmbench attack -o` wrote.

    Example: `gmbench figure 6 full.parquet one_parser.parquet -o fig6.pdf`
    """
    from gmbench import figures
    from gmbench.figures.style import ENDINGS
    from gmbench.files import check_ending, refuse_existing

    number = name.lower().removeprefix("fig").removeprefix("ure").strip("._ ")
    if number not in FIGURES:
        raise UnknownNameError(
            "Figure", name, FIGURES, f"There are: {', '.join(FIGURES)} of the paper."
        )
    path = out or Path(f"fig{number}.png")
    check_ending(path, *ENDINGS)
    refuse_existing(path, overwrite=overwrite)
    given = files or []
    _check_inputs(number, given, checkpoint)
    unused = {name for names in _OPTIONS.values() for name in names} - set(_OPTIONS[number])
    refuse_unused(context, f"on figure {number}", *unused)
    drawn: Figure
    if number == "3":
        drawn = figures.label_map(loaded_benchmark(benchmark), seed)
    elif checkpoint is not None:
        drawn = _of_checkpoint(number, checkpoint, benchmark, gm, n_images, device, seed)
    elif number == "12":
        drawn = figures.attack_categories(_attack_result(given[0]))
    else:
        drawn = _of_predictions(number, _read(given, benchmark, sets), parameter)
    figures.save_figure(drawn, path)
    output.note(f"{path}: figure {number}.")


def _check_inputs(number: str, files: list[Path], checkpoint: str | None) -> None:
    from gmbench.figures.style import FigureError

    most = {"3": 0, "8": 1, "10": 0, "11": 0, "12": 1}.get(number)
    few, many = (
        number not in ("3", "10", "11") and not files,
        most is not None and len(files) > most,
    )
    if few or many or (number in ("10", "11")) != (checkpoint is not None):
        shows, takes = FIGURES[number].split("; ")
        raise FigureError(
            f"Figure {number}, {shows}, {takes}. Say `gmbench figure {number} {_SAID[number]}`."
        )


def _read(files: list[Path], benchmark: str | None, sets: str | None) -> dict[str, Predictions]:
    """Returns predictions by the names of their files."""
    from gmbench.evaluation.comparison import method_names
    from gmbench.figures.style import FigureError
    from gmbench.predictions.predictions import read_predictions

    chosen = chosen_benchmark(benchmark, "2023", sets)
    names = method_names(list(map(str, files)))
    read = {
        name: read_predictions(path, chosen, partial=True)
        for name, path in zip(names, files, strict=True)
    }
    first, *others = read.values()
    for other in others:
        if not other.benchmark.is_same_as(first.benchmark):
            raise FigureError(
                f"{other.source} predicts {other.benchmark.told}, {first.source} "
                f"{first.benchmark.told}. Give predictions of one benchmark."
            )
    return read


def _of_predictions(
    number: str, predictions: dict[str, Predictions], parameters: list[str] | None
) -> Figure:
    from gmbench import figures

    if number == "8":
        (one,) = predictions.values()
        return figures.gm_scores(one)
    if number == "9":
        return figures.confusion_matrices(
            predictions, *([parameters] if parameters is not None else [])
        )
    draw = figures.architecture_scores if number == "6" else figures.loss_scores
    return draw(predictions)


def _of_checkpoint(
    number: str,
    checkpoint: str,
    benchmark: str | None,
    gms: list[str] | None,
    n_images: int,
    device: str,
    seed: int,
) -> Figure:
    from gmbench import figures
    from gmbench.benchmark.benchmark import dataset_folder
    from gmbench.cli.options import DEFAULT
    from gmbench.training.checkpoint import load_checkpoint
    from gmbench.training.fingerprints import gm_fingerprints
    from gmbench.training.recipes import require_folder

    known = loaded_benchmark(benchmark)
    folder = require_folder(f"figure {number}", dataset_folder(benchmark or DEFAULT))
    present = [one.name for one, n in zip(known.gms, known.n_images, strict=True) if n]
    wanted = [known.gm(name).name for name in gms] if gms else present
    with output.counting() as progress:
        found = gm_fingerprints(
            load_checkpoint(checkpoint), folder, wanted, n_images, device, progress
        )
    if number == "10":
        return figures.fingerprint_spectra(found)
    return figures.fingerprint_similarity(known, found, seed)


def _attack_result(path: Path) -> Any:
    from gmbench.applications.attack_result import AttackResult
    from gmbench.figures.style import FigureError
    from gmbench.files import parse_json

    try:
        return AttackResult.from_dict(parse_json(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else first_line(error)
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        raise FigureError(
            f"{path} is no result of an attack ({reason}). `gmbench attack PREDICTIONS -o "
            "attack.json` makes one."
        ) from error
