"""Real and fake images by source, in folds whose training and test share no source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.real_images import RealShard
from gmbench.data.rgb import Pixels
from gmbench.errors import BenchmarkError
from gmbench.training.cache import CachedImages
from gmbench.training.views import View

SOURCES_UNKNOWN = (
    "this dataset does not say whom its real images show: one person may be in training and test."
)


@dataclass(frozen=True)
class Source:
    """Images that are not independent of each other: of one GM, person or video.

    Attributes:
        name: Name of the source.
        fake: Whether its images are generated.
        pixels: Pixels of the images, shape (images, views, size, size, 3).
        stratum: Images are compared only within a stratum, such as a content.
        units: Names of what must not be in both training and test: a GM, persons, videos.
    """

    name: str
    fake: bool
    pixels: Pixels
    stratum: str
    units: frozenset[str]


@dataclass(frozen=True)
class DetectionFold:
    """What a detector is trained and tested on.

    Attributes:
        name: Name, such as `set_1`.
        train: Sources to train on.
        test: Sources to test on.
    """

    name: str
    train: tuple[Source, ...]
    test: tuple[Source, ...]

    def __post_init__(self) -> None:
        """Checks the protocol: training and test have both classes and share no unit.

        Raises:
            BenchmarkError: The protocol is violated.
        """
        for side, sources in (("to train on", self.train), ("to test on", self.test)):
            for fake, kind in ((False, "real"), (True, "fake")):
                if not any(one.fake == fake and len(one.pixels) for one in sources):
                    raise BenchmarkError(
                        f"{self.name} has no {kind} images {side}: a detector needs both classes "
                        "in training and in test. Give more sources of that class."
                    )
        units = [{unit for one in part for unit in one.units} for part in (self.train, self.test)]
        if shared := sorted(units[0] & units[1]):
            raise BenchmarkError(
                f"{self.name} has in training what it tests on: {', '.join(shared[:10])}. Put all "
                "images of a GM, a person or a video on one side."
            )


def benchmark_folds(
    benchmark: Benchmark,
    images: CachedImages,
    real: Sequence[RealShard],
    content: str | None,
    seed: int = 0,
) -> list[DetectionFold]:
    """Returns a fold for each set, which tests its GMs and a share of the real sources.

    Args:
        benchmark: Labels and sets.
        images: Images of all its GMs.
        real: Real images.
        content: The content to use; None uses all contents.
        seed: Seed for drawing real sources.

    Raises:
        BenchmarkError: There are no GMs, or too few real sources, of the content.
    """
    known = {gm.content for gm in benchmark.gms} & {shard.content for shard in real}
    wanted = known if content is None else known & {content}
    fakes = {
        gm.name: Source(
            gm.name, True, images.pixels(gm.name), _stratum(gm.content, gm.resolution),
            frozenset([gm.name]),
        )
        for gm in benchmark.gms
        if gm.name in images.gms and gm.content in wanted
    }  # fmt: skip
    if not fakes:
        raise BenchmarkError(
            f"{benchmark.name} has no GMs with real images of {content or 'any content'} beside "
            f"them. There are: {', '.join(sorted(known)) or 'none'}."
        )
    genuine = [
        source
        for shard in real
        if shard.content in wanted
        for source in _real_sources(shard, images.view)
    ]
    strata = {one.stratum for one in fakes.values()}
    genuine = [one for one in genuine if one.stratum in strata]
    held = _dealt(genuine, len(benchmark.sets), seed)
    folds = []
    for number, (name, test) in enumerate(benchmark.sets.items()):
        held_fakes = [fakes[gm] for gm in test if gm in fakes]
        if not held_fakes:
            continue
        learnt = [source for gm, source in fakes.items() if gm not in test]
        train = (*learnt, *(one for one in genuine if not one.units & held[number]))
        tested = (*held_fakes, *(one for one in genuine if one.units & held[number]))
        folds.append(DetectionFold(name, train, tested))
        _check_strata(folds[-1])
    return folds


def notes_on(real: Sequence[RealShard]) -> list[str]:
    """Returns notes on what a reader must know about real images."""
    return [] if all(shard.tells_sources for shard in real) else [SOURCES_UNKNOWN]


def pixels_by_class(sources: Sequence[Source]) -> dict[str, list[Pixels]]:
    """Returns the pixels of the sources as the two classes `real` and `fake`."""
    classes: dict[str, list[Pixels]] = {"real": [], "fake": []}
    for one in sources:
        classes["fake" if one.fake else "real"].append(one.pixels)
    return classes


def _stratum(content: str, resolution: str) -> str:
    return f"{content}-{resolution.partition('x')[0]}"


def _real_sources(shard: RealShard, view: View) -> list[Source]:
    rows: dict[str, list[int]] = {}
    for row, source in enumerate(shard.sources):
        rows.setdefault(source, []).append(row)
    return [
        Source(
            name=f"{shard.name}/{source}",
            fake=False,
            pixels=np.stack([view.apply(shard.opened(r), shard.image_ids[r]) for r in members]),
            stratum=shard.name.removeprefix("real-"),
            # A person, a picture or a font is the same unit at all sizes.
            units=frozenset([f"{shard.content}: {source}"]),
        )
        for source, members in rows.items()
    ]


def _dealt(sources: Sequence[Source], n_folds: int, seed: int) -> list[set[str]]:
    """Distributes the units of real sources over folds, content by content, in random order."""
    held: list[set[str]] = [set() for _ in range(n_folds)]
    by_content: dict[str, set[str]] = {}
    for one in sources:
        content = next(iter(one.units)).partition(":")[0]
        by_content.setdefault(content, set()).update(one.units)
    for content in sorted(by_content):
        units = sorted(by_content[content])
        generator = np.random.default_rng([seed, *content.encode()])
        for place, row in enumerate(generator.permutation(len(units)).tolist()):
            held[place % n_folds].add(units[row])
    return held


def _check_strata(fold: DetectionFold) -> None:
    """Checks that every fake test source has real images to be compared with.

    Raises:
        BenchmarkError: A fake test source has none.
    """
    real = {one.stratum for one in fold.test if not one.fake}
    lacking = sorted({one.stratum for one in fold.test if one.fake} - real)
    if lacking:
        raise BenchmarkError(
            f"{fold.name} has no real test images of {', '.join(lacking)}, which its GMs make: "
            f"there are fewer persons or pictures than test sets. Build the dataset with more."
        )
