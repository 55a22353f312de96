"""`gmbench predict`: predictions of a trained network for a test set or a user's own images."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import (
    DEFAULT,
    BenchmarkOption,
    DeviceOption,
    JsonOption,
    OverwriteOption,
    SetOption,
    refuse_unused,
    repeated,
)
from gmbench.cli.parse_long import (
    EngineOption,
    JobsOption,
    ListOption,
    LongRunOptions,
    PartImagesOption,
    PatienceOption,
    ShardOption,
    parse_long,
    refuse_without_folder,
)
from gmbench.errors import GmbenchError


def predict(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a model, or Hub name.")],
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGE",
            help="In place of a test set: whatever `gmbench parse --out` takes. (--out DIR)",
        ),
    ] = None,
    benchmark: BenchmarkOption = DEFAULT,
    set_name: SetOption = "set_1",
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE|DIR",
            help="CSV, CSV.gz or Parquet; or a folder for Parquet files, in which the same command "
            "goes on where it was.",
        ),
    ] = Path("predictions.parquet"),
    overwrite: OverwriteOption = False,
    device: DeviceOption = LongRunOptions.device,
    as_json: JsonOption = False,
    lists: ListOption = None,
    shard: ShardOption = LongRunOptions.shard,
    jobs: JobsOption = LongRunOptions.jobs,
    engine: EngineOption = LongRunOptions.engine,
    part_images: PartImagesOption = LongRunOptions.part_images,
    patience: PatienceOption = LongRunOptions.patience,
) -> None:
    """Predict the test images of one set with a trained network, or any number of images.

    With `--out DIR` it is a long run, that of `gmbench parse --model MODEL --out DIR`: in Parquet
    files, each whole or not there, on many machines. docs/scaling.md has more.

    Example: `gmbench predict runs/mini116/full/small/seed_0/set_1/model --set set_1`
    """
    run = LongRunOptions(tuple(lists or ()), shard, jobs, engine, part_images, patience, device)
    own = bool(images or lists)
    if own:
        refuse_unused(context, "on images of your own", "benchmark", "set_name")
    if out.is_dir() or not out.suffix or (own and not _is_file_of_predictions(out)):
        if overwrite:
            raise GmbenchError(
                f"--out {out} is a folder, in which nothing is replaced: leave out --overwrite."
            )
        if own:
            parse_long(images or [], model, out, run, as_json=as_json)
        else:
            _predict_in_parts(model, benchmark, set_name, out, run, as_json=as_json)
        return
    if own:
        raise GmbenchError(
            f"Predictions of images of your own are written into a folder, and {out} is a file: "
            "give --out DIR."
        )
    refuse_without_folder(run, LongRunOptions(device=device))
    _predict_at_once(model, benchmark, set_name, out, device, overwrite=overwrite, as_json=as_json)


def _is_file_of_predictions(out: Path) -> bool:
    from gmbench.predictions.writing import ENDINGS

    return out.name.lower().endswith(ENDINGS)


def _predict_at_once(
    model: str,
    benchmark: str | None,
    set_name: str,
    out: Path,
    device: str,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    from gmbench.benchmark.benchmark import dataset_folder, load_benchmark
    from gmbench.files import check_ending, refuse_existing
    from gmbench.parsing.predicting import predict_set
    from gmbench.predictions.writing import ENDINGS, write_predictions
    from gmbench.training.recipes import require_folder

    check_ending(out, *ENDINGS)
    refuse_existing(out, overwrite=overwrite)
    chosen = benchmark or DEFAULT
    known = load_benchmark(chosen)
    folder = require_folder("predict", dataset_folder(chosen))
    with output.counting() as progress:
        predictions, warning = predict_set(model, known, folder, set_name, device, progress)
    write_predictions(predictions, out)
    if as_json:
        output.show_json(
            {"file": str(out), "rows": len(predictions), "warning": warning,
             "predictions_sha256": predictions.sha256}
        )  # fmt: skip
        return
    if warning:
        output.note(f"warning: {warning}")
    output.note(f"{out}: {len(predictions):,} predictions of {set_name} of {known.name}.")
    output.note(f"next: gmbench evaluate {shlex.quote(str(out))}{repeated(benchmark)}")


def _predict_in_parts(
    model: str,
    benchmark: str | None,
    set_name: str,
    out: Path,
    run: LongRunOptions,
    *,
    as_json: bool,
) -> None:
    from gmbench.benchmark.benchmark import dataset_folder, load_benchmark
    from gmbench.parsing.predicting import shards_of_set
    from gmbench.training.recipes import require_folder

    chosen = benchmark or DEFAULT
    folder = require_folder("predict", dataset_folder(chosen))
    shards, warning = shards_of_set(model, load_benchmark(chosen), folder, set_name)
    parse_long(shards, model, out, run, as_json=as_json, more={"warning": warning})
    if as_json:
        return
    if warning:
        output.note(f"warning: {warning}")
    output.note(f"next: gmbench evaluate {shlex.quote(str(out))}{repeated(benchmark)}")
