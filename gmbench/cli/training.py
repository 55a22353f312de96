"""`gmbench train`: train one network on one set."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.expecting import expect
from gmbench.cli.options import (
    DEFAULT,
    BenchmarkOption,
    ChangesOption,
    DeviceOption,
    ExtraOption,
    JsonOption,
    PresetOption,
    RunsOption,
    SeedOption,
    SetOption,
    refuse_unused,
    repeated,
)

if TYPE_CHECKING:
    from gmbench.benchmark.benchmark import Benchmark
    from gmbench.training.options import RunOptions

KNOWN_GMS = "known_gms"


def run_options(
    benchmark: Benchmark,
    preset: str,
    change: list[str] | None,
    extra: list[Path] | None,
    device: str,
    runs: Path,
    seed: int,
) -> RunOptions:
    """Returns the parsed options of a command that trains."""
    from gmbench.benchmark.extra import read_extra
    from gmbench.training.config import parse_changes
    from gmbench.training.options import RunOptions

    return RunOptions(
        preset=preset,
        changes=parse_changes(change or ()),
        seed=seed,
        device=device,
        runs=runs / benchmark.name,
        extra=read_extra(benchmark, extra or ()),
    )


def train(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the baseline.")],
    benchmark: BenchmarkOption = DEFAULT,
    set_name: SetOption = "set_1",
    preset: PresetOption = "small",
    change: ChangesOption = None,
    extra: ExtraOption = None,
    real: Annotated[
        Path | None,
        typer.Option("--real", metavar="DIR", help="Further real images, for `known_gms`."),
    ] = None,
    copies: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=9,
            help="Copies of each image that `known_gms` learns from too: blurred, smaller, saved "
            "as JPEG. [default: 2]",
        ),
    ] = None,
    device: DeviceOption = "auto",
    runs: RunsOption = Path("runs"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the `known_gms` that is there already.")
    ] = False,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Train a baseline's network on the training GMs of one set.

    An interrupted training goes on where it was, and ends as if it had not been interrupted.
    `accelerate launch` and `torchrun` spread it over GPUs and machines: docs/training.md.

    `known_gms` is no baseline but the parser of docs/parser.md: it is trained on all GMs, those of
    --extra too, and says how right it is about GMs left out.

    Example: `gmbench train full --data gm-parsing --set set_1`
    """
    from gmbench.training.launched import is_first, require_one_process

    if name == KNOWN_GMS:
        require_one_process(f"gmbench train {name}")
        refuse_unused(context, f"on {name}", "set_name", "preset", "change", "device")
        _train_known_gms(benchmark or DEFAULT, extra, real, copies, runs, overwrite, seed, as_json)
        return
    refuse_unused(context, f"on {name}, which goes on where it was", "real", "copies", "overwrite")
    from gmbench.benchmark.benchmark import dataset_folder, load_benchmark
    from gmbench.training.expected import expected_time
    from gmbench.training.folds import MODEL, TrainingJob, read_images, run_fold
    from gmbench.training.recipes import find_recipe, require_folder, require_training

    chosen = benchmark or DEFAULT
    known = load_benchmark(chosen)
    known.test_gms(set_name)
    recipe = find_recipe(name)
    require_training(recipe)
    options = run_options(known, preset, change, extra, device, runs, seed)
    folder = require_folder(name, dataset_folder(chosen))
    job = TrainingJob(recipe, known, folder, **vars(options))
    expected = expected_time([recipe], known, options, set_name=set_name)
    if expected is not None and is_first():
        basis = f"as on {expected.machine}, less what is trained already"
        expect(f"{name} for {set_name}", expected.seconds, basis)
    with output.counting(goes_on=True) as progress:
        fold = run_fold(job, set_name, read_images(job, progress), progress)
    if not is_first():
        return
    place = job.place(set_name)
    last = fold.run.log[-1]
    if as_json:
        output.show_json(
            {
                "folder": str(place),
                "seconds": fold.run.seconds,
                "resumed_at": fold.run.resumed_at,
                "log": list(fold.run.log),
            }
        )
        return
    terms = [key for key in last if key not in ("epoch", "step", "seconds", "learning_rate")]
    rows = [[name, f"{last[name]:.4f}"] for name in terms]
    output.show(output.table([f"epoch {last['epoch']}", "mean"], rows))
    if fold.run.resumed_at:
        output.note(f"taken up again after epoch {fold.run.resumed_at}.")
    output.note(f"{place}: trained in {fold.run.seconds:,.0f} s.")
    where = place if job.config.members == 1 else f"{place}/member_0"
    model = shlex.quote(f"{where}/{MODEL}")
    output.note(f"next: gmbench predict {model} --set {set_name}{repeated(benchmark)}")


def _train_known_gms(
    chosen: str,
    extra: list[Path] | None,
    real: Path | None,
    copies: int | None,
    runs: Path,
    overwrite: bool,
    seed: int,
    as_json: bool,
) -> None:
    from gmbench.benchmark.benchmark import dataset_folder, load_benchmark
    from gmbench.benchmark.extra import read_extra
    from gmbench.files import refuse_existing
    from gmbench.parsing.expected_training import expected_training
    from gmbench.parsing.files import image_files
    from gmbench.parsing.train import COPIES, LEVELS, METRICS, train_known_gms
    from gmbench.training.recipes import require_folder

    known = load_benchmark(chosen)
    folder = require_folder(KNOWN_GMS, dataset_folder(chosen))
    out = runs / known.name / KNOWN_GMS / f"seed_{seed}" / "model"
    refuse_existing(out, overwrite=overwrite, option="--runs")
    others = read_extra(known, extra or ())
    files = image_files([real]) if real is not None else ()
    n_copies = COPIES if copies is None else copies
    seconds = expected_training(known, folder, others, files, n_copies, seed)
    expect(KNOWN_GMS, seconds, "as some of its images go")
    with output.counting() as progress:
        accuracy = train_known_gms(
            known,
            folder,
            out,
            others,
            files,
            copies=n_copies,
            seed=seed,
            progress=progress,
        )
    if as_json:
        output.show_json({"folder": str(out), "accuracy": accuracy})
        return
    rows = [
        [f"{domain}: {title}", *(f"{found[level][metric][0]:.3f}" for metric in METRICS)]
        for domain, found in accuracy.items()
        if domain != "real_or_made"
        for level, title in LEVELS.items()
    ]
    output.show(output.table(["unseen models", *METRICS.values()], rows))
    output.note(f"{out}: trained. Next: gmbench parse IMAGE... --model {shlex.quote(str(out))}")
