"""The plan of a zoo: its population, real images and numbers, checked before any work is done."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from gmbench.benchmark.benchmark import NAMED
from gmbench.benchmark.soundness import FILE_NAME, MOST_IMAGES, MOST_IMAGES_IN_ALL
from gmbench.errors import DatasetError, UnknownNameError, shortened
from gmbench.version import __version__
from gmbench.zoo.content import CONTENTS, Content, content_name, load_content, load_folder
from gmbench.zoo.packaged import Origin
from gmbench.zoo.specification import Specification
from gmbench.zoo.training import ATTEMPTS, TrainingTask

SIZES: tuple[int, ...] = (32, 64)
"""Heights and widths of images that the networks are made for."""

_LONGEST_NAME = 100
"""Maximum number of characters in the name of a benchmark or a GM."""

_PACKAGES = ("torch", "numpy", "pillow", "pyarrow")
"""Packages whose versions the bytes of a zoo depend on."""


@dataclass(frozen=True)
class ZooPlan:
    """Everything that the bytes of a zoo depend on.

    Attributes:
        population: The GMs to train.
        modules: Name of the Python module that trains each kind, by kind.
        contents: Real images; at least those that the population needs, in its sizes.
        images_per_gm: Number of images per GM.
        seed: Seed of the population, the contents and the test sets.
        real_per_content: Maximum number of held-out real images published per content.
        diffusion_per_set: Number of diffusion GMs in each test set.
        sets: Test GMs of each set; None to draw them once the labels are measured.
        attempts: Maximum number of times that a GM is trained.
        images_from: Folder that a content was read from.
        name: Name of the benchmark.
        content_seed: Seed of the contents, if they have a separate one.
        device: Where GMs are trained: `cpu` or `cuda`.
    """

    population: tuple[Specification, ...]
    modules: Mapping[str, str]
    contents: tuple[Content, ...]
    images_per_gm: int
    seed: int = 0
    real_per_content: int = 200
    diffusion_per_set: int = 0
    sets: Mapping[str, tuple[str, ...]] | None = None
    attempts: int = ATTEMPTS
    images_from: Path | None = None
    name: str = "zoo"
    content_seed: int | None = None
    device: str = "cpu"

    @cached_property
    def by_key(self) -> dict[tuple[str, int], Content]:
        """Contents by name and size."""
        return {content.key: content for content in self.contents}

    @property
    def sizes(self) -> list[int]:
        """Heights and widths of the images in pixels, smallest first."""
        return sorted({specification.size for specification in self.population})

    @property
    def origins(self) -> list[Origin]:
        """Where the real images come from, each file once."""
        return list(dict.fromkeys(o for content in self.contents for o in content.origins))

    @property
    def content_names(self) -> tuple[str, ...]:
        """Names of the contents, each once, in alphabetical order."""
        return tuple(sorted({content.name for content in self.contents}))

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of the packages that the bytes depend on."""
        versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
        return {"gmbench": __version__, **versions}

    def task(self, specification: Specification) -> TrainingTask:
        """Returns what a process needs to make a GM."""
        return TrainingTask(
            specification,
            self.modules[specification.kind],
            self.images_per_gm,
            self.attempts,
            self.device,
        )

    def key(self, specification: Specification) -> str:
        """Returns the fingerprint of everything that one GM depends on."""
        task = asdict(self.task(specification))
        if self.device == "cpu":
            del task["device"]  # Keeps the keys of GMs finished before there was a choice.
        facts = [
            task,
            [self.by_key[need].sha256 for need in specification.needs],
            self.versions,
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of the whole plan."""
        facts = [
            [self.key(specification) for specification in self.population],
            [self.by_key[key].sha256 for key in sorted(self.by_key)],
            {name: list(test) for name, test in (self.sets or {}).items()},
            [self.name, self.seed, self.real_per_content, self.diffusion_per_set],
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def plan_zoo(
    n_gms: int,
    images_per_gm: int,
    *,
    size: int = 32,
    seed: int = 0,
    contents: Sequence[str] | None = None,
    images_from: Path | None = None,
    n_diffusion: int = 0,
    diffusion_per_set: int = 0,
    attempts: int = ATTEMPTS,
    name: str = "zoo",
    content_seed: int | None = None,
) -> ZooPlan:
    """Draws the population of a zoo and loads the real images that it is trained on.

    Args:
        n_gms: Number of GMs, not counting diffusion GMs.
        images_per_gm: Number of images per GM.
        size: Height and width of the images in pixels: 32 or 64.
        seed: Seed of everything.
        contents: Names of the contents; if None, all that come with packages, or only the
            folder's if there is one.
        images_from: Folder of images that makes a further content, named after it.
        n_diffusion: Number of diffusion GMs in addition to the others.
        diffusion_per_set: Number of diffusion GMs in each test set.
        attempts: Maximum number of times that a GM is trained.
        name: Name of the benchmark; unless it is `zoo`, the GMs' names begin with it, so that
            predictions show which benchmark they belong to.
        content_seed: Seed that decides which GMs get which content and what is cut out of the real
            images; by default, `seed` is that of everything. With two secret seeds, what images
            show of their content reveals nothing about the population.

    Raises:
        DatasetError: A number is out of range.
        UnknownNameError: There is no such content or kind.
        SourceError: Real images cannot be read.
    """
    from gmbench.zoo.population import KIND_MODULES, draw_population

    if size not in SIZES:
        raise DatasetError(
            f"Images of {size} pixels cannot be made: give --size "
            f"{' or '.join(map(str, SIZES))}, powers of two that the networks are made for."
        )
    if n_gms < 0 or n_diffusion < 0 or n_gms + n_diffusion < 1 or images_per_gm < 1:
        raise DatasetError(
            f"{n_gms} GMs and {n_diffusion} of diffusion with {images_per_gm} images each make no "
            "zoo. Give --gms and --images-per-gm of 1 or more."
        )
    if diffusion_per_set and not n_diffusion:
        raise DatasetError(
            f"--diffusion-per-set {diffusion_per_set} needs diffusion GMs. Give --diffusion too."
        )
    loaded = _contents(contents, images_from, size, seed if content_seed is None else content_seed)
    names = [content.name for content in loaded]
    if content_seed is not None:
        np.random.default_rng(content_seed).shuffle(names)
    population = draw_population(
        n_gms,
        size=size,
        contents=tuple(names),
        seed=seed,
        n_diffusion=n_diffusion,
        prefix="" if name == "zoo" else f"{name.upper()}_",
    )
    plan = ZooPlan(
        population=tuple(population),
        modules=dict(KIND_MODULES),
        contents=loaded,
        images_per_gm=images_per_gm,
        seed=seed,
        real_per_content=3 * images_per_gm,
        diffusion_per_set=diffusion_per_set,
        attempts=attempts,
        images_from=images_from,
        name=name,
        content_seed=content_seed,
    )
    check_plan(plan)
    return plan


def check_plan(plan: ZooPlan) -> None:
    """Checks that a population can be built.

    Raises:
        UnknownNameError: A GM has an unknown kind or content.
        DatasetError: A name cannot be a file's or is a known benchmark's, there is no GM, two share
            a name, a content lacks the size of one, or there would be too many images.
    """
    _check_name("The benchmark", plan.name)
    # Replicas alone, which have the paper's sets, can be mini116.
    if plan.name in NAMED and not (plan.name == "mini116" and plan.sets):
        raise DatasetError(
            f"{plan.name} is the name of a benchmark that gmbench knows. Give another --name."
        )
    n_images = plan.images_per_gm * len(plan.population)
    if plan.images_per_gm > MOST_IMAGES or n_images > MOST_IMAGES_IN_ALL:
        raise DatasetError(
            f"{n_images:,} images, {plan.images_per_gm:,} of each GM: a dataset holds "
            f"{MOST_IMAGES_IN_ALL:,} and {MOST_IMAGES:,} at most. Give fewer --images-per-gm."
        )
    names = [specification.name for specification in plan.population]
    if not names or len(set(names)) != len(names):
        raise DatasetError("A population needs GMs of different names. Draw it again.")
    for gm in plan.population:
        _check_name("A GM", gm.name)
        if gm.kind not in plan.modules:
            raise UnknownNameError(
                "Kind",
                gm.kind,
                plan.modules,
                f"{gm.name} has it; there are: {', '.join(plan.modules)}.",
            )
        for name, size in gm.needs:
            if name not in plan.content_names:
                raise UnknownNameError(
                    "Content",
                    name,
                    plan.content_names,
                    f"{gm.name} has it; there are: {', '.join(plan.content_names)}.",
                )
            if (name, size) not in plan.by_key:
                raise DatasetError(
                    f"{gm.name} makes images of {size} pixels, and there are none of {name} in "
                    "that size. Add the content in that size to the plan."
                )


def _check_name(what: str, name: str) -> None:
    if not FILE_NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise DatasetError(
            f"{what} cannot have the name {shortened(name)!r}, which is part of file names. "
            f"Give at most {_LONGEST_NAME} letters, digits, _ - . (a dot not first)."
        )


def _contents(
    names: Sequence[str] | None, images_from: Path | None, size: int, seed: int
) -> tuple[Content, ...]:
    if names is None:
        names = () if images_from else CONTENTS
    # A folder's name is a content too, so that it can be requested like any other.
    own = content_name(images_from) if images_from else None
    loaded = [load_content(name, size, seed) for name in names if name != own]
    if images_from and own:
        loaded.append(load_folder(images_from, size, seed))
    return tuple(loaded)
