"""Experiments behind the tables and figures, each run once and kept, however many use it.

The networks of an experiment are trained ahead (`trainings`), so that it runs in seconds once they
exist, and an interruption costs minutes at most.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gmbench.applications.attack_result import AttackResult
from gmbench.applications.attribution_data import chosen_gms
from gmbench.applications.studies import ContentStudy, content, content_folds
from gmbench.benchmark.cross_validation import ATTACK
from gmbench.data.real_images import read_real_images
from gmbench.errors import GmbenchError, naming_extras
from gmbench.files import json_text, write_whole
from gmbench.predictions.predictions import Predictions, read_predictions
from gmbench.progress import Progress, prefixed
from gmbench.reproduction.setting import Setting
from gmbench.reproduction.trainings import (
    AttackTraining,
    AttributionTraining,
    DetectorTraining,
    FoldTraining,
    Training,
)
from gmbench.training.recipes import Recipe, find_recipe, require_folder
from gmbench.training.suite import run_one, write_result

if TYPE_CHECKING:
    from gmbench.training.checkpoint import ModelParserCheckpoint


class Experiment(Protocol):
    """An experiment whose result is kept."""

    @property
    def name(self) -> str:
        """Path of its result under the folder of results, without suffix."""

    def trainings(self, setting: Setting) -> Iterator[Training]:
        """Yields the trainings of the networks that it needs.

        Raises:
            GmbenchError: The benchmark lacks what the experiment needs.
        """

    def is_there(self, setting: Setting) -> bool:
        """Returns whether its result already exists, made from the same data and settings."""

    def make(self, setting: Setting, progress: Progress | None) -> None:
        """Makes its result and writes it."""


@dataclass(frozen=True)
class BaselineRun:
    """A baseline on a group of sets: predictions and scores, as `gmbench baseline` writes them.

    Attributes:
        baseline: Name of the baseline.
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
        """Path of its result under the folder of results, without suffix."""
        return f"{self.sets or 'sets'}/{self.baseline}"

    def trainings(self, setting: Setting) -> Iterator[Training]:
        """Yields a training for each set and repeat; none if the baseline trains no network.

        Raises:
            BenchmarkError: The benchmark has no images, or lacks GMs of the sets.
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
        """Returns whether predictions and scores exist, made from the same data and settings."""
        try:
            found = self.scores(setting)
            run = found["run"]
            read = self.predictions(setting)
            trained = self.recipe.training is not None
            wanted = {
                "seed": setting.options.seed,
                "preset": setting.options.preset if trained else None,
                "changes": dict(setting.options.changes) if trained else {},
                **setting.made_from,
            }
            same = {key: run[key] for key in wanted} == wanted
            # A run killed between the two files leaves predictions that the scores are not of.
            scored = found.get("manifest", {}).get("predictions_sha256", read.sha256)
            version = setting.having(self.sets).version
            return same and bool(found["version"] == version) and bool(scored == read.sha256)
        except (OSError, ValueError, KeyError, TypeError, GmbenchError):
            return False

    def make(self, setting: Setting, progress: Progress | None) -> None:
        """Runs the baseline and writes its predictions and scores."""
        benchmark, made_from = setting.having(self.sets), setting.made_from
        options = setting.options_for(benchmark)
        result = run_one(self.recipe, benchmark, setting.folder, options, progress)
        result = replace(result, run={**result.run, **made_from})
        write_result(result, _place(setting, self).parent)

    def predictions(self, setting: Setting) -> Predictions:
        """Returns its predictions from the first repeat."""
        place = _place(setting, self).with_suffix(".parquet")
        return read_predictions(place, setting.having(self.sets))

    def scores(self, setting: Setting) -> Any:
        """Returns its scores, averaged over repeats, as plain data."""
        return _read(_place(setting, self))


class _Kept:
    """What experiments have in common whose result is one file."""

    def is_there(self: Experiment, setting: Setting) -> bool:
        """Returns whether the result exists, made from the same data and settings."""
        return _is_there(setting, self)

    def result(self: Experiment, setting: Setting) -> Any:
        """Returns the result as plain data."""
        return _read(_place(setting, self))


@dataclass(frozen=True)
class ContentRun(_Kept):
    """Training on GMs of faces, of other contents and of both (Table 6).

    Attributes:
        baseline: Name of the method.
    """

    baseline: str = "full"

    @property
    def name(self) -> str:
        """Path of its result under the folder of results, without suffix."""
        return f"content/{self.baseline}"

    def trainings(self, setting: Setting) -> Iterator[Training]:
        """Yields a training for each draw and training content.

        Raises:
            BenchmarkError: There are too few GMs of faces or of other contents, or no images.
        """
        recipe = find_recipe(self.baseline)
        options = setting.options_for(setting.benchmark)
        for fold in content_folds(setting.benchmark):
            folder = require_folder(self.baseline, setting.folder)
            chosen = fold.options(options)
            yield FoldTraining(recipe, fold.benchmark, folder, fold.set_name, chosen)

    def make(self, setting: Setting, progress: Progress | None) -> None:
        """Runs the study and writes it."""
        options = setting.options_for(setting.benchmark)
        told = prefixed(progress, "content")
        found: ContentStudy = content(
            find_recipe(self.baseline), setting.benchmark, setting.folder, options, told
        )
        _keep(setting, self, found.to_dict())


@dataclass(frozen=True)
class AttackRun:
    """The coordinated attack (Table 10, Figure 12), and the network that it trains.

    Attributes:
        baseline: Name of the baseline whose network is trained.
    """

    baseline: str = "full"

    @property
    def name(self) -> str:
        """Path of its result under the folder of results, without suffix."""
        return f"attack/{self.baseline}"

    def trainings(self, setting: Setting) -> Iterator[AttackTraining]:
        """Yields the training of its one network.

        Raises:
            BenchmarkError: The benchmark lacks the GMs of the attack, or images.
        """
        known = setting.having(ATTACK)
        folder = require_folder(self.baseline, setting.folder)
        options = setting.options_for(setting.benchmark)
        yield AttackTraining(find_recipe(self.baseline), known, folder, options)

    def is_there(self, setting: Setting) -> bool:
        """Returns whether result and network exist, made from the same data and settings."""
        try:
            self.result(setting)
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return _is_there(setting, self) and (_place(setting, self) / "model").is_dir()

    def make(self, setting: Setting, progress: Progress | None) -> None:
        """Trains, attacks, and writes the result and the network."""
        from gmbench.applications.attack_checkpoint import attack_checkpoint
        from gmbench.training.checkpoint import save_whole

        (training,) = self.trainings(setting)
        checkpoint = training.checkpoint(prefixed(progress, "attack"))
        place = _place(setting, self)
        # An older result is of another network: beside the new one it would count as there.
        place.with_suffix(".json").unlink(missing_ok=True)
        save_whole(checkpoint, place / "model")
        found = attack_checkpoint(
            checkpoint,
            setting.benchmark,
            training.folder,
            seed=setting.options.seed,
            device=setting.options.device,
            progress=prefixed(progress, "attack"),
        )
        _keep(setting, self, {"attack": found.to_dict()})

    def result(self, setting: Setting) -> AttackResult:
        """Returns the attack's result."""
        return AttackResult.from_dict(_read(_place(setting, self))["attack"])

    def checkpoint(self, setting: Setting) -> ModelParserCheckpoint:
        """Returns its network, which was trained on all GMs but 15."""
        from gmbench.training.checkpoint import load_checkpoint

        return load_checkpoint(_place(setting, self) / "model")


@dataclass(frozen=True)
class DetectionRun(_Kept):
    """Deepfake detection (Table 11): detectors of the GMs of faces that Table 6 holds out.

    Their parsers are those of Table 6 that were trained on all contents.

    Attributes:
        content: Content of the images.
        baseline: Name of the baseline whose network `model_parsing` starts from.
    """

    content: str = "faces"
    baseline: str = "full"

    @property
    def name(self) -> str:
        """Path of its result under the folder of results, without suffix."""
        return f"detection/{self.content}"

    def trainings(self, setting: Setting) -> Iterator[Training]:
        """Yields the trainings of the parsers, then those of the detectors of each draw.

        Raises:
            BenchmarkError: There are too few GMs of faces or of other contents, or no images.
            DatasetError: There are no real images.
        """
        whole = self._training(setting)
        yield from whole.parsers
        for draw, parser in zip(whole.draws, whole.parsers, strict=True):
            yield replace(whole, draws=(draw,), parsers=(parser,))

    def make(self, setting: Setting, progress: Progress | None) -> None:
        """Trains, detects, and writes the result."""
        found = self._training(setting).detection(prefixed(progress, "detection"))
        _keep(setting, self, found.to_dict())

    def _training(self, setting: Setting) -> DetectorTraining:
        """Returns the training of the detectors of all draws together."""
        recipe = find_recipe(self.baseline)
        folder = require_folder("detection", setting.folder)
        read_real_images(folder)
        options = setting.options_for(setting.benchmark)
        draws = tuple(fold for fold in content_folds(setting.benchmark) if fold.trained_on == "all")
        parsers = tuple(
            FoldTraining(recipe, fold.benchmark, folder, fold.set_name, fold.options(options))
            for fold in draws
        )
        sets = {fold.set_name: fold.benchmark.sets[fold.set_name] for fold in draws}
        benchmark = replace(setting.benchmark, sets=sets)
        return DetectorTraining(self.content, benchmark, draws, parsers, folder, options)


@dataclass(frozen=True)
class AttributionRun(_Kept):
    """Image attribution (Table 12): four GMs of a content, or real.

    Attributes:
        content: Content of the images.
    """

    content: str

    @property
    def name(self) -> str:
        """Path of its result under the folder of results, without suffix."""
        return f"attribution/{self.content}"

    def trainings(self, setting: Setting) -> Iterator[AttributionTraining]:
        """Yields the networks of all folds, as one training.

        Raises:
            UnknownNameError: The benchmark lacks one of the four GMs.
            BenchmarkError: There are no images.
            DatasetError: There are no real images.
            MissingPackageError: A baseline's package is not installed.
        """
        folder = require_folder("attribution", setting.folder)
        chosen_gms(setting.benchmark, (), self.content)
        read_real_images(folder)
        with naming_extras():
            import pywt  # noqa: F401 - so that nothing is trained for a result that cannot be made
        options = replace(setting.options_for(setting.benchmark), changes={})
        yield AttributionTraining(self.content, setting.benchmark, folder, options)

    def make(self, setting: Setting, progress: Progress | None) -> None:
        """Trains, attributes, and writes the result."""
        (training,) = self.trainings(setting)
        found = training.attribution(prefixed(progress, "attribution"))
        _keep(setting, self, found.to_dict())


def _is_there(setting: Setting, experiment: Experiment) -> bool:
    """Returns whether a result was kept, made from the same data and settings."""
    try:
        return bool(_read(_place(setting, experiment))["made_from"] == _made_from(setting))
    except (OSError, ValueError, KeyError, TypeError, GmbenchError):
        return False


def _keep(setting: Setting, experiment: Experiment, result: Mapping[str, Any]) -> None:
    data = {**result, "made_from": _made_from(setting)}
    write_whole(_place(setting, experiment).with_suffix(".json"), json_text(data))


def _place(setting: Setting, experiment: Experiment) -> Path:
    return setting.out / setting.benchmark.name / experiment.name


def _made_from(setting: Setting) -> dict[str, Any]:
    options = setting.options
    return {
        "version": setting.benchmark.version,
        **setting.made_from,
        "preset": options.preset,
        "changes": dict(options.changes),
        "seed": options.seed,
    }


def _read(place: Path) -> Any:
    return json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
