"""Deepfake detection (section 3.4, Table 11): is an image real, or was it made by a GM?

The fingerprint network and a shallow network of five convolutions and two fully connected layers
are trained end to end, with constraints only on the fingerprints of fakes. Training and test share
no GM, person or video. The paper's two variants with more inputs use Xception; here every variant
has the same shallow network, so that only the inputs differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmbench.applications.parsers import Fingerprints
from gmbench.applications.sources import (
    DetectionFold,
    Source,
    benchmark_folds,
    notes_on,
    pixels_by_class,
)
from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.published import paper_cells
from gmbench.data.real_images import read_real_images
from gmbench.data.rgb import Pixels
from gmbench.errors import BenchmarkError, require_known
from gmbench.evaluation.source_scores import (
    Estimate,
    FoldScores,
    ScoreDifference,
    SourceScores,
    auc,
    source_aucs,
)
from gmbench.progress import Progress, prefixed
from gmbench.training.cache import cached_images
from gmbench.training.classify import (
    ClassifierJob,
    classifier_config,
    classifier_folder,
    log_probabilities,
    train_classifier,
)
from gmbench.training.options import RunOptions, hashed_name
from gmbench.training.views import View, view_from_dict

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "fingerprint": {"model.inputs": "fingerprint"},
    "image_fingerprint": {"model.inputs": "image_fingerprint"},
    "image_fingerprint_phase": {"model.inputs": "image_fingerprint_phase"},
    "model_parsing": {"model.inputs": "fingerprint"},
}
"""Settings of each variant, which select the input of the shallow network; `model_parsing` starts
from a parser's fingerprint network."""

OURS = "fingerprint"
"""The variant that the others are compared with."""

TABLE_11: Mapping[str, float] = {
    row: cell.value for (row, _), cell in paper_cells("11").items() if row in VARIANTS
}
"""The paper's areas under the ROC curve, trained on FF++ and tested on Celeb-DF."""

SIMPLE = "one_number"
"""The trivial baseline: an image's colour, sharpness or contrast, chosen on training images."""


@dataclass(frozen=True)
class DetectorResult:
    """How well a detector recognises fakes.

    Attributes:
        auc: Area under the ROC curve, mean over the folds.
        gain: The AUC minus that of the trivial baseline.
        less_fingerprint: The AUC minus that of `fingerprint`; None for `fingerprint` itself, or if
            it was not run.
        folds: AUC of each fold.
        sources: AUC of each fake source against the real images of its fold.
    """

    auc: Estimate
    gain: ScoreDifference
    less_fingerprint: ScoreDifference | None
    folds: Mapping[str, float]
    sources: Mapping[str, float]


@dataclass(frozen=True)
class Detection:
    """Detectors side by side.

    Attributes:
        data: Name of the data that they were trained and tested on.
        preset: Size of the trainings.
        n_fake: Number of fake test sources, such as GMs.
        n_real: Number of real test sources, such as persons.
        n_images: Number of test images.
        detectors: Results by variant, then those of the trivial baseline as `one_number`.
        chosen: The number that the trivial baseline used in each fold.
        notes: What a reader must know about the data.
    """

    data: str
    preset: str
    n_fake: int
    n_real: int
    n_images: int
    detectors: Mapping[str, DetectorResult]
    chosen: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data, with the paper's figures as `paper`."""
        detectors = {
            name: {
                "auc": one.auc.to_dict(),
                "gain": one.gain.to_dict(),
                "less_fingerprint": one.less_fingerprint and one.less_fingerprint.to_dict(),
                "folds": dict(one.folds),
                "sources": dict(one.sources),
            }
            for name, one in self.detectors.items()
        }
        return {**asdict(self), "detectors": detectors, "paper": dict(TABLE_11)}


def detect(
    folds: Sequence[DetectionFold],
    data: str,
    options: RunOptions,
    variants: Sequence[str] = tuple(VARIANTS),
    parsers: Mapping[str, Fingerprints] | None = None,
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Detection:
    """Trains and tests detectors, fold by fold.

    Args:
        folds: What to train and test on; pixels must be of the view `detection_view`.
        data: Name of the data, used in the result and in the folder of the trainings.
        options: How detectors are trained.
        variants: Detectors to train, keys of `VARIANTS`.
        parsers: Fingerprint network of each fold, for `model_parsing`.
        notes: What a reader must know about the data.
        progress: Progress callback.

    Raises:
        UnknownNameError: There is no such variant.
        BenchmarkError: `model_parsing` is requested and a fold has no parser.
        TrainingError: A training failed.
    """
    require_known("Variant", VARIANTS, *variants)
    if "model_parsing" in variants and (lacking := {f.name for f in folds} - set(parsers or ())):
        raise BenchmarkError(
            f"model_parsing begins with a trained parser, and {', '.join(sorted(lacking))} has "
            "none. Give one with --parser, or other variants with --variant."
        )
    chosen, simple = {}, []
    for fold in folds:
        name, sign = _best_number(fold.train)
        chosen[fold.name] = name
        simple.append(_scored(fold.test, [sign * NUMBERS[name](one.pixels) for one in fold.test]))
    scores = {
        variant: [
            _scored(fold.test, _trained_scores(fold, variant, data, options, parsers, progress))
            for fold in folds
        ]
        for variant in variants
    } | {SIMPLE: simple}
    areas = {name: auc(of_folds, seed=options.seed) for name, of_folds in scores.items()}
    ours = areas.get(OURS)
    detectors = {
        name: DetectorResult(
            area,
            area.less(areas[SIMPLE]),
            area.less(ours) if ours is not None and name != OURS else None,
            _by_fold(folds, scores[name]),
            source_aucs(scores[name]),
        )
        for name, area in areas.items()
    }
    tested = [one for fold in folds for one in fold.test]
    return Detection(
        data=data,
        preset=options.preset,
        n_fake=len({one.name for one in tested if one.fake}),
        n_real=len({one.name for one in tested if not one.fake}),
        n_images=sum(len(one.pixels) for one in tested),
        detectors=detectors,
        chosen=chosen,
        notes=tuple(notes),
    )


def read_folds(
    benchmark: Benchmark,
    folder: Path,
    content: str | None,
    options: RunOptions,
    progress: Progress | None = None,
) -> tuple[list[DetectionFold], list[str]]:
    """Reads the input of `detect` from a dataset: a fold for each set, and notes on the data.

    Args:
        benchmark: Labels and sets.
        folder: The dataset folder.
        content: The content to use; None uses all contents.
        options: How detectors are trained.
        progress: Progress callback.

    Raises:
        BenchmarkError: There are no GMs, or too few real sources, of the content.
        DatasetError: The dataset has no real images.
    """
    real = read_real_images(folder)
    images = cached_images(folder, detection_view(options), progress=progress)
    return benchmark_folds(benchmark, images, real, content, options.seed), notes_on(real)


def detection_view(options: RunOptions) -> View:
    """Returns the view of an image that detectors see; `detect` takes pixels of this view."""
    return view_from_dict(classifier_config(options.preset, options.changes).view)


def _trained_scores(
    fold: DetectionFold,
    variant: str,
    data: str,
    options: RunOptions,
    parsers: Mapping[str, Fingerprints] | None,
    progress: Progress | None,
) -> list[NDArray[np.float64]]:
    """Trains a detector on a fold and returns its log-odds of fake for each test source."""
    start = (parsers or {})[fold.name] if variant == "model_parsing" else None
    config, usual = (
        classifier_config(
            options.preset, changes, start.changes if start else {}, fixed=VARIANTS[variant]
        )
        for changes in (options.changes, {})
    )
    kind = hashed_name(variant, *(start.choice if start else ()))
    names = (re.sub(r"[^\w.-]+", "_", name) for name in (data, kind, fold.name))
    place = classifier_folder(options, config, usual, "detect", *names)
    job = ClassifierJob(config, options.seed, options.device, place)
    run = train_classifier(
        job,
        pixels_by_class(fold.train),
        "real",
        initial=start.weights if start else None,
        progress=prefixed(progress, f"{variant} {fold.name}"),
    )
    found = []
    for one in fold.test:
        logs = log_probabilities(run.network, one.pixels, job.config, options.device)
        found.append(logs[:, 1] - logs[:, 0])
    return found


def _scored(sources: Sequence[Source], scores: Sequence[NDArray[np.float64]]) -> FoldScores:
    made: dict[bool, list[SourceScores]] = {True: [], False: []}
    for one, of_images in zip(sources, scores, strict=True):
        made[one.fake].append(SourceScores(one.name, of_images, one.stratum))
    return FoldScores(tuple(made[True]), tuple(made[False]))


def _by_fold(folds: Sequence[DetectionFold], scores: Sequence[FoldScores]) -> dict[str, float]:
    return {
        fold.name: auc([one], replicates=1).value for fold, one in zip(folds, scores, strict=True)
    }


def _colour(pixels: Pixels) -> NDArray[np.float64]:
    """Returns the mean range of the colour channels of each image."""
    values = pixels.astype(np.float64)
    return np.asarray((values.max(axis=-1) - values.min(axis=-1)).mean(axis=(1, 2, 3)))


def _sharpness(pixels: Pixels) -> NDArray[np.float64]:
    """Returns the mean magnitude of the Laplacian of each image."""
    grey = pixels.astype(np.float64).mean(axis=-1)
    inner = grey[..., 1:-1, 1:-1]
    beside = grey[..., :-2, 1:-1] + grey[..., 2:, 1:-1] + grey[..., 1:-1, :-2] + grey[..., 1:-1, 2:]
    return np.asarray(np.abs(4 * inner - beside).mean(axis=(1, 2, 3)))


def _contrast(pixels: Pixels) -> NDArray[np.float64]:
    """Returns the standard deviation of the pixel values of each image."""
    return np.asarray(pixels.astype(np.float64).std(axis=(1, 2, 3, 4)))


NUMBERS = {"colour": _colour, "sharpness": _sharpness, "contrast": _contrast}
"""Numbers available to the trivial baseline, on pixels of shape (images, views, size, size, 3)."""


def _best_number(sources: Sequence[Source]) -> tuple[str, int]:
    """Returns the number that best separates training images, and 1 if fakes have more, else -1."""
    best = ("", 0, 0.0)
    for name, number in NUMBERS.items():
        scores = _scored(sources, [number(one.pixels) for one in sources])
        area = auc([scores], replicates=1).value
        if abs(area - 0.5) >= best[2]:
            best = (name, 1 if area >= 0.5 else -1, abs(area - 0.5))
    return best[0], best[1]
