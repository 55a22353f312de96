"""`gmbench data`: build and check datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import DEFAULT, BenchmarkOption, JsonOption
from gmbench.errors import BenchmarkError
from gmbench.wording import plural

if TYPE_CHECKING:
    from gmbench.benchmark.benchmark import Benchmark
    from gmbench.data.inspection import Inspection

data_app = typer.Typer(
    name="data",
    help="Build the dataset from images, check it, fetch its images, share it.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, metavar="N", help="Processes; default all cores."),
]


@data_app.command()
def build(
    benchmark: BenchmarkOption = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            "-i",
            metavar="DIR|FILE",
            help="Folder, ZIP or TAR with a folder of images for each GM, at any depth.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="The dataset folder to make.")
    ] = Path("gm-parsing"),
    gms: Annotated[
        Path | None,
        typer.Option(
            "--gms",
            metavar="FILE.csv|NAME",
            help="Labels of GMs of your own; `gmbench template --labels` writes an example. Or a "
            "benchmark's name.",
        ),
    ] = None,
    merged: Annotated[
        str | None,
        typer.Option("--with", metavar="NAME|DIR", help="With --gms: this dataset's GMs too."),
    ] = None,
    sets: Annotated[
        Path | None,
        typer.Option("--sets", metavar="DIR", help="With --gms: a file of GM names for each set."),
    ] = None,
    draw_sets: Annotated[
        bool, typer.Option("--draw-sets", help="With --gms: draw test sets like the paper's.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Build although images are missing or corrupt.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a dataset that is there already.")
    ] = False,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build a Hugging Face dataset folder: mini116, or a benchmark from its images.

    Without options it is mini116, which comes with the package. `--images` builds red116, or
    the benchmark that is given. Image bytes stay as they are. GM folders are found by name; what is
    missing, surplus, empty, corrupt, duplicate or unknown is reported. An interrupted build goes on
    where it was.

    With `--gms` it is a benchmark of GMs of your own, named after the table (docs/own-gms.md);
    `--with mini116` puts them beside those of mini116.

    Example: `gmbench data build --images red116.zip`
    """
    from gmbench.benchmark.benchmark import NAMED, load_benchmark
    from gmbench.data.build import build_dataset
    from gmbench.data.inspection import IncompleteSourceError

    if gms is not None and str(gms) in NAMED and not gms.exists():
        if benchmark not in (None, str(gms)):
            raise BenchmarkError(f"Give either --benchmark {benchmark} or --gms {gms}.")
        benchmark, gms = str(gms), None
    if gms is not None:
        wanted = _own_benchmark(benchmark, gms, images, sets, draw_sets, merged)
    elif sets is not None or draw_sets or merged is not None:
        raise BenchmarkError(
            "--sets, --draw-sets and --with are for GMs of your own: give --gms FILE.csv."
        )
    else:
        wanted = load_benchmark(benchmark or (DEFAULT if images is None else "red116"))
    try:
        with output.counting(goes_on=True) as progress:
            result = build_dataset(
                wanted,
                images,
                out,
                merged=merged,
                allow_missing=allow_missing,
                overwrite=overwrite,
                jobs=jobs,
                progress=progress,
            )
    except IncompleteSourceError as error:
        _show_inspection(error.inspection, as_json)
        raise
    _show_inspection(result.inspection, as_json)
    if result.n_resumed:
        finished = plural(result.n_resumed, "GM was", "GMs were")
        output.note(f"{finished} finished by an earlier build.")
    if result.already_built:
        output.note(f"{out} was already built; `gmbench data verify {out}` checks it.")
    else:
        allowed = "" if result.inspection.checklist.ok else ", as --allow-missing says"
        output.note(f"Wrote {result.benchmark} to {out}{allowed}.")


@data_app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The dataset folder.")] = Path(
        "gm-parsing"
    ),
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that a dataset folder is whole and unchanged: structure, checksums, contents.

    Example: `gmbench data verify gm-parsing`
    """
    from gmbench.data.verification import verify_dataset

    with output.counting() as progress:
        checklist = verify_dataset(folder, jobs=jobs, progress=progress)
    output.show_checklist(checklist, as_json=as_json)


def _own_benchmark(
    named: str | None,
    gms: Path,
    images: Path | None,
    sets: Path | None,
    draw_sets: bool,
    merged: str | None,
) -> Benchmark:
    from gmbench.benchmark.benchmark import load_benchmark
    from gmbench.data.own_gms import benchmark_of

    if named is not None:
        raise BenchmarkError("Give --benchmark or --gms, not both: the table is the benchmark.")
    if images is None:
        raise BenchmarkError(f"{gms} has labels alone. Give the images of its GMs with --images.")
    others = load_benchmark(merged) if merged is not None else None
    own = benchmark_of(gms, images, sets=sets, draw_sets=draw_sets, merged=others)
    for warning in own.warnings:
        output.note(warning)
    return own.benchmark


def _show_inspection(inspection: Inspection, as_json: bool) -> None:
    if as_json:
        output.show_json(inspection.to_dict())
        return
    if inspection.decoded:
        kept = f"{plural(inspection.n_gms, 'GM')}, {plural(inspection.n_images, 'image')}"
    else:
        kept = "list of files only, no image was read"
    title = f"{inspection.benchmark} {inspection.version}: {kept}"
    output.show_plain(f"{title}\n{inspection.checklist.text()}")
