"""`gmbench template` and `gmbench validate`: preparing an evaluation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import (
    DEFAULT,
    BenchmarkOption,
    JsonOption,
    LabelsOption,
    MinImagesOption,
    OverwriteOption,
    PartialOption,
    PredictionArgument,
    SetsOption,
    chosen_benchmark,
    loaded_benchmark,
)
from gmbench.errors import GmbenchError
from gmbench.wording import plural

if TYPE_CHECKING:
    from gmbench.benchmark.benchmark import Benchmark
    from gmbench.predictions.checks import Checklist


def template(
    benchmark: BenchmarkOption = DEFAULT,
    sets: SetsOption = None,
    set_name: Annotated[
        str | None, typer.Option("--set", metavar="SET", help="One set; default all.")
    ] = None,
    probabilities: Annotated[
        bool,
        typer.Option("--probabilities", help="Probabilities of classes in place of the classes."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="CSV or CSV.gz; default standard output."),
    ] = None,
    overwrite: OverwriteOption = False,
    labels: Annotated[
        bool, typer.Option("--labels", help="A table of labels instead, for GMs of your own.")
    ] = False,
) -> None:
    """Write an empty prediction file: every image_id, all values to be filled in.

    With `--labels` it is a table for `gmbench data build --gms`, with one row as an example.

    Example: `gmbench template --set set_1 -o predictions.csv`
    """
    from gmbench.benchmark.label_table import example_table
    from gmbench.files import refuse_existing
    from gmbench.predictions.template import template as make_template
    from gmbench.predictions.writing import write_template

    if out is not None:
        refuse_existing(out, overwrite=overwrite)
    if labels:
        if benchmark != DEFAULT or sets or set_name or probabilities:
            raise GmbenchError(
                "--labels is a table of labels of your own GMs, whatever the benchmark. Leave "
                "--benchmark, --sets, --set and --probabilities out, or leave out --labels."
            )
        text = example_table()
    else:
        known = loaded_benchmark(benchmark, sets=sets)
        text = make_template(known, set_name, probabilities=probabilities)
    if out is None:
        sys.stdout.write(text)
        return
    write_template(text, out)
    rows = plural(text.count("\n") - 1, "row")
    output.note(f"{out}: a row as an example." if labels else f"{out}: {rows} to fill in.")


def validate(
    file: PredictionArgument,
    benchmark: BenchmarkOption = None,
    sets: SetsOption = None,
    partial: PartialOption = False,
    min_images: MinImagesOption = None,
    labels: LabelsOption = "2023",
    for_submission: Annotated[
        bool, typer.Option("--for-submission", help="Make every check of `gmbench submit`.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a prediction file: a list of named checks; exit code 1 where one failed.

    Example: `gmbench validate predictions.csv`
    """
    chosen = chosen_benchmark(benchmark, labels, sets)
    if for_submission:
        checklist = _checked_for_submission(file, chosen, partial or min_images is not None)
    else:
        from gmbench.predictions.predictions import validate_predictions

        checklist = validate_predictions(
            file, chosen, partial=partial, min_images=min_images
        ).checklist
    output.show_checklist(checklist, as_json=as_json)


def _checked_for_submission(
    file: Path, benchmark: str | Path | Benchmark | None, lenient: bool
) -> Checklist:
    from gmbench.board.submittable import read_submitted
    from gmbench.predictions.checks import Checklist

    if lenient:
        raise GmbenchError(
            "A submission has every set, whole. Leave --partial and --min-images out, or leave "
            "out --for-submission."
        )
    checklist = Checklist(str(file))
    read_submitted(file, benchmark, checklist)
    return checklist
