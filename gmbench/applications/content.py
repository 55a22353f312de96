"""Are fingerprints independent of content (section 4.3)? A content classifier is put to the test.

The paper trains a shallow network, five convolutions and two fully connected layers, to distinguish
four contents from the fingerprints of a trained network, and finds that it does not converge. Here
it is also tested on images of GMs that neither network has seen. For reference, the same shallow
network is trained on the images themselves, which shows how well a network of that size can
recognise content at all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gmbench.applications.parsers import Fingerprints
from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import BenchmarkError
from gmbench.evaluation.source_scores import Estimate, accuracy
from gmbench.evaluation.statistics import Array
from gmbench.progress import Progress, prefixed
from gmbench.training.cache import CachedImages, cached_images
from gmbench.training.classify import (
    ClassifierJob,
    classifier_config,
    classifier_folder,
    log_probabilities,
    train_classifier,
)
from gmbench.training.options import RunOptions, hashed_name

LEAST = 10
"""GMs that a content needs to be a class of its own; all other contents form the class `other`."""

OTHER = "other"

INPUTS: Mapping[str, Mapping[str, Any]] = {
    "fingerprint": {"model.inputs": "fingerprint", "model.frozen": True},
    "image": {"model.inputs": "image"},
}
"""Settings that select the input of the shallow network."""


@dataclass(frozen=True)
class ContentResult:
    """How well content is recognised from one kind of input.

    Attributes:
        accuracy: Accuracy on images of unseen GMs, mean over the contents.
        recalls: Share of each content's images that are classified correctly.
        training_loss: Cross-entropy in the last epoch of training, mean over the sets, in nats;
            guessing gives the logarithm of the number of contents.
    """

    accuracy: Estimate
    recalls: Mapping[str, float]
    training_loss: float


@dataclass(frozen=True)
class ContentIndependence:
    """How well a classifier recognises content from fingerprints and from images.

    Attributes:
        benchmark: Name of the benchmark.
        preset: Size of the trainings.
        sets: The sets that were tested.
        contents: Number of GMs of each content.
        tested_gms: Number of test GMs in all sets.
        chance: Accuracy of guessing.
        guessing_loss: Cross-entropy of guessing.
        inputs: Results by input of the shallow network.
        difference: Accuracy on fingerprints minus that on images.
    """

    benchmark: str
    preset: str
    sets: tuple[str, ...]
    contents: Mapping[str, int]
    tested_gms: int
    chance: float
    guessing_loss: float
    inputs: Mapping[str, ContentResult]
    difference: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
        inputs = {
            name: {**asdict(one), "accuracy": one.accuracy.to_dict()}
            for name, one in self.inputs.items()
        }
        return {**asdict(self), "inputs": inputs, "difference": self.difference.to_dict()}


def content_independence(
    benchmark: Benchmark,
    folder: Path,
    parsers: Mapping[str, Fingerprints],
    options: RunOptions,
    progress: Progress | None = None,
) -> ContentIndependence:
    """Trains content classifiers on fingerprints and on images, set by set.

    Args:
        benchmark: Labels, contents and sets.
        folder: Its dataset folder.
        parsers: For each set, a fingerprint network that has not seen its test GMs.
        options: How classifiers are trained.
        progress: Progress callback.

    Raises:
        BenchmarkError: All GMs have the same content, or a content is missing in training or test.
        TrainingError: A training failed.
    """
    contents = contents_of(benchmark)
    names = sorted(set(contents.values()))
    _check(benchmark, contents, names)
    view = _job("image", None, "", options).view
    images = cached_images(folder, view, progress=progress)
    right: dict[str, dict[str, list[Array]]] = {
        kind: {name: [] for name in names} for kind in INPUTS
    }
    losses: dict[str, list[float]] = {kind: [] for kind in INPUTS}
    for set_name, test in benchmark.sets.items():
        training = benchmark.training_gms(set_name)
        assert not set(training) & set(test)
        classes = {
            name: [np.asarray(images.pixels(gm)) for gm in training if contents[gm] == name]
            for name in names
        }
        for kind in INPUTS:
            start = parsers[set_name] if kind == "fingerprint" else None
            job = _job(kind, start, set_name, options)
            run = train_classifier(
                job,
                classes,
                initial=start.weights if start else None,
                progress=prefixed(progress, f"{kind} {set_name}"),
            )
            losses[kind].append(float(run.log[-1]["classes"]))
            for gm in _present(images, test):
                told = log_probabilities(run.network, images.pixels(gm), job.config, options.device)
                own = told.argmax(axis=1) == names.index(contents[gm])
                right[kind][contents[gm]].append(own.astype(np.float64))
    results = {
        kind: ContentResult(
            accuracy(right[kind], seed=options.seed),
            {name: float(np.concatenate(of_gms).mean()) for name, of_gms in right[kind].items()},
            float(np.mean(losses[kind])),
        )
        for kind in INPUTS
    }
    counts = Counter(contents.values())
    return ContentIndependence(
        benchmark.name,
        options.preset,
        tuple(benchmark.sets),
        {name: counts[name] for name in names},
        results["image"].accuracy.n_sources,
        1 / len(names),
        math.log(len(names)),
        results,
        results["fingerprint"].accuracy.less(results["image"].accuracy),
    )


def contents_of(benchmark: Benchmark) -> dict[str, str]:
    """Returns the content class of each GM with images: its content, or `other`."""
    present = [gm for gm, n in zip(benchmark.gms, benchmark.n_images, strict=True) if n]
    counts = Counter(gm.content for gm in present)
    return {gm.name: gm.content if counts[gm.content] >= LEAST else OTHER for gm in present}


def _check(benchmark: Benchmark, contents: Mapping[str, str], names: list[str]) -> None:
    if len(names) < 2:
        raise BenchmarkError(
            f"All GMs of {benchmark.name} are of one content ({', '.join(names) or 'none'}): there "
            "is nothing to tell. Take a benchmark of several contents."
        )
    tested = {contents[gm] for test in benchmark.sets.values() for gm in test if gm in contents}
    if lacking := sorted(set(names) - tested):
        raise BenchmarkError(
            f"{benchmark.name} tests no GM of {', '.join(lacking)}. Give --set with such GMs, or "
            "leave it out."
        )
    for set_name in benchmark.sets:
        trained = {contents[gm] for gm in benchmark.training_gms(set_name)}
        if lacking := sorted(set(names) - trained):
            raise BenchmarkError(
                f"{set_name} leaves no GM of {', '.join(lacking)} to train on. Give another --set."
            )


def _present(images: CachedImages, test: tuple[str, ...]) -> list[str]:
    return [gm for gm in test if gm in images.gms]


def _job(kind: str, start: Fingerprints | None, name: str, options: RunOptions) -> ClassifierJob:
    changes = start.changes if start else {}
    config, usual = (
        classifier_config(options.preset, own, changes, fixed=INPUTS[kind])
        for own in (options.changes, {})
    )
    place = hashed_name(kind, *(start.choice if start else ()))
    folder = classifier_folder(options, config, usual, "content_independence", place, name)
    return ClassifierJob(config, options.seed, options.device, folder)
