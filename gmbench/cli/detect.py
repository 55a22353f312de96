"""`gmbench detect`: can networks tell generated images from real ones?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import (
    DEFAULT,
    BenchmarkOption,
    ChangesOption,
    DeviceOption,
    JsonOption,
    OnlySetsOption,
    ParserOption,
    PresetOption,
    RunsOption,
    SeedOption,
    loaded_benchmark,
    only_sets,
    refuse_unused,
)
from gmbench.cli.training import run_options
from gmbench.errors import BenchmarkError, require_known

if TYPE_CHECKING:
    from gmbench.applications.detection import Detection
    from gmbench.progress import Progress
    from gmbench.training.options import RunOptions


def detect(
    context: typer.Context,
    benchmark: BenchmarkOption = DEFAULT,
    content: Annotated[
        str,
        typer.Option("--content", metavar="NAME|all", help="What the images show, such as faces."),
    ] = "faces",
    data_dir: Annotated[
        list[Path] | None,
        typer.Option(
            "--data-dir",
            metavar="DIR",
            help="Train on videos or images of your own, in place of a benchmark: Celeb-DF, "
            "FaceForensics++, UADFV, DFFD, or a folder with real/ and fake/; repeat.",
        ),
    ] = None,
    test_dir: Annotated[
        Path | None,
        typer.Option(
            "--test-dir", metavar="DIR", help="Test on the videos or images of another folder."
        ),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames taken from each video.")] = 10,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            "--variant",
            metavar="NAME",
            help="fingerprint, image_fingerprint, image_fingerprint_phase or model_parsing; "
            "repeat. Default all; model_parsing of your own data needs --parser.",
        ),
    ] = None,
    only: OnlySetsOption = None,
    parser: ParserOption = None,
    preset: PresetOption = "small",
    change: ChangesOption = None,
    device: DeviceOption = "auto",
    runs: RunsOption = Path("runs"),
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Train detectors of generated images and test them on unseen GMs, persons or videos.

    Example: `gmbench detect --variant fingerprint`
    """
    if data_dir:
        refuse_unused(context, "with --data-dir", "benchmark", "content", "only")
        if len(parser or ()) > 1:
            raise BenchmarkError("With --data-dir there is one test, which takes one --parser.")
    else:
        refuse_unused(context, "without --data-dir", "test_dir", "frames")
    if variant and "model_parsing" not in variant:
        refuse_unused(context, "without --variant model_parsing", "parser")
    known = loaded_benchmark(benchmark)
    options = run_options(known, preset, change, None, device, runs, seed)
    with output.counting(goes_on=True) as progress:
        if data_dir:
            found = _on_clips(data_dir, test_dir, frames, variant, parser, options, progress)
        else:
            wanted = None if content == "all" else content
            found = _on_benchmark(
                benchmark or DEFAULT, wanted, only, variant, parser, options, progress
            )
    for note in found.notes:
        output.note(f"note: {note}")
    if as_json:
        output.show_json(found.to_dict())
        return
    from gmbench.applications.detection import TABLE_11

    rows = [
        [
            name,
            *output.estimated(one.auc),
            *output.estimated(one.gain, signed=True),
            output.number(TABLE_11.get(name)),
        ]
        for name, one in found.detectors.items()
    ]
    headings = ["detector", "AUC", "95% interval", "gain", "95% interval", "in the paper"]
    output.show(output.table(headings, rows, title=f"{found.data}, preset {found.preset}"))
    output.show_plain(
        f"{found.n_images:,} test images of {found.n_fake} fake and {found.n_real} real sources; "
        "intervals draw sources. Chance is 0.5; gain: over one_number, the best of colour,\n"
        "sharpness and contrast. In the paper: trained on FF++, tested on Celeb-DF."
    )


def _on_benchmark(
    name: str,
    content: str | None,
    only: list[str] | None,
    variants: list[str] | None,
    parsers: list[Path] | None,
    options: RunOptions,
    progress: Progress,
) -> Detection:
    from gmbench.applications.detection import VARIANTS, detect, read_folds
    from gmbench.applications.parsers import given_or_trained
    from gmbench.benchmark.benchmark import dataset_folder
    from gmbench.training.recipes import require_folder

    chosen = variants or list(VARIANTS)
    require_known("Variant", VARIANTS, *chosen)
    known = loaded_benchmark(name)
    folder = require_folder("detect", dataset_folder(name))
    wanted = only_sets(known, only).sets
    folds, notes = read_folds(known, folder, content, options, progress)
    folds = [fold for fold in folds if fold.name in wanted]
    if not folds:
        raise BenchmarkError(
            f"No GM of {content or 'a content with real images'} is in {', '.join(wanted)}, which "
            "are to be tested. Give another --set or --content."
        )
    given = None
    if "model_parsing" in chosen:
        sets = [fold.name for fold in folds]
        given = given_or_trained(known, folder, parsers or (), sets, options, progress)
    return detect(folds, content or "all", options, chosen, given, notes, progress)


def _on_clips(
    train: list[Path],
    test: Path | None,
    frames: int,
    variants: list[str] | None,
    parsers: list[Path] | None,
    options: RunOptions,
    progress: Progress,
) -> Detection:
    from gmbench.applications.clips import clip_fold
    from gmbench.applications.detection import VARIANTS, detect, detection_view
    from gmbench.applications.parsers import Fingerprints
    from gmbench.data.deepfakes import read_collection
    from gmbench.training.checkpoint import load_checkpoint

    # Fail before hours of decoding rather than after them.
    start = Fingerprints.of(load_checkpoint(parsers[0]), chosen=True) if parsers else None
    chosen = variants or [one for one in VARIANTS if start or one != "model_parsing"]
    require_known("Variant", VARIANTS, *chosen)
    if "model_parsing" in chosen and start is None:
        raise BenchmarkError(
            "model_parsing begins with a trained parser. Give one with --parser, or other variants "
            "with --variant."
        )
    made = clip_fold(
        [read_collection(one) for one in train],
        read_collection(test) if test else None,
        detection_view(options),
        frames=frames,
        seed=options.seed,
        progress=progress,
    )
    name = made.fold.name
    given = {name: start} if start else {}
    return detect([made.fold], name, options, chosen, given, made.notes, progress)
