"""Image attribution (section 3.4, Table 12): which of these GMs made an image, or is it real?

This is closed-set classification: methods are trained on every class, and every image is tested
once, by methods trained on other images. Folds split real images by what they show, so that no
person is in both training and test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gmbench.applications.attribution_data import (
    AttributionData,
    ClassImages,
    benchmark_classes,
    chosen_gms,
)
from gmbench.applications.attribution_methods import (
    METHODS,
    NETWORKS,
    AttributionTask,
)
from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.published import paper_cells
from gmbench.data.real_images import read_real_images
from gmbench.errors import BenchmarkError, require_known
from gmbench.evaluation.source_scores import Estimate, ScoreDifference, accuracy
from gmbench.evaluation.statistics import Array
from gmbench.progress import Progress, prefixed
from gmbench.training.classify import ClassifierJob, classifier_config, classifier_folder
from gmbench.training.config import TrainingConfig
from gmbench.training.options import RunOptions
from gmbench.training.views import View, view_from_dict

TABLE_12: Mapping[str, Mapping[str, float]] = {
    method: {
        images: cell.value
        for images in ("CelebA", "LSUN")
        if (cell := paper_cells("12").get((method, f"accuracy_{images.lower()}")))
    }
    for method in METHODS
}
"""The paper's accuracies, with 100,000 training images per class."""

STEPS = 2000
"""Training steps of both presets. After 200, the fingerprint network trails noise residuals on
photographs."""

N_FOLDS = 4


@dataclass(frozen=True)
class AttributionResult:
    """How well a method attributes images.

    Attributes:
        accuracy: Share of images attributed correctly, mean over the classes.
        less_ours: The accuracy minus that of `fingerprint`; None for `fingerprint` itself, or if
            it was not run.
        recalls: Share of each class's images that are attributed correctly.
        confusion: Number of images by true class (rows) and predicted class (columns).
    """

    accuracy: Estimate
    less_ours: ScoreDifference | None
    recalls: Mapping[str, float]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Attribution:
    """Attribution methods side by side.

    Attributes:
        data: Name of the data.
        preset: Size of the trainings.
        classes: Names of the classes.
        chance: Accuracy of guessing.
        folds: Number of folds tested, and number of folds that the images were split into.
        n_images: Number of test images.
        methods: Results by method.
        notes: What a reader must know about the images.
    """

    data: str
    preset: str
    classes: tuple[str, ...]
    chance: float
    folds: tuple[int, int]
    n_images: int
    methods: Mapping[str, AttributionResult]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data, with the paper's figures as `paper`."""
        methods = {
            name: {
                "accuracy": one.accuracy.to_dict(),
                "less_ours": one.less_ours.to_dict() if one.less_ours else None,
                "recalls": dict(one.recalls),
                "confusion": one.confusion,
            }
            for name, one in self.methods.items()
        }
        return {
            **asdict(self),
            "methods": methods,
            "paper": {k: dict(TABLE_12[k]) for k in TABLE_12},
        }


def attribute(
    data: AttributionData,
    options: RunOptions,
    methods: Sequence[str] = tuple(METHODS),
    tested_folds: int = N_FOLDS,
    progress: Progress | None = None,
) -> Attribution:
    """Trains and tests methods, fold by fold.

    Args:
        data: Images of each class; their `views` must be made by `attribution_view`.
        options: How networks are trained; changes to `model.` apply to `fingerprint` only.
        methods: Methods to run, keys of `METHODS`.
        tested_folds: How many of the four folds to test; one is enough if there are many classes.
        progress: Progress callback.

    Raises:
        UnknownNameError: There is no such method.
        BenchmarkError: A class has too few images, persons or pictures to be split, or the
            number of folds is out of range.
        TrainingError: A training failed.
    """
    methods = tuple(dict.fromkeys(methods))
    require_known("Method", METHODS, *methods)
    if not 1 <= tested_folds <= N_FOLDS:
        raise BenchmarkError(f"{tested_folds} folds cannot be tested. Give 1 to {N_FOLDS}.")
    parts = {name: _fold_of(name, one, options.seed) for name, one in data.classes.items()}
    n = len(data.classes)
    right: dict[str, dict[str, list[Array]]] = {m: {c: [] for c in data.classes} for m in methods}
    confusion = {method: np.zeros((n, n), np.int64) for method in methods}
    for fold in range(tested_folds):
        train = {c: _taken(one, parts[c] != fold) for c, one in data.classes.items()}
        test = {c: _taken(one, parts[c] == fold) for c, one in data.classes.items()}
        _check_units(train, test)
        for method in methods:
            told = prefixed(progress, f"{method} {fold + 1}/{tested_folds}")
            if told:
                told("images", 0, None)
            jobs = {one: _job(one, fold, data.folder, options) for one in NETWORKS}
            task = AttributionTask(
                train, _together(list(test.values())), data.genuine, jobs, options.seed, told
            )
            said = METHODS[method](task)
            first = 0
            for number, (name, one) in enumerate(test.items()):
                own = said[first : first + len(one.units)]
                first += len(own)
                np.add.at(confusion[method][number], own, 1)
                right[method][name] += _by_unit(own == number, one.units)
    accuracies = {m: accuracy(right[m], seed=options.seed) for m in methods}
    ours = accuracies.get("fingerprint")
    results = {
        method: AttributionResult(
            found,
            found.less(ours) if ours is not None and method != "fingerprint" else None,
            {c: float(np.concatenate(of_class).mean()) for c, of_class in right[method].items()},
            tuple(tuple(map(int, row)) for row in confusion[method]),
        )
        for method, found in accuracies.items()
    }
    n_images = int(next(iter(confusion.values())).sum()) if methods else 0
    return Attribution(
        data.name, options.preset, tuple(data.classes), 1 / n, (tested_folds, N_FOLDS), n_images,
        results, data.notes,
    )  # fmt: skip


def read_classes(
    benchmark: Benchmark,
    folder: Path,
    gms: Sequence[str],
    content: str,
    options: RunOptions,
    progress: Progress | None = None,
) -> AttributionData:
    """Reads the data for `attribute` from a dataset: images of GMs, and real ones.

    Args:
        benchmark: The benchmark.
        folder: The dataset folder.
        gms: Names of the GMs, or `all`; empty for the four default GMs of the content.
        content: Content of the default GMs.
        options: How networks are trained.
        progress: Progress callback.

    Raises:
        UnknownNameError: The benchmark has no such GM.
        BenchmarkError: There is no default for the content, there are too few GMs, or no real
            images of their contents.
        DatasetError: The dataset has no real images.
    """
    chosen = chosen_gms(benchmark, gms, content)
    real = read_real_images(folder)
    return benchmark_classes(benchmark, folder, chosen, real, attribution_view(options), progress)


def attribution_view(options: RunOptions) -> View:
    """Returns the view of an image that networks see; it makes the `views` of the data."""
    return view_from_dict(_config(options.preset, "fingerprint", options.changes).view)


def _config(preset: str, method: str, changes: Mapping[str, Any]) -> TrainingConfig:
    """Returns the training settings of a method; all methods share the same view."""
    own = {
        k: v for k, v in changes.items() if method == "fingerprint" or k.split(".")[0] != "model"
    }
    usual = NETWORKS[method].get(preset, {})
    fixed = {"method": usual.get("method", "classifier")}
    return classifier_config(preset, {"steps": STEPS}, usual, own, fixed=fixed)


def _job(method: str, fold: int, data: str, options: RunOptions) -> ClassifierJob:
    config, usual = (_config(options.preset, method, own) for own in (options.changes, {}))
    names = ("attribute", data, method, f"fold_{fold + 1}")
    folder = classifier_folder(options, config, usual, *names)
    return ClassifierJob(config, options.seed, options.device, folder)


def _fold_of(name: str, images: ClassImages, seed: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Returns the fold in which each image is tested; images of a unit share a fold.

    Raises:
        BenchmarkError: There are fewer units than folds.
    """
    units = sorted(set(images.units))
    if len(units) < N_FOLDS:
        raise BenchmarkError(
            f"The class {name} has {len(units)} images, persons or pictures; to train on some and "
            f"test on others it takes {N_FOLDS}. Give more."
        )
    order = np.random.default_rng([seed, *name.encode()]).permutation(len(units))
    fold = {units[row]: place % N_FOLDS for place, row in enumerate(order.tolist())}
    return np.array([fold[unit] for unit in images.units])


def _check_units(train: Mapping[str, ClassImages], test: Mapping[str, ClassImages]) -> None:
    sides = [{unit for one in part.values() for unit in one.units} for part in (train, test)]
    shared = sorted(sides[0] & sides[1])
    assert not shared, f"trained and tested on {shared[:10]}"


def _taken(images: ClassImages, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> ClassImages:
    units = tuple(unit for unit, taken in zip(images.units, rows, strict=True) if taken)
    return ClassImages(images.views[rows], images.whole[rows], units)


def _together(parts: Sequence[ClassImages]) -> ClassImages:
    return ClassImages(
        np.concatenate([one.views for one in parts]),
        np.concatenate([one.whole for one in parts]),
        tuple(unit for one in parts for unit in one.units),
    )


def _by_unit(right: np.ndarray[Any, np.dtype[np.bool_]], units: Sequence[str]) -> list[Array]:
    """Returns whether images are attributed correctly, grouped by unit."""
    names = np.array(units)
    return [right[names == unit].astype(np.float64) for unit in dict.fromkeys(units)]
