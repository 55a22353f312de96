"""Training the parser of known GMs, and finding out, fold by fold, how wrong it is on unseen GMs.

A replica speaks for the GM that it is a replica of: it has the same layers, classes and losses, and
is narrower. Whoever parses its images wants to learn about the published GM.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.catalog import diffusion7, red116
from gmbench.benchmark.extra import ExtraGMs
from gmbench.data.real_images import REAL, read_real_images
from gmbench.data.rgb import Pixels, rgb_pixels
from gmbench.parsing.distances import Distances
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.surety import Surety, Unseen
from gmbench.progress import Progress
from gmbench.training.changed_images import Change
from gmbench.training.feature_table import (
    Features,
    feature_rows,
    read_features,
    residual_rows,
)
from gmbench.training.image_inputs import opened
from gmbench.training.parsed import LabelSpace
from gmbench.training.relatives import Relatives, directions_of, spread

FOLDS = 10
REPLICA = "MINI_"
FALSE_ALARMS = 0.05
"""Share of unseen GMs' images that may be called real."""


@dataclass(frozen=True)
class KnownImages:
    """What a parser is trained on.

    Attributes:
        features: Features of all images, shape (images, features).
        groups: Group of each image, shape (images,): a GM or, after these, real images of one
            content.
        names: Names of the GMs, replicas by their own names.
        speaks_for: Name of the GM that each speaks for.
        values: Label values of that GM, shape (GMs, 25); the usual ones where they are unknown.
        stated: Whether they are known, of the same shape.
        kinds: Kinds of these GMs.
        real: Names of the groups of real images.
        sources: What each real image shows; empty for all other images.
        copies: Features of changed copies of all images, one array for each copy.
    """

    features: Features
    groups: NDArray[np.int64]
    names: tuple[str, ...]
    speaks_for: tuple[str, ...]
    values: NDArray[np.float64]
    stated: NDArray[np.bool_]
    kinds: tuple[str, ...]
    real: tuple[str, ...]
    sources: NDArray[np.str_]
    copies: tuple[Features, ...] = ()

    def without(self, gms: Collection[str]) -> KnownImages:
        """Returns everything but the images of some GMs and of the GMs that speak for them."""
        stays = np.array([name not in gms for name in self.speaks_for])
        stays_too = np.concatenate([stays, np.ones(len(self.real), dtype=bool)])
        rows = stays_too[self.groups]
        chosen = np.flatnonzero(stays)
        return KnownImages(
            features=self.features[rows],
            groups=(np.cumsum(stays_too) - 1)[self.groups[rows]],
            names=tuple(self.names[gm] for gm in chosen),
            speaks_for=tuple(self.speaks_for[gm] for gm in chosen),
            values=self.values[stays],
            stated=self.stated[stays],
            kinds=tuple(self.kinds[gm] for gm in chosen),
            real=self.real,
            sources=self.sources[rows],
            copies=tuple(one[rows] for one in self.copies),
        )


@dataclass(frozen=True)
class Fitted:
    """A parser, and the output for every image while it was unseen.

    Attributes:
        parser: The parser trained on all images.
        unseen: Output of parsers trained without them for all images, those of GMs and real ones,
            in the order of `KnownImages`; shares of all GMs, 0 for those not known at the time.
    """

    parser: KnownGMs
    unseen: Unseen


def read_known_images(
    benchmark: Benchmark,
    folder: Path,
    extra: Sequence[ExtraGMs] = (),
    real_files: Sequence[Path] = (),
    progress: Progress | None = None,
    *,
    copies: int = 0,
    seed: int = 0,
) -> KnownImages:
    """Reads the images to train on: those of a dataset and of extra GMs, and their real images.

    Real images from files are grouped by size, which tells collections apart, and each group is
    left out as a whole.

    Args:
        benchmark: The benchmark of the dataset.
        folder: The dataset folder.
        extra: GMs of other datasets.
        real_files: Further real images.
        progress: Called with the number of images whose features are made.
        copies: Number of changed copies of each image to learn from as well.
        seed: Seed of the changes.

    Raises:
        GmbenchError: As raised by `read_features`.
    """
    ways = [None, *(Change(number, seed) for number in range(copies))]
    tables = [
        read_features(
            benchmark, folder, extra, "spectral_size_colour", progress, residuals=True, change=way
        )
        for way in ways
    ]
    table = tables[0]
    gms = [*benchmark.gms, *(gm for one in extra for gm in one.gms)]
    published = {f"{REPLICA}{gm.name}": gm for gm in (*red116(), *diffusion7())}
    rows, groups = np.unique(table.gms, return_inverse=True)
    own = [gms[row] for row in rows]
    spoken = [published.get(gm.name, gm) for gm in own]
    features, sources = [[one.features] for one in tables], [np.full(len(groups), "", dtype=object)]
    numbers, real = [groups], list[str]()
    for name, pixels, shown in _real_images((folder, *(one.folder for one in extra)), real_files):
        for way, rows_of_way in zip(ways, features, strict=True):
            rows_of_way.append(_features_of(name, pixels, way))
        numbers.append(np.full(len(pixels), len(own) + len(real)))
        sources.append(np.array(shown, dtype=object))
        real.append(name)
    as_they_are, *changed = (np.concatenate(one) for one in features)
    return KnownImages(
        features=as_they_are,
        groups=np.concatenate(numbers),
        names=tuple(gm.name for gm in own),
        speaks_for=tuple(gm.name for gm in spoken),
        values=benchmark.labels_of(spoken),
        stated=~np.isnan([gm.values for gm in spoken]),
        kinds=tuple(gm.kind for gm in spoken),
        real=tuple(real),
        sources=np.concatenate(sources).astype(str),
        copies=tuple(changed),
    )


def _features_of(name: str, pixels: list[Pixels], way: Change | None) -> Features:
    """Returns the features of a group of real images, changed in some way or as they are."""
    if way:
        images = map(Image.fromarray, pixels)
        pixels = [way(image, f"{name}/{row:06d}") for row, image in enumerate(images)]
    made = (feature_rows(iter(pixels)), residual_rows(iter(pixels)))
    return np.hstack([np.concatenate(list(part)) for part in made])


def _real_images(
    folders: Sequence[Path], files: Sequence[Path]
) -> Iterator[tuple[str, list[Pixels], list[str]]]:
    """Yields groups of real images: name, pixels of each image, and what each image shows."""
    for place in folders:
        if not (place / REAL).is_dir():
            continue
        for shard in read_real_images(place):
            pixels = [rgb_pixels(shard.opened(row), shard.name) for row in range(len(shard.images))]
            yield shard.name, pixels, [f"{shard.content}/{one}" for one in shard.sources]
    by_size: dict[str, list[Pixels]] = {}
    for image in opened(files) if files else ():
        pixels_of_one = rgb_pixels(image, "")
        by_size.setdefault("x".join(map(str, pixels_of_one.shape[1::-1])), []).append(pixels_of_one)
    for size, alike in sorted(by_size.items()):
        yield f"real-files-{size}", alike, [f"files/{size}"] * len(alike)


def fit_known_gms(
    images: KnownImages,
    benchmark: Benchmark,
    seed: int,
    trained_on: dict[str, Any],
    progress: Progress | None = None,
) -> Fitted:
    """Trains the parser, and ten times without a tenth of the GMs to learn how sure it may be.

    Args:
        images: What to train on.
        benchmark: Defines how counts are normalised and which classes there are.
        seed: Seed of the trees and of the folds.
        trained_on: What the parser states about its training.
        progress: Called with the number of trainings done.
    """
    n_images, n_gms = len(images.groups), len(images.names)
    of_gm = images.groups < n_gms
    shares = np.zeros((n_images, n_gms))
    real, distances = np.zeros(n_images), np.zeros(n_images)
    folds = folds_of(images, seed)
    for done, out in enumerate(folds):
        if progress:
            progress("folds", done, FOLDS + 1)
        fold = fit_without(images, out, benchmark, seed)
        found = fold.look_at(images.features[out], n_gms)
        shares[out], real[out], distances[out] = found.shares, found.real, found.distances
    if progress:
        progress("folds", FOLDS, FOLDS + 1)
    unseen = Unseen(shares, distances, images.groups, real)
    learnt = np.concatenate([spread(np.flatnonzero(images.groups == gm)) for gm in range(n_gms)])
    weights = 1.0 / np.bincount(images.groups[of_gm])[images.groups[of_gm]]
    whole = fit_without(images, np.zeros(n_images, dtype=bool), benchmark, seed)
    parser = KnownGMs(
        names=images.speaks_for,
        values=images.values,
        labels=LabelSpace.of(benchmark),
        relatives=whole.relatives,
        distances=whole.distances,
        surety=Surety.learn(unseen.of(learnt), images.values, images.stated),
        # A parser that knows no real images calls none real.
        real_from=upper_quantile(real[of_gm], weights, FALSE_ALARMS) if images.real else 2.0,
        trained_on=trained_on,
    )
    if progress:
        progress("folds", FOLDS + 1, FOLDS + 1)
    return Fitted(parser, unseen)


def folds_of(images: KnownImages, seed: int) -> list[NDArray[np.bool_]]:
    """Splits images into folds; GMs of equal labels, and real images of one source, stay together.

    Kinds of GM are spread evenly.

    Returns:
        For each fold, which images are unseen in it, shape (images,).
    """
    generator = np.random.default_rng([seed, 0xF0])
    alike: dict[tuple[float, ...], list[int]] = {}
    for row, values in enumerate(images.values.tolist()):
        alike.setdefault(tuple(values), []).append(row)
    families = list(alike.values())
    generator.shuffle(families)
    families.sort(key=lambda rows: images.kinds[rows[0]])
    fold_of = np.zeros(len(images.groups), dtype=int)
    for number, rows in enumerate(families):
        fold_of[np.isin(images.groups, rows)] = number % FOLDS
    of_real = images.groups >= len(images.names)
    for number, source in enumerate(generator.permutation(np.unique(images.sources[of_real]))):
        fold_of[of_real & (images.sources == source)] = number % FOLDS
    return [fold_of == fold for fold in range(FOLDS) if (fold_of == fold).any()]


@dataclass(frozen=True)
class Fold:
    """What was trained without some images.

    Attributes:
        relatives: Knows the groups.
        distances: Where they lie.
        groups: The known groups, in the order of the shares: GMs, then real images.
    """

    relatives: Relatives
    distances: Distances
    groups: NDArray[np.int64]

    def look_at(self, features: Features, n_gms: int) -> Unseen:
        """Returns what is seen in other images, with their GMs left open.

        Args:
            features: Features of these images, shape (images, features).
            n_gms: Number of all GMs, including those not known.
        """
        found = self.relatives.shares(features)
        known = self.groups < n_gms
        made = found[:, known] + 1e-9
        shares = np.zeros((len(found), n_gms))
        shares[:, self.groups[known]] = made / made.sum(axis=1, keepdims=True)
        return Unseen(
            shares,
            self.distances.nearest(features),
            np.full(len(found), -1),
            found[:, ~known].sum(axis=1),
        )


def fit_without(
    images: KnownImages, out: NDArray[np.bool_], benchmark: Benchmark, seed: int
) -> Fold:
    """Learns to recognise GMs, and real images, from all images but some.

    Args:
        images: The images.
        out: Which images are left out, shape (images,).
        benchmark: Defines how counts are normalised and which classes there are.
        seed: Seed of the trees.
    """
    groups = np.unique(images.groups[~out])
    features, numbers = images.features[~out], np.searchsorted(groups, images.groups[~out])
    copies = [one[~out] for one in images.copies]
    known = groups[groups < len(images.names)]
    labels = directions_of(images.values[known], benchmark)
    # Real images have no labels, which is what distinguishes them from all GMs.
    targets = np.zeros((len(groups), labels.shape[1] + 1))
    targets[: len(known), :-1] = labels
    targets[len(known) :, -1] = 2.0
    return Fold(
        Relatives.fit(features, numbers, targets, seed, copies),
        # Changed images of a known GM are like something known as well.
        Distances.fit(np.concatenate([features, *copies]), np.tile(numbers, 1 + len(copies))),
        groups,
    )


def upper_quantile(
    values: NDArray[np.float64], weights: NDArray[np.float64], above: float
) -> float:
    """Returns the least value with no more than a given part of the weight above it.

    Args:
        values: Shape (images,).
        weights: Shape (images,).
        above: That part, 0 to 1.
    """
    order = np.argsort(values)[::-1]
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(reached, above)])
