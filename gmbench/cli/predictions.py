"""`gmbench template` and `gmbench validate`: before an evaluation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import (
    DEFAULT,
    BenchmarkOption,
    JsonOption,
    LabelsOption,
    MinImagesOption,
    PartialOption,
    PredictionArgument,
    SetsOption,
    chosen_benchmark,
    loaded_benchmark,
)


def template(
    benchmark: BenchmarkOption = DEFAULT,
    sets: SetsOption = None,
    set_name: Annotated[
        str | None, typer.Option("--set", metavar="SET", help="One set; default all.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Default: standard output.")
    ] = None,
) -> None:
    """Write an empty prediction file: every image_id, all values to be filled in.

    Example: `gmbench template --set set_1 -o predictions.csv`
    """
    from gmbench.files import write_whole
    from gmbench.predictions.predictions import template as make_template

    text = make_template(loaded_benchmark(benchmark, sets=sets), set_name)
    if out is None:
        sys.stdout.write(text)
        return
    write_whole(out, text)
    output.note(f"{out}: {text.count(chr(10)) - 1:,} rows to fill in.")


def validate(
    file: PredictionArgument,
    benchmark: BenchmarkOption = None,
    sets: SetsOption = None,
    partial: PartialOption = False,
    min_images: MinImagesOption = None,
    labels: LabelsOption = "2023",
    as_json: JsonOption = False,
) -> None:
    """Check a prediction file: a list of named checks; exit code 1 where one is not ok.

    Example: `gmbench validate predictions.csv`
    """
    from gmbench.predictions.predictions import validate_predictions

    made = validate_predictions(
        file, chosen_benchmark(benchmark, labels, sets), partial=partial, min_images=min_images
    )
    output.show_checklist(made.checklist, as_json=as_json)
