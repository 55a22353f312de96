"""Image attribution (section 3.4, Table 12): which of these GMs made an image, or is it real?

A closed set: every class is trained on, and every image is tested once by methods that were trained
on others. Folds part real images by what they show, so that no person is on both sides.
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
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.evaluation.source_scores import Estimate, ScoreDifference, accuracy
from gmbench.evaluation.statistics import Array
from gmbench.progress import Progress, prefixed
from gmbench.training.classify import ClassifierJob, classifier_config
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
"""The paper's accuracies, of 100,000 training images a class."""

STEPS = 2000
"""Of either preset. After 200 the fingerprint network is behind noise residuals on photographs."""

N_FOLDS = 4


@dataclass(frozen=True)
class AttributionResult:
    """How well a method attributes.

    Attributes:
        accuracy: Share of images that are told right, mean over the classes.
        less_ours: The same less that of `fingerprint`; None for itself, or where it was not run.
        recalls: Share of each class's images that is told right.
        confusion: Images by class (rows) and by what the method says (columns).
    """

    accuracy: Estimate
    less_ours: ScoreDifference | None
    recalls: Mapping[str, float]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Attribution:
    """Methods side by side.

    Attributes:
        data: What was told apart.
        preset: Size of the trainings.
        classes: Names of the classes.
        chance: What guessing reaches.
        folds: How many parts were tested, of how many the images were parted into.
        n_images: Images that were tested.
        methods: Results by method.
        notes: What a reader must know of the images.
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
        data: Images of each class; `views` of the view of the networks' settings.
        options: How; changes of `model.` are those of `fingerprint` alone.
        methods: Which, keys of `METHODS`.
        tested_folds: How many of the four parts are tested: one is enough where classes are many.
        progress: Told how far the work is.

    Raises:
        UnknownNameError: There is no such method.
        BenchmarkError: A class has too few images, persons or pictures to be parted, or the
            number of folds is out of range.
        TrainingError: A training came to nothing.
    """
    for method in methods:
        if method not in METHODS:
            known = ", ".join(METHODS)
            raise UnknownNameError("Method", method, METHODS, f"There are: {known}.")
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
            jobs = {one: _job(one, fold, data.name, options) for one in NETWORKS}
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
    """Returns what `attribute` takes of a dataset: images of GMs, and real ones.

    Args:
        benchmark: Labels.
        folder: The dataset folder.
        gms: Names of the GMs, or `all`; none for the paper's four of the content.
        content: What these four make.
        options: How networks are trained.
        progress: Told how far the reading is.

    Raises:
        UnknownNameError: The benchmark has no such GM.
        BenchmarkError: There is no default for the content, too few GMs, or no real images of what
            they make.
        DatasetError: The dataset has no real images.
    """
    chosen = chosen_gms(benchmark, gms, content)
    real = read_real_images(folder)
    return benchmark_classes(benchmark, folder, chosen, real, attribution_view(options), progress)


def attribution_view(options: RunOptions) -> View:
    """Returns what networks see of an image: `views` of the data are made by it."""
    return view_from_dict(_config(options.preset, "fingerprint", options.changes).view)


def _config(preset: str, method: str, changes: Mapping[str, Any]) -> TrainingConfig:
    """Returns the settings of a method's training; the view is the same in all."""
    own = {
        k: v for k, v in changes.items() if method == "fingerprint" or k.split(".")[0] != "model"
    }
    return classifier_config(preset, {"steps": STEPS}, NETWORKS[method].get(preset, {}), own)


def _job(method: str, fold: int, data: str, options: RunOptions) -> ClassifierJob:
    folder = None
    if options.runs:
        place = options.runs / "attribute" / data / method
        folder = place / f"seed_{options.seed}" / f"fold_{fold + 1}"
    config = _config(options.preset, method, options.changes)
    return ClassifierJob(config, options.seed, options.device, folder)


def _fold_of(name: str, images: ClassImages, seed: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Returns the fold in which each image is tested; images of one unit share theirs.

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
    """Returns whether images are told right, unit by unit."""
    names = np.array(units)
    return [right[names == unit].astype(np.float64) for unit in dict.fromkeys(units)]
