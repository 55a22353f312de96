"""Networks that are trained ahead, each task in its own process on one core.

An interrupted training is resumed and a finished one is only read, so experiments that need the
networks find them trained.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gmbench.applications.studies import ContentFold
from gmbench.benchmark.benchmark import Benchmark
from gmbench.progress import Progress, prefixed
from gmbench.training.options import RunOptions
from gmbench.training.recipes import Recipe

if TYPE_CHECKING:
    from gmbench.applications.attribution import Attribution
    from gmbench.applications.attribution_data import AttributionData
    from gmbench.applications.detection import Detection
    from gmbench.training.checkpoint import ModelParserCheckpoint
    from gmbench.training.folds import TrainingJob


class Training(ABC):
    """Networks to be trained ahead in their own process; picklable."""

    length: ClassVar[float] = 1.0
    """Duration, in trainings of a parser."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name shown while it is running."""

    @property
    def needs(self) -> tuple[Training, ...]:
        """Trainings that must be finished before this one starts."""
        return ()

    def is_done(self) -> bool:
        """Returns whether it is certain, without reading an image, that they are trained already.

        Raises:
            GmbenchError: They cannot be trained with these settings.
        """
        return False

    @abstractmethod
    def train(self) -> None:
        """Trains the networks, so that experiments that need them find them trained."""


class _ParserTraining(Training):
    """One network that infers hyperparameters."""

    def train(self) -> None:
        """Trains the network, so that experiments that need it find it trained."""
        self.checkpoint(None)

    @abstractmethod
    def checkpoint(self, progress: Progress | None) -> ModelParserCheckpoint:
        """Returns the network, trained now or before."""


@dataclass(frozen=True)
class FoldTraining(_ParserTraining):
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
        """Name shown while it is running."""
        return f"{self.recipe.name} {self.benchmark.name} {self.set_name} seed {self.options.seed}"

    @property
    def job(self) -> TrainingJob:
        """What to train, and how."""
        from gmbench.training.folds import TrainingJob

        return TrainingJob(self.recipe, self.benchmark, self.folder, **vars(self.options))

    def is_done(self) -> bool:
        """Returns whether the network is trained already."""
        from gmbench.training.cache import named_images
        from gmbench.training.folds import is_trained
        from gmbench.training.views import view_from_dict

        images = named_images(self.folder, view_from_dict(self.job.config.view))
        return is_trained(self.job, self.set_name, images)

    def checkpoint(self, progress: Progress | None) -> ModelParserCheckpoint:
        """Returns the network, trained now or before."""
        from gmbench.training.folds import read_images, run_fold

        job = self.job
        return run_fold(job, self.set_name, read_images(job, progress), progress).checkpoint


@dataclass(frozen=True)
class AttackTraining(_ParserTraining):
    """The network of the coordinated attack, which sees half of the images of the seen GMs.

    Attributes:
        recipe: The baseline's recipe.
        benchmark: The benchmark.
        folder: The dataset folder.
        options: How it is trained.
    """

    recipe: Recipe
    benchmark: Benchmark
    folder: Path
    options: RunOptions

    @property
    def name(self) -> str:
        """Name shown while it is running."""
        return f"{self.recipe.name} of the attack"

    def is_done(self) -> bool:
        """Returns whether the network is trained already."""
        from gmbench.applications.attack_training import attack_job, is_trained_for_attack

        job = attack_job(self.recipe, self.benchmark, self.folder, self.options)
        return is_trained_for_attack(job)

    def checkpoint(self, progress: Progress | None) -> ModelParserCheckpoint:
        """Returns the network, trained now or before."""
        from gmbench.applications.attack_training import train_attack_parser

        return train_attack_parser(self.recipe, self.benchmark, self.folder, self.options, progress)


@dataclass(frozen=True)
class DetectorTraining(Training):
    """The detectors of all variants for the held-out GMs of some draws of content.

    Attributes:
        content: Content of the images, such as `faces`.
        benchmark: Labels and image counts.
        draws: The draws; each is a test set.
        parsers: For each draw, the parser that `model_parsing` starts from, which has not seen the
            draw's GMs.
        folder: The dataset folder.
        options: How parsers are trained; their changes of settings do not apply to detectors.
    """

    content: str
    benchmark: Benchmark
    draws: tuple[ContentFold, ...]
    parsers: tuple[FoldTraining, ...]
    folder: Path
    options: RunOptions

    length: ClassVar[float] = 0.25

    @property
    def name(self) -> str:
        """Name shown while they are running."""
        return f"detectors of {self.content} {' '.join(one.set_name for one in self.draws)}"

    @property
    def needs(self) -> tuple[Training, ...]:
        """The parsers."""
        return self.parsers

    def train(self) -> None:
        """Trains the networks, so that experiments that need them find them trained."""
        self.detection(None)

    def detection(self, progress: Progress | None) -> Detection:
        """Returns how well the networks detect, trained now or before."""
        from gmbench.applications.detection import VARIANTS, detect, read_folds
        from gmbench.applications.parsers import Fingerprints

        options = replace(self.options, changes={})
        names = {one.set_name for one in self.draws}
        folds, notes = read_folds(self.benchmark, self.folder, self.content, options, progress)
        parsers = {
            one.set_name: Fingerprints.of(one.checkpoint(prefixed(progress, "parser")))
            for one in self.parsers
        }
        chosen = [fold for fold in folds if fold.name in names]
        return detect(chosen, self.content, options, tuple(VARIANTS), parsers, notes, progress)


@dataclass(frozen=True)
class AttributionTraining(Training):
    """The networks that tell four GMs of a content and real images apart, for all folds.

    Attributes:
        content: Content of the images.
        benchmark: Labels and image counts.
        folder: The dataset folder.
        options: How networks are trained; without changes, which apply to parsers.
    """

    content: str
    benchmark: Benchmark
    folder: Path
    options: RunOptions

    length: ClassVar[float] = 2.5

    @property
    def name(self) -> str:
        """Name shown while they are running."""
        return f"attribution of {self.content}"

    def train(self) -> None:
        """Trains the networks, so that experiments that need them find them trained."""
        from gmbench.applications.attribution import attribute
        from gmbench.applications.attribution_methods import NETWORKS

        attribute(self.data(None), self.options, tuple(NETWORKS))

    def attribution(self, progress: Progress | None) -> Attribution:
        """Returns how well the networks, trained now or before, and the other methods attribute."""
        from gmbench.applications.attribution import attribute

        return attribute(self.data(progress), self.options, progress=progress)

    def data(self, progress: Progress | None) -> AttributionData:
        """Returns the images."""
        from gmbench.applications.attribution import read_classes

        return read_classes(self.benchmark, self.folder, (), self.content, self.options, progress)


def train_one(training: Training) -> None:
    """Trains networks on one core.

    Args:
        training: The training to run.
    """
    import torch

    # There are as many processes as cores: several threads each would only compete.
    torch.set_num_threads(1)
    training.train()


def in_rounds(trainings: list[Training]) -> list[list[Training]]:
    """Splits trainings into rounds, each of which needs only trainings of earlier rounds."""
    rounds: list[list[Training]] = []
    left = trainings
    while left:
        waiting = [one for one in left if any(other in left for other in one.needs)]
        rounds.append([one for one in left if one not in waiting])
        left = waiting
    return rounds
