"""`gmbench reproduce`: reproduce the paper's tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmbench.cli import output
from gmbench.cli.expecting import rough
from gmbench.cli.options import (
    DEFAULT,
    BenchmarkOption,
    ChangesOption,
    DeviceOption,
    JsonOption,
    PresetOption,
    SeedOption,
    loaded_benchmark,
)
from gmbench.cli.training import run_options
from gmbench.wording import plural

if TYPE_CHECKING:
    from gmbench.reproduction.reproduce import Plan, Step

OUT = Path("reproduction")


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="table4|...|fig12|all", help="Which tables and figures."),
    ] = None,
    benchmark: BenchmarkOption = DEFAULT,
    preset: PresetOption = "small",
    change: ChangesOption = None,
    device: DeviceOption = "auto",
    seed: SeedOption = 0,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, help="Trainings at once, each on one core; default all cores."
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Where page, results and trainings go."),
    ] = OUT,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be run, and how long it takes.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Reproduce the paper's tables and figures, and test whether the order of its methods holds.

    Finished work is kept: the same command goes on where it was, whatever interrupted it.

    Example: `gmbench reproduce table4 table7 --data gm-parsing`
    """
    from gmbench.benchmark.benchmark import dataset_folder
    from gmbench.data.parallel import all_cores
    from gmbench.reproduction import page
    from gmbench.reproduction import reproduce as reproducing
    from gmbench.reproduction.setting import Setting

    known = loaded_benchmark(benchmark)
    options = run_options(known, preset, change, None, device, out / "runs", seed)
    setting = Setting(known, dataset_folder(benchmark or DEFAULT), out / "results", options)
    page.refuse_other_pages(out)
    chosen, jobs = names or ["all"], jobs or all_cores()
    planned = reproducing.plan(chosen, setting)
    if dry_run:
        _show_plan(planned, jobs, as_json)
        return
    if planned.minutes and not as_json:
        output.note(_time(planned, jobs))
    with output.counting(goes_on=True) as progress:
        found = reproducing.reproduce(chosen, setting, out, jobs=jobs, progress=progress)
        place = page.write_page(found, out)
    if as_json:
        output.show_json(found.to_dict())
        return
    for table in found.tables:
        section = page.section(table, found.benchmark, spread=False)
        if section.missing:
            output.note(f"{section.title}: not made. {section.missing}")
            continue
        rows = [[row.title, row.whose, *map(str, row.cells)] for row in section.rows]
        headings = ["", "", *section.headings]
        output.show(output.table(headings, rows, title=section.title, left=(0, 1)))
        output.show_plain(section.summary)
    for figure in found.figures:
        if figure.missing:
            output.note(f"Figure {figure.name.removeprefix('fig')}: not drawn. {figure.missing}")
    output.note(f"{place}: the page.")


def _show_plan(planned: Plan, jobs: int, as_json: bool) -> None:
    if as_json:
        output.show_json(
            {
                "experiments": [
                    {
                        "name": step.experiment.name,
                        "for": list(step.wanted_for),
                        "trainings": len(step.trainings),
                        "state": _state(step),
                        "reason": step.refused,
                    }
                    for step in planned.steps
                ],
                "core_minutes": planned.minutes,
            }
        )
        return
    rows = [
        [step.experiment.name, ", ".join(step.wanted_for), f"{len(step.trainings)}", _state(step)]
        for step in planned.steps
    ]
    output.show(output.table(["experiment", "for", "trainings", ""], rows, left=(0, 1, 3)))
    for step in planned.steps:
        if step.refused:
            output.note(f"{step.experiment.name}: {step.refused}")
    output.show_plain(_time(planned, jobs))


def _state(step: Step) -> str:
    if step.refused:
        return "cannot be run"
    return "there" if step.is_there else "to be run"


def _time(planned: Plan, jobs: int) -> str:
    count = sum(len(step.trainings) for step in planned.steps)
    trainings = f"{plural(count, 'training')} to be done"
    if not count:
        return f"{trainings}."
    if planned.minutes is None:
        return f"{trainings}; how long one takes was not measured."
    about = rough(60 * planned.minutes / min(jobs, max(count, 1)))
    return f"{trainings}, {jobs} at once: about {about}."
