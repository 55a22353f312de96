"""Makes the paper's tables again: what is to be run, running it, and the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gmbench.data.parallel import in_processes
from gmbench.errors import GmbenchError, UnknownNameError
from gmbench.progress import Progress
from gmbench.reproduction.experiments import Experiment, Training, train_one
from gmbench.reproduction.result import Reproduction, TableResult
from gmbench.reproduction.setting import Setting
from gmbench.reproduction.tables import PAPER_TABLES, PaperTable
from gmbench.training.suite import machine, versions

MINUTES = {"small": 5.0}
"""One training on one core of this decade, by preset; the paper's is for a GPU and not measured."""


@dataclass(frozen=True)
class Step:
    """One experiment of a plan.

    Attributes:
        experiment: What is run.
        tables: Names of the tables that need it.
        trainings: Networks that are to be trained.
        is_there: Whether its result is there already.
        refused: Why it cannot be run; empty where it can.
    """

    experiment: Experiment
    tables: tuple[str, ...]
    trainings: tuple[Training, ...]
    is_there: bool
    refused: str = ""


@dataclass(frozen=True)
class Plan:
    """What is to be done for some tables.

    Attributes:
        tables: The tables, in the paper's order.
        steps: Their experiments, each once.
        minutes: How long the trainings take on one core; None where it is not known.
    """

    tables: tuple[PaperTable, ...]
    steps: tuple[Step, ...]
    minutes: float | None


def find_tables(names: Sequence[str]) -> tuple[PaperTable, ...]:
    """Returns tables by name, in the paper's order; `all` are all.

    Raises:
        UnknownNameError: There is no such table.
    """
    known = {table.name: table for table in PAPER_TABLES}
    for name in names:
        if name not in (*known, "all"):
            raise UnknownNameError("Table", name, known, f"There are: {', '.join(known)}, all.")
    return tuple(table for name, table in known.items() if name in names or "all" in names)


def plan(names: Sequence[str], setting: Setting) -> Plan:
    """Tells what has to be run for tables, and what is there.

    Args:
        names: Names of the tables, or `all`.
        setting: On what, and how.

    Raises:
        UnknownNameError: There is no such table.
    """
    tables = find_tables(names)
    experiments = dict.fromkeys(one for table in tables for one in table.experiments)
    steps = []
    for experiment in experiments:
        needed = tuple(table.name for table in tables if experiment in table.experiments)
        try:
            trainings = tuple(experiment.trainings(setting))
        except GmbenchError as error:
            steps.append(Step(experiment, needed, (), is_there=False, refused=str(error)))
            continue
        there = experiment.is_there(setting)
        steps.append(Step(experiment, needed, () if there else trainings, there))
    preset = setting.options.preset
    networks = sum(len(step.trainings) for step in steps)
    minutes = networks * MINUTES[preset] if preset in MINUTES else None
    return Plan(tables, tuple(steps), 0.0 if not networks else minutes)


def reproduce(
    names: Sequence[str], setting: Setting, *, jobs: int = 1, progress: Progress | None = None
) -> Reproduction:
    """Runs what is not there yet and makes the tables.

    Whatever was finished is kept and taken up again: trainings in `setting.options.runs`,
    predictions and scores in `setting.out`.

    Args:
        names: Names of the tables, or `all`.
        setting: On what, and how.
        jobs: Networks that are trained at once, each on one core.
        progress: Told how far the work is.

    Raises:
        UnknownNameError: There is no such table.
        GmbenchError: A training came to nothing.
    """
    wanted = plan(names, setting)
    trainings = [training for step in wanted.steps for training in step.trainings]
    if jobs > 1:
        done = in_processes(train_one, trainings, jobs, lambda training: training.name)
        for number, _ in enumerate(done, start=1):
            if progress is not None:
                progress("networks", number, len(trainings))
    for step in wanted.steps:
        if not step.is_there and not step.refused:
            step.experiment.make(setting, progress)
    refused = {step.experiment: step.refused for step in wanted.steps if step.refused}
    results = []
    for number, table in enumerate(wanted.tables):
        if progress is not None:
            progress("tables", number, len(wanted.tables))
        results.append(_result(table, setting, refused))
    return Reproduction(
        setting.benchmark.name,
        setting.benchmark.version,
        setting.options.preset,
        setting.options.seed,
        versions(with_torch=True),
        machine(with_torch=True, device=setting.options.device),
        tuple(results),
    )


def _result(table: PaperTable, setting: Setting, refused: dict[Experiment, str]) -> TableResult:
    reasons = [refused[one] for one in table.experiments if one in refused]
    return table.lacking(reasons[0]) if reasons else table.result(setting)
