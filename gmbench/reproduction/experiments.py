"""What is run for the tables, and kept: made once, whatever number of tables is made of it.

The networks of an experiment are trained ahead, each in a process of its own; a training that
was interrupted goes on, and a finished one is only read. So an experiment is made in
seconds once its networks are there, and whatever was killed loses minutes at the most.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gmbench.applications.attack import AttackResult
from gmbench.applications.studies import ContentStudy, content, content_folds
from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.cross_validation import ATTACK
from gmbench.errors import GmbenchError
from gmbench.files import json_text, write_whole
from gmbench.predictions.predictions import Predictions, read_predictions
from gmbench.progress import Progress, prefixed
from gmbench.reproduction.setting import Setting
from gmbench.training.options import RunOptions
from gmbench.training.recipes import Recipe, find_recipe, require_folder
from gmbench.training.suite import run_one, write_result

if TYPE_CHECKING:
    from gmbench.training.checkpoint import ModelParserCheckpoint


class Training(Protocol):
    """One network to be trained ahead, in a process of its own; picklable."""

    @property
    def name(self) -> str:
        """What it is called while it is under way."""

    def train(self) -> None:
        """Trains it, so that the experiment that needs it finds it trained."""


@dataclass(frozen=True)
class FoldTraining:
    """The network of a baseline for one set.

    Attributes:
        recipe: The baseline's recipe.
        benchmark: Labels and sets.
        folder: The dataset folder.
        set_name: The set whose test GMs it does not see.
        options: How it is trained; its seed is that of the repeat.
    """

    recipe: Recipe
    benchmark: Benchmark
    folder: Path
    set_name: str
    options: RunOptions

    @property
    def name(self) -> str:
        """What it is called while it is under way."""
        return f"{self.recipe.name} {self.benchmark.name} {self.set_name} seed {self.options.seed}"

    def train(self) -> None:
        """Trains it, so that the experiment that needs it finds it trained."""
        from gmbench.training.folds import TrainingJob, read_images, run_fold

        job = TrainingJob(self.recipe, self.benchmark, self.folder, **vars(self.options))
        run_fold(job, self.set_name, read_images(job))


@dataclass(frozen=True)
class AttackTraining:
    """The network of the coordinated attack, which sees half of the images of the seen GMs.

    Attributes:
        recipe: The baseline's recipe.
        benchmark: Labels.
        folder: The dataset folder.
        options: How it is trained.
    """

    recipe: Recipe
    benchmark: Benchmark
    folder: Path
    options: RunOptions

    @property
    def name(self) -> str:
        """What it is called while it is under way."""
        return f"{self.recipe.name} of the attack"

    def train(self) -> None:
        """Trains it, so that the experiment that needs it finds it trained."""
        self.checkpoint(None)

    def checkpoint(self, progress: Progress | None) -> ModelParserCheckpoint:
        """Returns it, trained now or before."""
        from gmbench.applications.attack_training import train_attack_parser

        return train_attack_parser(self.recipe, self.benchmark, self.folder, self.options, progress)


class Experiment(Protocol):
    """What is run and kept."""

    @property
    def name(self) -> str:
        """Its path under the folder of results, without ending."""

    def trainings(self, setting: Setting) -> Iterator[Training]:
        """Yields the networks that it needs.

        Raises:
            GmbenchError: The benchmark lacks what it needs.
        """

    def is_there(self, setting: Setting) -> bool:
        """Returns whether its result was made before, of the same data and in the same way."""

    def make(self, setting: Setting, progress: Progress | None) -> None:
        """Makes its result and writes it."""


@dataclass(frozen=True)
class BaselineRun:
    """A baseline on a group of sets: predictions and scores, as `gmbench baseline` leaves them.

    Attributes:
        baseline: Its name.
        sets: The group of sets; None for the benchmark's own.
    """

    baseline: str
    sets: str | None = None

    @cached_property
    def recipe(self) -> Recipe:
        """The baseline's recipe."""
        return find_recipe(self.baseline)

    @property
    def name(self) -> str:
        """Its path under the folder of results, without ending."""
        return f"{self.sets or 'sets'}/{self.baseline}"

    def trainings(self, setting: Setting) -> Iterator[Training]:
        """Yields a network for each set and repeat; none where the baseline trains none.

        Raises:
            BenchmarkError: The benchmark has no images, or not the GMs of the sets.
        """
        benchmark = setting.having(self.sets)
        if self.recipe.needs != "labels":
            require_folder(self.baseline, setting.folder)
        if self.recipe.training is None:
            return
        options = setting.options_for(benchmark)
        for repeat in range(self.recipe.repeats):
            seeded = replace(options, seed=options.seed + repeat)
            for set_name in benchmark.sets:
                folder = require_folder(self.baseline, setting.folder)
                yield FoldTraining(self.recipe, benchmark, folder, set_name, seeded)

    def is_there(self, setting: Setting) -> bool:
        """Returns whether predictions and scores are there, of the same data and settings."""
        try:
            found = self.scores(setting)
            run = found["run"]
            self.predictions(setting)
        except (OSError, ValueError, KeyError, GmbenchError):
            return False
        trained = self.recipe.training is not None
        wanted = {
            "seed": setting.options.seed,
            "preset": setting.options.preset if trained else None,
            "changes": dict(setting.options.changes) if trained else {},
        }
        same = {key: run[key] for key in wanted} == wanted
        return same and bool(found["version"] == setting.having(self.sets).version)

    def make(self, setting: Setting, progress: Progress | None) -> None:
        """Runs the baseline and writes its predictions and scores."""
        benchmark = setting.having(self.sets)
        options = setting.options_for(benchmark)
        result = run_one(self.recipe, benchmark, setting.folder, options, progress)
        write_result(result, _place(setting, self).parent)

    def predictions(self, setting: Setting) -> Predictions:
        """Returns its predictions, of the first repeat."""
        place = _place(setting, self).with_suffix(".parquet")
        return read_predictions(place, setting.having(self.sets))

    def scores(self, setting: Setting) -> Any:
        """Returns its scores, the means over its repeats, as plain data."""
        return _read(_place(setting, self))


@dataclass(frozen=True)
class ContentRun:
    """Training on GMs of faces, of all else and of both (Table 6).

    Attributes:
        baseline: Name of the method.
    """

    baseline: str = "full"

    @property
    def name(self) -> str:
        """Its path under the folder of results, without ending."""
        return f"content/{self.baseline}"

    def trainings(self, setting: Setting) -> Iterator[Training]:
        """Yields a network for each draw and what is trained on.

        Raises:
            BenchmarkError: There are too few GMs of faces or of all else, or no images.
        """
        recipe = find_recipe(self.baseline)
        options = setting.options_for(setting.benchmark)
        for fold in content_folds(setting.benchmark):
            folder = require_folder(self.baseline, setting.folder)
            chosen = fold.options(options)
            yield FoldTraining(recipe, fold.benchmark, folder, fold.set_name, chosen)

    def is_there(self, setting: Setting) -> bool:
        """Returns whether the study is there, of the same data and settings."""
        try:
            return bool(_read(_place(setting, self))["made_from"] == _made_from(setting))
        except (OSError, ValueError, KeyError):
            return False

    def make(self, setting: Setting, progress: Progress | None) -> None:
        """Runs the study and writes it."""
        options = setting.options_for(setting.benchmark)
        told = prefixed(progress, "content")
        found: ContentStudy = content(
            find_recipe(self.baseline), setting.benchmark, setting.folder, options, told
        )
        data = {**found.to_dict(), "made_from": _made_from(setting)}
        write_whole(_place(setting, self).with_suffix(".json"), json_text(data))

    def result(self, setting: Setting) -> Any:
        """Returns the study as plain data."""
        return _read(_place(setting, self))


@dataclass(frozen=True)
class AttackRun:
    """The coordinated attack (Table 10, Figure 12), and the network that it trains.

    Attributes:
        baseline: Whose network.
    """

    baseline: str = "full"

    @property
    def name(self) -> str:
        """Its path under the folder of results, without ending."""
        return f"attack/{self.baseline}"

    def trainings(self, setting: Setting) -> Iterator[AttackTraining]:
        """Yields its one network.

        Raises:
            BenchmarkError: The benchmark lacks the GMs of the attack, or images.
        """
        known = setting.having(ATTACK)
        folder = require_folder(self.baseline, setting.folder)
        options = setting.options_for(setting.benchmark)
        yield AttackTraining(find_recipe(self.baseline), known, folder, options)

    def is_there(self, setting: Setting) -> bool:
        """Returns whether result and network are there, of the same data and settings."""
        try:
            self.result(setting)
            made_from = _read(_place(setting, self))["made_from"]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        model = _place(setting, self) / "model"
        return model.is_dir() and bool(made_from == _made_from(setting))

    def make(self, setting: Setting, progress: Progress | None) -> None:
        """Trains, attacks, and writes the result and the network."""
        from gmbench.applications.attack_checkpoint import attack_checkpoint

        (training,) = self.trainings(setting)
        checkpoint = training.checkpoint(prefixed(progress, "attack"))
        place = _place(setting, self)
        checkpoint.save_pretrained(place / "model")
        found = attack_checkpoint(
            checkpoint,
            setting.benchmark,
            training.folder,
            seed=setting.options.seed,
            device=setting.options.device,
            progress=prefixed(progress, "attack"),
        )
        data = {"attack": found.to_dict(), "made_from": _made_from(setting)}
        write_whole(place.with_suffix(".json"), json_text(data))

    def result(self, setting: Setting) -> AttackResult:
        """Returns the attack's result."""
        return AttackResult.from_dict(_read(_place(setting, self))["attack"])

    def checkpoint(self, setting: Setting) -> ModelParserCheckpoint:
        """Returns its network, which has seen all GMs but 15."""
        from gmbench.training.checkpoint import load_parser

        return load_parser(_place(setting, self) / "model")


def train_one(training: Training) -> None:
    """Trains a network on one core.

    Args:
        training: Which one.
    """
    import torch

    # As many processes as cores: threads of their own would only stand in each other's way.
    torch.set_num_threads(1)
    training.train()


def _place(setting: Setting, experiment: Experiment) -> Path:
    return setting.out / setting.benchmark.name / experiment.name


def _made_from(setting: Setting) -> dict[str, Any]:
    options = setting.options
    return {
        "version": setting.benchmark.version,
        "preset": options.preset,
        "changes": dict(options.changes),
        "seed": options.seed,
    }


def _read(place: Path) -> Any:
    return json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
