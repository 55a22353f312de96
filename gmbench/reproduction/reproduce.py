"""Reproducing the paper's tables and figures: the plan, its execution, and the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gmbench.data.parallel import in_processes
from gmbench.errors import GmbenchError, UnknownNameError, naming_extras
from gmbench.progress import Progress
from gmbench.reproduction.drawings import PAPER_FIGURES, PaperFigure
from gmbench.reproduction.experiments import BaselineRun, Experiment
from gmbench.reproduction.result import FigureResult, Reproduction, TableResult
from gmbench.reproduction.setting import Setting
from gmbench.reproduction.tables import PAPER_TABLES, PaperTable
from gmbench.reproduction.trainings import Training, in_rounds, train_one
from gmbench.training.suite import machine, versions

MINUTES = {"small": 4.0}
"""Minutes per training of a parser on one core of this decade, by preset; the paper's preset is for
a GPU and was not measured."""


@dataclass(frozen=True)
class Step:
    """One experiment of a plan.

    Attributes:
        experiment: The experiment to run.
        wanted_for: Names of the tables and figures that need it.
        trainings: Trainings to run that no earlier step runs and that were not finished before.
        is_there: Whether its result already exists.
        refused: Why it cannot be run; empty if it can.
    """

    experiment: Experiment
    wanted_for: tuple[str, ...]
    trainings: tuple[Training, ...]
    is_there: bool
    refused: str = ""


@dataclass(frozen=True)
class Plan:
    """The work to be done for some tables and figures.

    Attributes:
        tables: The tables, in the paper's order.
        figures: The figures, in the paper's order.
        steps: Their experiments, each once.
        minutes: Time that the trainings take on one core; None if unknown.
    """

    tables: tuple[PaperTable, ...]
    figures: tuple[PaperFigure, ...]
    steps: tuple[Step, ...]
    minutes: float | None


def find_wanted(
    names: Sequence[str],
) -> tuple[tuple[PaperTable, ...], tuple[PaperFigure, ...]]:
    """Returns tables and figures by name, each in the paper's order; `all` selects all.

    Raises:
        UnknownNameError: There is no such table or figure.
    """
    known = [table.name for table in PAPER_TABLES] + [figure.name for figure in PAPER_FIGURES]
    for name in names:
        if name not in (*known, "all"):
            raise UnknownNameError(
                "Table or figure", name, known, f"There are: {', '.join(known)}, all."
            )
    every = "all" in names
    return (
        tuple(one for one in PAPER_TABLES if every or one.name in names),
        tuple(one for one in PAPER_FIGURES if every or one.name in names),
    )


def plan(names: Sequence[str], setting: Setting) -> Plan:
    """Returns what has to be run for tables and figures, and what already exists.

    Args:
        names: Names of tables and figures, or `all`.
        setting: Data and options of the reproduction.

    Raises:
        UnknownNameError: There is no such table or figure.
    """
    tables, figures = find_wanted(names)
    needs: dict[Experiment, list[str]] = {}
    wanted: list[PaperTable | PaperFigure] = [*tables, *figures]
    for one in wanted:
        for experiment in one.experiments:
            needs.setdefault(experiment, []).append(one.name)
    steps: list[Step] = []
    known: list[Training] = []
    for experiment, needed in needs.items():
        try:
            trainings = tuple(experiment.trainings(setting))
        except GmbenchError as error:
            steps.append(Step(experiment, tuple(needed), (), is_there=False, refused=str(error)))
            continue
        there = experiment.is_there(setting)
        lacking = [] if there else [one for one in trainings if one not in known]
        new = tuple(one for one in lacking if not one.is_done())
        known += new
        steps.append(Step(experiment, tuple(needed), new, there))
    preset = setting.options.preset
    measured = preset in MINUTES and not setting.options.changes
    minutes = sum(one.length for one in known) * MINUTES[preset] if measured else None
    return Plan(tables, figures, tuple(steps), minutes if known else 0.0)


def reproduce(
    names: Sequence[str],
    setting: Setting,
    out: Path,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Reproduction:
    """Runs what does not exist yet, makes the tables and draws the figures.

    Finished work is kept and reused: trainings in `setting.options.runs`, predictions and scores in
    `setting.out`.

    Args:
        names: Names of tables and figures, or `all`.
        setting: Data and options of the reproduction.
        out: Folder of the page; figures go into its subfolder `figures`.
        jobs: Number of concurrent trainings, each on one core.
        progress: Progress callback.

    Raises:
        UnknownNameError: There is no such table or figure.
        MissingPackageError: Figures are wanted, and matplotlib is not installed.
        GmbenchError: A training failed.
    """
    wanted = plan(names, setting)
    if wanted.figures:
        with naming_extras():
            import matplotlib  # noqa: F401 - so that no training is for what cannot be drawn
    trainings = [training for step in wanted.steps for training in step.trainings]
    done = 0
    if progress is not None and trainings and jobs > 1:
        progress("trainings", 0, len(trainings))
    for each in in_rounds(trainings) if jobs > 1 else ():
        for _ in in_processes(train_one, each, jobs, lambda training: training.name):
            done += 1
            if progress is not None:
                progress("trainings", done, len(trainings))
    for step in wanted.steps:
        if not step.is_there and not step.refused:
            step.experiment.make(setting, progress)
    refused = {step.experiment: step.refused for step in wanted.steps if step.refused}
    tables: list[TableResult] = []
    figures: list[FigureResult] = []
    made: list[PaperTable | PaperFigure] = [*wanted.tables, *wanted.figures]
    for number, one in enumerate(made):
        if progress is not None:
            progress("tables and figures", number, len(made))
        reasons = [refused[experiment] for experiment in one.experiments if experiment in refused]
        if isinstance(one, PaperTable):
            tables.append(one.lacking(reasons[0]) if reasons else one.result(setting))
        else:
            figures.append(one.lacking(reasons[0]) if reasons else one.result(setting, out))
    return Reproduction(
        setting.benchmark.name,
        setting.benchmark.version,
        setting.options.preset,
        setting.options.seed,
        versions(with_torch=True),
        _machines(wanted, setting),
        tuple(tables),
        tuple(figures),
        dict(setting.options.changes),
    )


def _machines(done: Plan, setting: Setting) -> tuple[str, ...]:
    """Returns the machines that the baselines ran on, and this one."""
    ran = [step.experiment for step in done.steps if not step.refused]
    runs = [one.scores(setting)["run"] for one in ran if isinstance(one, BaselineRun)]
    here = machine(with_torch=True, device=setting.options.device)
    return tuple(sorted({here, *(run["machine"] for run in runs)}))
