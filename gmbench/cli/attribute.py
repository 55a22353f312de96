"""`gmbench attribute`: which of these GMs made an image?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gmbench.cli import output
from gmbench.cli.options import (
    DEFAULT,
    BenchmarkOption,
    ChangesOption,
    DeviceOption,
    JsonOption,
    PresetOption,
    RunsOption,
    SeedOption,
    loaded_benchmark,
    refuse_unused,
)
from gmbench.cli.training import run_options
from gmbench.errors import require_known


def attribute(
    context: typer.Context,
    benchmark: BenchmarkOption = DEFAULT,
    content: Annotated[
        str,
        typer.Option(
            "--content", metavar="NAME", help="faces or photos: four GMs of it; all: every GM."
        ),
    ] = "faces",
    gm: Annotated[
        list[str] | None,
        typer.Option("--gm", metavar="NAME", help="Other GMs; repeat, or all for every one."),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir", metavar="DIR", help="Images of your own: one folder for each class."
        ),
    ] = None,
    real: Annotated[
        str,
        typer.Option("--real", metavar="NAME", help="Which of these folders holds real images."),
    ] = "real",
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            metavar="NAME",
            help="knn, eigenface, prnu, gan_fingerprint or fingerprint; repeat. Default all.",
        ),
    ] = None,
    folds: Annotated[
        int, typer.Option(min=1, max=4, help="How many of the four parts of the images to test.")
    ] = 4,
    preset: PresetOption = "small",
    change: ChangesOption = None,
    device: DeviceOption = "auto",
    runs: RunsOption = Path("runs"),
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Tell which GM of a closed set made an image, or that it is real; beside four baselines.

    Example: `gmbench attribute --content faces --method prnu --method fingerprint`
    """
    from gmbench.applications import attribution
    from gmbench.applications.attribution_data import folder_classes
    from gmbench.applications.attribution_methods import METHODS
    from gmbench.benchmark.benchmark import dataset_folder
    from gmbench.training.recipes import require_folder

    if data_dir:
        refuse_unused(context, "with --data-dir", "benchmark", "content", "gm")
    else:
        refuse_unused(context, "without --data-dir", "real")
        if gm:
            refuse_unused(context, "with --gm", "content")
    require_known("Method", METHODS, *(method or ()))
    known = loaded_benchmark(benchmark)
    options = run_options(known, preset, change, None, device, runs, seed)
    with output.counting(goes_on=True) as progress:
        if data_dir:
            view = attribution.attribution_view(options)
            data = folder_classes(data_dir, view, real)
        else:
            folder = require_folder("attribute", dataset_folder(benchmark or DEFAULT))
            data = attribution.read_classes(known, folder, gm or (), content, options, progress)
        found = attribution.attribute(data, options, method or tuple(METHODS), folds, progress)
    for note in found.notes:
        output.note(f"note: {note}")
    if as_json:
        output.show_json(found.to_dict())
        return
    rows = [
        [
            name,
            *output.estimated(one.accuracy),
            *output.estimated(one.less_ours, signed=True),
            *(output.number(attribution.TABLE_12[name].get(c)) for c in ("CelebA", "LSUN")),
        ]
        for name, one in found.methods.items()
    ]
    headings = ["method", "accuracy", "95% interval", "less fingerprint", "95% interval"]
    headings += ["CelebA", "LSUN"]
    title = f"{found.data}: {len(found.classes)} classes, preset {found.preset}"
    output.show(output.table(headings, rows, title=title))
    output.show_plain(
        f"{found.n_images:,} test images in {found.folds[0]} of {found.folds[1]} folds; accuracy: "
        f"mean over the classes, chance {found.chance:.3f}. CelebA, LSUN: the paper's Table 12."
    )
