"""`gmbench zoo`: train a population of generative models and make a benchmark of their images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.expecting import expect
from gmbench.cli.options import JsonOption, SeedOption
from gmbench.errors import DatasetError
from gmbench.wording import plural

if TYPE_CHECKING:
    from gmbench.zoo.build import ZooResult
    from gmbench.zoo.report import ZooReport

_SHOWN = 10
"""Maximum number of entries shown of each list; the JSON holds all."""

zoo_app = typer.Typer(
    name="zoo",
    help="Train small generative models, with measured labels.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@zoo_app.command()
def build(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="The dataset folder to make.")
    ],
    like: Annotated[
        str | None,
        typer.Option(
            metavar="red116|red116-dm|FILE.csv",
            help="Make replicas of the rows of a table of labels; with --gms, new GMs like them.",
        ),
    ] = None,
    gms: Annotated[
        int | None,
        typer.Option(min=0, help="GMs, without those of --diffusion.", show_default="116"),
    ] = None,
    images_per_gm: Annotated[int, typer.Option(min=1, help="Images of each GM.")] = 48,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="32|64",
            help="Side of the images in pixels.",
            show_default="32; with --like each GM's own",
        ),
    ] = None,
    seed: SeedOption = 0,
    diffusion: Annotated[int, typer.Option(min=0, help="Diffusion GMs beside the others.")] = 0,
    diffusion_per_set: Annotated[
        int, typer.Option(min=0, help="Diffusion GMs in each test set.")
    ] = 0,
    content: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What GMs are trained on: digits, faces, photos, textures, letters, icons.",
            show_default="all six",
        ),
    ] = None,
    images_from: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of images to train on; alone, or beside each --content."
        ),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the benchmark.")] = "zoo",
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            help="GMs that are trained at once.",
            show_default="all cores, or what the GPUs or the cluster bear",
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="local|ray", help="Processes of this machine, or a Ray cluster.")
    ] = "local",
    device: Annotated[
        str,
        typer.Option(
            metavar="auto|cpu|cuda",
            help="Where GMs are trained. The bytes of a zoo repeat on a CPU alone, hence the "
            "default; auto takes the GPUs of this machine where there are any.",
        ),
    ] = "cpu",
    per_gpu: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="GMs that share a GPU at most.",
            show_default="4, or what --jobs makes of it",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a dataset that is there already.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train GMs of every kind on real images and write a benchmark of what they make.

    Hyperparameters are drawn, or those of a table; labels are measured off the trained networks,
    and every GM passes a quality gate. An interrupted build goes on GM by GM where it was.

    Example: `gmbench zoo build --like red116 --gms 500 --images-per-gm 24 --out my-zoo`
    """
    from gmbench.zoo.build import build_zoo
    from gmbench.zoo.devices import check_per_gpu, device_for
    from gmbench.zoo.engines import check_engine

    check_engine(engine)
    device = device_for(device, engine)
    check_per_gpu(per_gpu, device)
    if like is None:
        from gmbench.zoo.plan import plan_zoo

        plan = plan_zoo(
            116 if gms is None else gms,
            images_per_gm,
            size=32 if size is None else size,
            seed=seed,
            contents=content or None,
            images_from=images_from,
            n_diffusion=diffusion,
            diffusion_per_set=diffusion_per_set,
            name=name,
        )
    else:
        from gmbench.zoo.like_plan import plan_like

        if content or images_from or diffusion or diffusion_per_set:
            raise DatasetError(
                "--like says what GMs there are and what they are trained on. Leave out --content, "
                "--images-from, --diffusion and --diffusion-per-set."
            )
        plan = plan_like(like, images_per_gm, n_gms=gms, size=size, seed=seed, name=name)
    with output.counting(goes_on=True) as progress:
        result = build_zoo(
            replace(plan, device=device),
            out,
            jobs=jobs,
            engine=engine,
            per_gpu=per_gpu,
            overwrite=overwrite,
            progress=progress,
            expected=lambda found: expect("GMs", found, "as builds of many went"),
        )
    if as_json:
        output.show_json(
            {
                "folder": str(result.folder),
                "n_resumed": result.n_resumed,
                "already_built": result.already_built,
                **result.report.to_dict(),
            }
        )
    else:
        _show(result.report)
    _note(result)


@zoo_app.command("agreement")
def agreement(
    benchmark: Annotated[str, typer.Argument(metavar="DIR", help="A dataset of replicas.")],
    as_json: JsonOption = False,
) -> None:
    """Compare the measured labels of replicas with the published rows they are made after.

    Every cell that differs is listed, with its reason.

    Example: `gmbench zoo agreement mini116`
    """
    from gmbench.benchmark.benchmark import load_benchmark
    from gmbench.zoo.agreement import agreement as compare
    from gmbench.zoo.agreement import value_name

    found = compare(load_benchmark(benchmark).gms)
    if as_json:
        output.show_json(found.to_dict())
        return
    rows = []
    for one in found.differences:
        published, aim, value = (
            value_name(one.parameter, v) for v in (one.published, one.intended, one.measured)
        )
        missed = "" if value == aim else f"{aim} was aimed at. "
        rows.append([one.gm, one.parameter, published, value, missed + one.reason])
    headings = ["GM", "parameter", "published", "measured", "why"]
    output.show(output.table(headings, rows, left=(0, 1, 4), whole=(0, 1), narrow=True), "")
    counts = [[name, f"{count} of {found.n_gms}"] for name, count in found.agree.items()]
    output.show(output.table(["parameter", "agree"], counts, left=(0,)))
    output.show_plain(
        f"The structure and classes that depend neither on width nor on a doubtful column agree in "
        f"{found.aimed_share:.1%} of the cells, losses in {found.loss_share:.1%}."
    )


def _show(report: ZooReport) -> None:
    from rich.text import Text

    def counts(of: dict[str, int]) -> str:
        return ", ".join(f"{count} {name}" for name, count in of.items())

    distance = "-"
    if report.smallest_distance is not None:
        distance = f"{report.smallest_distance:.3f} ({' and '.join(report.nearest)})"
    lines = [
        f"zoo {report.version}: {plural(report.n_gms, 'GM')}, {plural(report.n_images, 'image')}",
        f"kinds: {counts(dict(report.kinds))}",
        f"contents: {counts(dict(report.contents))}",
        f"smallest distance of two label rows: {distance}",
    ]
    output.show(
        Text("\n".join(lines)),
        output.table(
            ["set", "n", "test GMs"],
            [[name, str(len(gms)), ", ".join(gms)] for name, gms in report.sets.items()],
            left=(0, 2),
        ),
        output.table(
            ["parameter", "GMs of each class"],
            [[name, counts(dict(found))] for name, found in report.classes.items()],
            left=(0, 1),
        ),
    )
    _show_list("Classes that fewer than five GMs have", report.rare)
    _show_list("Test sets", report.warnings)
    for heading, found in (
        ("GMs that failed the quality gate and are left out", report.failed),
        ("GMs that were trained again", report.retried),
    ):
        _show_list(heading, [f"{name}: {' | '.join(faults)}" for name, faults in found.items()])


def _show_list(heading: str, entries: list[str] | tuple[str, ...]) -> None:
    from rich.text import Text

    if not entries:
        return
    lines = [f"{heading}: {len(entries)}", *(f"  {entry}" for entry in entries[:_SHOWN])]
    if len(entries) > _SHOWN:
        lines.append(f"  ... and {len(entries) - _SHOWN:,} more; --json lists all")
    output.show(Text("\n".join(lines)))


def _note(result: ZooResult) -> None:
    if result.n_resumed:
        finished = plural(result.n_resumed, "GM was", "GMs were")
        output.note(f"{finished} finished by an earlier build.")
    if result.already_built:
        output.note(
            f"{result.folder} was already built; `gmbench data verify {result.folder}` checks it."
        )
    else:
        output.note(
            f"Wrote the zoo to {result.folder}; {result.folder / 'contact_sheet.png'} shows it."
        )
