"""Image classes for attribution: GMs of a benchmark and real images, or a user's own folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gmbench.applications.sources import notes_on
from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.catalog import GM
from gmbench.data.class_folders import read_class_folders
from gmbench.data.real_images import RealShard
from gmbench.data.rgb import Pixels
from gmbench.errors import BenchmarkError
from gmbench.progress import Progress
from gmbench.training.cache import cached_images
from gmbench.training.image_inputs import opened
from gmbench.training.options import hashed_name
from gmbench.training.views import Resized, View

REAL = "real"
"""Name of the class of real images."""

PAPER_GMS: Mapping[str, tuple[str, ...]] = {
    "faces": ("SNGAN", "MMD_GAN", "CRAMER_GAN", "PROG_GAN"),
    "photos": ("RSGAN_RES_REG", "WGAN_WC", "RSGAN_REG", "LAPGAN"),
}
"""The paper's four GMs, whose replicas all make faces; for photographs, which replace LSUN's
bedrooms, the four GANs closest to them: residual, integral probability metric, DCGAN, progressively
grown."""

_SIDE = 64
"""Side of whole images if their size is unknown (section 4.1)."""


@dataclass(frozen=True)
class ClassImages:
    """Images of one class.

    Attributes:
        views: Inputs of networks, shape (images, views, size, size, 3).
        whole: Inputs of the other methods, shape (images, side, side, 3), with the same side in
            all classes.
        units: Unit of each image, which must not be in both training and test: the person or
            picture that a real image shows, or a generated image itself.
    """

    views: Pixels
    whole: Pixels
    units: tuple[str, ...]


@dataclass(frozen=True)
class AttributionData:
    """The classes to tell apart.

    Attributes:
        name: Name of the data, used in the result and in the folder of the trainings.
        classes: Images of each class.
        genuine: Name of the class of real images; None if there is none.
        notes: What a reader must know about the images.
        choice: Names of the GMs if they are not those chosen by default, part of the folder of the
            trainings.
    """

    name: str
    classes: Mapping[str, ClassImages]
    genuine: str | None
    notes: tuple[str, ...] = ()
    choice: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Name of the folder of the trainings."""
        return hashed_name(self.name, *self.choice)


def chosen_gms(benchmark: Benchmark, names: Sequence[str], content: str) -> tuple[GM, ...]:
    """Returns the GMs to tell apart: those named, else four default ones; all for `all`.

    Raises:
        UnknownNameError: The benchmark has no such GM.
        BenchmarkError: There is no default for the content, or there are fewer than two GMs.
    """
    if list(names) == ["all"] or (not names and content == "all"):
        return _all_gms(benchmark)
    if not names and content not in PAPER_GMS:
        raise BenchmarkError(
            f"Which GMs of {content} are to be told apart? Name them with --gm, or take --content "
            f"{' or '.join(PAPER_GMS)}, which have four by default."
        )
    wanted = names or _default_names(benchmark, content)
    found = tuple(dict.fromkeys(benchmark.gm(name) for name in wanted))
    if len(found) < 2:
        raise BenchmarkError("Attribution needs two GMs at least. Name more with --gm.")
    return found


def benchmark_classes(
    benchmark: Benchmark,
    folder: Path,
    gms: Sequence[GM],
    real: Sequence[RealShard],
    view: View,
    progress: Progress | None = None,
) -> AttributionData:
    """Returns GMs of a benchmark, and the real images of their contents, as classes.

    Args:
        benchmark: The benchmark.
        folder: Its dataset folder.
        gms: The GMs.
        real: All real images; those matching the GMs' contents and sizes are used.
        view: View that networks see.
        progress: Progress callback.

    Raises:
        BenchmarkError: There are no real images of any of the contents.
    """
    kinds = {f"{gm.content}-{_side_of(gm) or ''}" for gm in gms}
    sides = {_side_of(gm) for gm in gms}
    known = [side for side in sides if side is not None]
    side = min(known) if len(known) == len(sides) else _SIDE
    notes = [] if len(sides) == 1 else [_resized(sorted(map(str, sides)), side)]
    names = [gm.name for gm in gms]
    seen = cached_images(folder, view, gms=names, progress=progress)
    full = cached_images(folder, Resized(side), gms=names, progress=progress)
    classes = {
        name: ClassImages(
            np.asarray(seen.pixels(name)), np.asarray(full.pixels(name)[:, 0]), seen.image_ids(name)
        )
        for name in names
    }
    shards = [shard for shard in real if shard.name.removeprefix("real-") in kinds]
    if not shards:
        raise BenchmarkError(
            f"{benchmark.name} has no real images of {', '.join(sorted(kinds))}, which these GMs "
            "make. Choose other GMs with --gm."
        )
    parts = [_real_class(shard, view, side) for shard in shards]
    classes = {
        REAL: ClassImages(
            np.concatenate([part.views for part in parts]),
            np.concatenate([part.whole for part in parts]),
            tuple(unit for part in parts for unit in part.units),
        ),
        **classes,
    }
    notes += notes_on(shards)
    contents = sorted({gm.content for gm in gms})
    name = f"{contents[0] if len(contents) == 1 else 'all'}_{len(gms)}"
    usual = [_default_names(benchmark, content) for content in PAPER_GMS]
    choice = () if names in usual or tuple(gms) == _all_gms(benchmark) else tuple(names)
    return AttributionData(name, classes, REAL, tuple(notes), choice)


def folder_classes(folder: Path, view: View, genuine: str = REAL) -> AttributionData:
    """Returns the subfolders of a user's folder as classes, such as `real` and one per GM.

    Args:
        folder: Folder with one subfolder of images per class.
        view: View that networks see.
        genuine: Name of the class of real images.

    Raises:
        SourceError: A folder is missing or empty, there is only one class, or an image cannot be
            read.
    """
    classes, sizes = {}, Counter[str]()
    for name, files in read_class_folders(folder).items():
        views: list[Pixels] = []
        whole: list[Pixels] = []
        for file in files:
            (image,) = opened(file)
            sizes[f"{image.width} x {image.height}"] += 1
            views.append(view.apply(image, f"{name}/{file.name}"))
            whole.append(Resized(_SIDE).apply(image)[0])
        units = tuple(f"{name}/{file.relative_to(folder / name)}" for file in files)
        classes[name] = ClassImages(np.stack(views), np.stack(whole), units)
    notes = [] if len(sizes) == 1 else [_resized(list(sizes), _SIDE)]
    if genuine not in classes:
        notes.append(f"there is no class {genuine}: the constraints hold for all fingerprints.")
    return AttributionData(
        folder.resolve().name, classes, genuine if genuine in classes else None, tuple(notes)
    )


def _all_gms(benchmark: Benchmark) -> tuple[GM, ...]:
    with_images = zip(benchmark.gms, benchmark.n_images, strict=True)
    return tuple(gm for gm, n_images in with_images if n_images)


def _default_names(benchmark: Benchmark, content: str) -> list[str]:
    known = benchmark.index
    return [
        name if name in known or f"MINI_{name}" not in known else f"MINI_{name}"
        for name in PAPER_GMS[content]
    ]


def _real_class(shard: RealShard, view: View, side: int) -> ClassImages:
    images = [(shard.opened(row), shard.image_ids[row]) for row in range(len(shard.images))]
    return ClassImages(
        np.stack([view.apply(image, name) for image, name in images]),
        np.stack([Resized(side).apply(image, name)[0] for image, name in images]),
        tuple(f"{shard.content}: {source}" for source in shard.sources),
    )


def _side_of(gm: GM) -> int | None:
    side = gm.resolution.partition("x")[0]
    return int(side) if side.isdecimal() else None


def _resized(sizes: Sequence[str], side: int) -> str:
    shown = ", ".join(sizes[:5]) + (" and others" if len(sizes) > 5 else "")
    return (
        f"images of several sizes ({shown}): kNN, Eigenface and PRNU see them resized to {side} x "
        f"{side}, networks cropped as they are."
    )
