"""A baseline end to end: for each set, train on its training GMs, then predict its test GMs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import require_known
from gmbench.models.settings import SettingError
from gmbench.models.targets import TrainingTargets
from gmbench.predictions.predictions import Predictions
from gmbench.progress import Progress, prefixed
from gmbench.training.cache import CachedImages, cached_images
from gmbench.training.checkpoint import ModelParserCheckpoint, save_whole
from gmbench.training.config import PRESETS, TrainingConfig
from gmbench.training.devices import device_for
from gmbench.training.feature_table import FeatureTable, read_features
from gmbench.training.launched import is_first
from gmbench.training.loop import TrainingRun, is_finished, train
from gmbench.training.options import RunOptions, hashed_name
from gmbench.training.parsed import ParsedImages, mean
from gmbench.training.parsed_sets import (
    predictions_of,
    predictions_of_set,
    present_gms,
    present_sets,
)
from gmbench.training.predict import parse_images
from gmbench.training.recipes import Recipe, require_training
from gmbench.training.trees import parse_gms
from gmbench.training.validation import hold_out
from gmbench.training.views import view_from_dict

MODEL = "model"
"""The folder of the trained parser, inside that of its training run."""


@dataclass(frozen=True)
class TrainingJob(RunOptions):
    """What to train, and how.

    Attributes:
        recipe: The baseline's recipe.
        benchmark: Labels and sets.
        folder: The dataset folder.
    """

    recipe: Recipe
    benchmark: Benchmark
    folder: Path

    @property
    def config(self) -> TrainingConfig:
        """The settings: the preset with the recipe's changes, then the user's.

        Raises:
            UnknownNameError: There is no such preset or setting.
            BenchmarkError: The baseline trains nothing.
            SettingError: A setting has an invalid value, or no effect, or trees would learn the
                true labels beside a network that must not.
        """
        training = require_training(self.recipe)
        require_known("Preset", PRESETS, self.preset)
        config = PRESETS[self.preset]
        for changes in (training.get("all", {}), training.get(self.preset, {}), self.changes):
            config = config.changed(changes)
        if config.shuffled_labels and config.trees:
            raise SettingError(
                "shuffled_labels=true shuffles the labels of networks alone: trees "
                f"(trees={config.trees:g}) would learn the true ones. Add `--change trees=0`."
            )
        if "extra_until" in self.changes and not self.extra:
            raise SettingError(
                "extra_until says how long a training sees extra GMs, and there are none. Give a "
                "dataset of them with --extra."
            )
        return config

    def place(self, set_name: str) -> Path | None:
        """Returns the folder of one set's training, which depends on the settings."""
        if self.runs is None:
            return None
        differing = []
        if self.changes or self.extra:
            differing = [self.config.sha256, *(one.dataset.version for one in self.extra)]
        settings = hashed_name(self.preset, *differing)
        return self.runs / self.recipe.name / settings / f"seed_{self.seed}" / set_name


@dataclass(frozen=True)
class JobImages:
    """The images of a job, as seen by its networks and its trees.

    Attributes:
        pixels: Pixels of the images of the benchmark's GMs and of extra ones.
        features: Features of the same images; None if there are no trees.
    """

    pixels: CachedImages
    features: FeatureTable | None


@dataclass(frozen=True)
class Fold:
    """One set, trained and predicted.

    Attributes:
        name: Name of the set.
        checkpoint: The trained parser; the first of several members.
        run: The record of its training.
        parsed: Output for the set's test images, GM by GM in the order of the set; the mean over
            all members, and trees if there are any.
    """

    name: str
    checkpoint: ModelParserCheckpoint
    run: TrainingRun
    parsed: ParsedImages


def predict_with_networks(job: TrainingJob, progress: Progress | None = None) -> Predictions:
    """Trains and predicts set by set, and returns the predictions for all test images.

    Args:
        job: What to train, and how.
        progress: Progress callback.

    Raises:
        TrainingError: A training failed, or the device is not available.
        SettingError: A setting has an invalid value.
        UnknownNameError: There is no such preset, setting, method or device.
    """
    images = read_images(job, progress)
    folds = [run_fold(job, name, images, progress) for name in present_sets(job.benchmark)]
    return predictions_of(job.benchmark, job.recipe.name, {f.name: f.parsed for f in folds})


def read_images(job: TrainingJob, progress: Progress | None = None) -> JobImages:
    """Reads all images that a job trains on or predicts."""
    view = view_from_dict(job.config.view)
    pixels = cached_images(job.folder, view, progress=progress).joined(
        [
            cached_images(one.folder, view, gms=[gm.name for gm in one.gms], progress=progress)
            for one in job.extra
        ]
    )
    features, kind = None, job.config.tree_features
    if job.config.trees:
        features = read_features(job.benchmark, job.folder, job.extra, kind, progress)
    return JobImages(pixels, features)


def run_fold(
    job: TrainingJob, set_name: str, images: JobImages, progress: Progress | None = None
) -> Fold:
    """Trains on the training GMs of one set and predicts its test images.

    Args:
        job: What to train, and how.
        set_name: The set.
        images: The result of `read_images`.
        progress: Progress callback.
    """
    benchmark, pixels = job.benchmark, images.pixels
    device = device_for(job.device)
    test = [gm for gm in present_gms(benchmark, set_name) if gm in pixels.gms]
    members, parsed = [], []
    for number in range(job.config.members):
        members.append(_train_member(job, set_name, number, pixels, progress))
        network = members[-1][0].network.to(device)
        parsed.append(parse_images(network, pixels, test, device, job.config.precision))
        network.cpu()
    whole = mean(parsed)
    if images.features is not None:
        training = benchmark.training_gms(set_name)
        if progress:
            progress(f"{set_name} trees", 0, 1)
        trees = parse_gms(benchmark, images.features, training, test, job.seed)
        whole = mean([whole, trees], [1.0 - job.config.trees, job.config.trees])
    checkpoint, run = members[0]
    return Fold(set_name, checkpoint, run, whole)


def _train_member(
    job: TrainingJob,
    set_name: str,
    number: int,
    images: CachedImages,
    progress: Progress | None,
) -> tuple[ModelParserCheckpoint, TrainingRun]:
    """Trains and saves one of the networks of a fold; its number is added to the seed."""
    config, benchmark, seed = job.config, job.benchmark, job.seed + number
    name = set_name if config.members == 1 else f"{set_name} {number + 1}/{config.members}"
    names: Sequence[str] = benchmark.training_gms(set_name)
    learnt, held = hold_out(benchmark, names, config.validation_gms, job.seed)
    targets = [TrainingTargets.of(benchmark, learnt, job.extra)]
    if held:
        targets.append(TrainingTargets.of(benchmark, held))
    if config.shuffled_labels:
        targets = [one.shuffled(job.seed) for one in targets]
    place = _place_of_member(job, set_name, number)
    run = train(
        config,
        targets[0],
        images,
        seed=seed,
        device=job.device,
        folder=place,
        key=_key(job, learnt, images),
        validation=targets[1] if held else None,
        progress=prefixed(progress, name),
    )
    checkpoint = ModelParserCheckpoint.of(
        run.network,
        config,
        benchmark,
        {
            "baseline": job.recipe.name,
            "preset": job.preset,
            "benchmark": benchmark.name,
            "version": benchmark.version,
            "set": set_name,
            # Includes those held out, which decided which epoch was taken.
            "gms": [*names, *(gm.name for one in job.extra for gm in one.gms)],
            "extra": [one.to_dict() for one in job.extra],
            "most_images": dict(images.most),
            "seed": seed,
        },
    )
    if place is not None and is_first():
        save_whole(checkpoint, place / MODEL)
    return checkpoint, run


def is_trained(job: TrainingJob, set_name: str, images: CachedImages) -> bool:
    """Returns whether the networks of a set were trained before, on the same data and settings.

    Args:
        job: What to train, and how; without extra GMs.
        set_name: The set.
        images: The images that they are trained on; none is read.

    Raises:
        SettingError: A setting has an invalid value.
        UnknownNameError: There is no such preset, setting or device.
    """
    names: Sequence[str] = job.benchmark.training_gms(set_name)
    learnt, _ = hold_out(job.benchmark, names, job.config.validation_gms, job.seed)
    key = _key(job, learnt, images)
    places = [_place_of_member(job, set_name, number) for number in range(job.config.members)]
    return all(
        place is not None and is_finished(job.config, place, key, job.seed + number, job.device)
        for number, place in enumerate(places)
    )


def _place_of_member(job: TrainingJob, set_name: str, number: int) -> Path | None:
    place = job.place(set_name)
    return place if place is None or job.config.members == 1 else place / f"member_{number}"


def _key(job: TrainingJob, learnt: Sequence[str], images: CachedImages) -> str:
    """Returns the hash of the labels and images of a training."""
    hashes = [one.dataset.labels_sha256 for one in job.extra]
    facts = "/".join([job.benchmark.labels_sha256, *hashes, images.sha256, *learnt])
    return hashlib.sha256(facts.encode()).hexdigest()


def predict_set(
    checkpoint: ModelParserCheckpoint,
    benchmark: Benchmark,
    folder: Path,
    set_name: str,
    device: str = "auto",
    progress: Progress | None = None,
) -> tuple[Predictions, str]:
    """Predicts the test images of one set with a trained parser.

    Args:
        checkpoint: The parser.
        benchmark: The benchmark of the dataset.
        folder: The dataset folder.
        set_name: The set.
        device: `auto`, `cpu`, `cuda` or `mps`.
        progress: Progress callback of reading the images.

    Returns:
        The predictions, and a warning if the parser may have seen the test GMs, else an empty
        string.

    Raises:
        UnknownNameError: The benchmark has no such set.
    """
    present = present_gms(benchmark, set_name)
    images = cached_images(folder, checkpoint.view, gms=present, progress=progress)
    place = device_for(device)
    network = checkpoint.network.to(place)
    parsed = parse_images(network, images, present, place, checkpoint.precision)
    return predictions_of_set(benchmark, set_name, parsed, checkpoint.labels, checkpoint.trained_on)
