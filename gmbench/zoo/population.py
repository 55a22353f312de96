"""Which GMs a zoo trains: kinds in the paper's proportions, contents balanced, labels covered.

Draws are stratified, not left to chance: for each GM, several candidates are drawn from its kind's
`draw_options`, and the one whose classes and losses are the rarest so far is taken. The runner-up
is its spare in case it fails in training, followed by one of another family. The labels counted
here are the intended ones; the final labels are measured on the trained network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from gmbench.errors import DatasetError
from gmbench.schema import DISCRETE, KINDS, N_CONTINUOUS
from gmbench.zoo.specification import Specification

#: The module in which the networks of each kind are drawn and trained.
KIND_MODULES: dict[str, str] = {
    kind: f"gmbench.zoo.kinds.{module}"
    for kind, module in zip(
        KINDS, ("gan", "vae", "autoregressive", "attack", "flow", "diffusion"), strict=True
    )
}
#: The paper's 116 GMs by kind; diffusion models are additional.
PROPORTIONS: dict[str, int] = {"GAN": 81, "VAE": 13, "AR": 11, "AA": 6, "NF": 5}
#: Number of candidates per GM, of which the one with the rarest labels is taken.
CANDIDATES = 12
#: Number of draws after which a population is given up if all are near-duplicates.
TRIES = 200
#: Two GMs of the same family with fewer differing choices than this are near-duplicates.
FEWEST_DIFFERENCES = 2
#: Training steps of a family for which its module specifies none.
STEPS = 300

#: The schema's class of an option's value, where their names differ.
_CLASS_OF: dict[str, str] = {
    **dict.fromkeys(("group", "layer"), "other"),
    **dict.fromkeys(("strided_conv", "average_pool", "max_pool"), "yes"),
}
#: Options that affect training but not the network; they do not make two GMs different.
_TRAINING_OPTIONS = frozenset({"critic_width", "encoder_width", "batch", "learning_rate"})


@dataclass(frozen=True, slots=True)
class NearestRows:
    """The two label rows that are nearest to each other.

    Attributes:
        distance: Mean absolute difference of the normalised counts, plus the share of the classes
            and losses that differ; in [0, 2].
        first: Index of one row.
        second: Index of the other.
    """

    distance: float
    first: int
    second: int


def draw_population(
    n_gms: int,
    *,
    size: int,
    contents: Sequence[str],
    seed: int,
    n_diffusion: int = 0,
    prefix: str = "",
) -> list[Specification]:
    """Draws the GMs of a zoo.

    Args:
        n_gms: Number of GMs, shared among the kinds as the paper's 116 are.
        size: Height and width of the images in pixels, a power of two, at least 16.
        contents: Names of the contents; each kind gets them in equal shares.
        seed: Seed of everything.
        n_diffusion: Number of diffusion models in addition to the others.
        prefix: Prefix of every name.

    Returns:
        Specifications by kind, named `GAN_001` and so on after the prefix.

    Raises:
        DatasetError: A number, the size or the contents cannot be used, or there are not that many
            different GMs.
    """
    if size < 16 or size & (size - 1):
        raise DatasetError(f"Images of {size} pixels: give a power of two, such as 32 or 64.")
    if n_gms < 0 or n_diffusion < 0 or n_gms + n_diffusion == 0:
        raise DatasetError(f"{n_gms} GMs and {n_diffusion} diffusion GMs: give at least one.")
    if not contents or len(set(contents)) != len(contents):
        raise DatasetError("A population needs contents of different names: give at least one.")
    numbers = shares(n_gms) | {"DM": n_diffusion}
    drawn: dict[str, list[Specification]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    # The kinds with the fewest GMs come first; the many GANs then fill the gaps that they leave.
    # Diffusion models are additional to the others and fill no gaps, so they come last.
    first = 0
    for kind in sorted(numbers, key=lambda kind: (kind == "DM", numbers[kind])):
        generator = np.random.default_rng([seed, list(KIND_MODULES).index(kind)])
        # Each kind continues with the contents where the last one stopped: a few GMs cannot have
        # them all.
        turned = [contents[(first + n) % len(contents)] for n in range(len(contents))]
        drawn[kind] = _draw_kind(kind, numbers[kind], size, turned, generator, counts, prefix)
        first += numbers[kind]
    return [gm for kind in KIND_MODULES for gm in drawn[kind]]


def shares(n_gms: int, proportions: Mapping[str, int] = PROPORTIONS) -> dict[str, int]:
    """Returns the number of GMs of each kind, in the given proportions by largest remainder."""
    total = sum(proportions.values())
    numbers = {kind: n_gms * share // total for kind, share in proportions.items()}
    by_remainder = sorted(proportions, key=lambda kind: -(n_gms * proportions[kind] % total))
    for kind in by_remainder[: n_gms - sum(numbers.values())]:
        numbers[kind] += 1
    return numbers


def intended_labels(specification: Specification) -> dict[str, str]:
    """Returns the classes and losses that a specification asks for.

    Returns:
        Class of each discrete parameter that its options name (those left open are absent), and
        `yes` for each loss.
    """
    labels = dict.fromkeys(specification.losses, "yes")
    for parameter in DISCRETE:
        value = specification.options.get(parameter.name)
        label = _CLASS_OF.get(str(value), str(value))
        if label in parameter.classes:
            labels[parameter.name] = label
    return labels


def smallest_distance(rows: npt.ArrayLike) -> NearestRows:
    """Returns the smallest distance between two label rows, and which two they are.

    Args:
        rows: Shape (GMs, 25), at least two: counts in natural units, class indices, and losses as
            0 or 1, in the schema's order. Counts are normalised over these rows.

    Raises:
        DatasetError: There are fewer than two rows.
    """
    values = np.asarray(rows, dtype=np.float64)
    if len(values) < 2:
        raise DatasetError("A distance needs two GMs: this population has fewer.")
    counts, classes = values[:, :N_CONTINUOUS], values[:, N_CONTINUOUS:]
    low, high = counts.min(0), counts.max(0)
    counts = (counts - low) / np.where(high > low, high - low, 1.0)
    distances = np.abs(counts[:, None] - counts[None]).mean(2)
    distances += (classes[:, None] != classes[None]).mean(2)
    distances[np.tril_indices(len(values))] = np.inf
    first, second = divmod(int(distances.argmin()), len(values))
    return NearestRows(float(distances[first, second]), first, second)


def are_near_duplicates(a: Specification, b: Specification) -> bool:
    """Returns whether two GMs would have almost the same labels.

    Near-duplicates are of the same family and differ in fewer than `FEWEST_DIFFERENCES` choices.
    Numbers differ if they do so by more than a tenth. Each loss counts as a choice; the content and
    options that affect training alone do not.
    """
    if (a.kind, a.family) != (b.kind, b.family):
        return False
    differing = len(set(a.losses) ^ set(b.losses))
    for name in (a.options.keys() | b.options.keys()) - _TRAINING_OPTIONS:
        differing += _differ(a.options.get(name), b.options.get(name))
    return differing < FEWEST_DIFFERENCES


def _draw_kind(
    kind: str,
    number: int,
    size: int,
    contents: Sequence[str],
    generator: np.random.Generator,
    counts: Counter[tuple[str, str]],
    prefix: str,
) -> list[Specification]:
    """Draws the GMs of one kind and adds their labels to `counts`."""
    if not number:
        return []
    module = import_module(KIND_MODULES[kind])
    families: Sequence[str] = module.FAMILIES
    order = generator.permutation(number)
    found: list[Specification] = []
    for n in range(number):
        # A Latin square: contents and families in equal shares, and no content tied to a family.
        place = int(order[n])
        content = contents[place % len(contents)]
        family = families[(place // len(contents) + place) % len(families)]
        name = f"{prefix}{kind}_{n + 1:03d}"
        seed = int(generator.integers(2**31))
        candidates: list[Specification] = []
        for _ in range(TRIES):
            candidate = _draw_one(module, name, kind, family, content, size, seed, generator)
            if not any(are_near_duplicates(candidate, other) for other in found):
                candidates.append(candidate)
            if len(candidates) == CANDIDATES:
                break
        if not candidates:
            raise DatasetError(
                f"No {number} different GMs of kind {kind}: after {n} only near-duplicates come. "
                "Give a smaller number."
            )
        candidates.sort(key=lambda candidate: _rarity(candidate, counts), reverse=True)
        other = families[(families.index(family) + 1) % len(families)]
        own = np.random.default_rng([seed, 1])
        last = _draw_one(module, name, kind, other, content, size, seed, own)
        chosen = replace(candidates[0], spares=(*candidates[1:2], last))
        counts.update(intended_labels(chosen).items())
        found.append(chosen)
    return found


def _draw_one(
    module: ModuleType,
    name: str,
    kind: str,
    family: str,
    content: str,
    size: int,
    seed: int,
    generator: np.random.Generator,
) -> Specification:
    options, losses = module.draw_options(family, size, generator)
    steps: Mapping[str, int] = getattr(module, "STEPS", {})
    return Specification(
        name=name,
        kind=kind,
        family=family,
        content=content,
        size=size,
        losses=tuple(losses),
        options=options,
        steps=steps.get(family, STEPS),
        seed=seed,
    )


def _rarity(specification: Specification, counts: Counter[tuple[str, str]]) -> float:
    """Returns how rare the labels of a GM are so far; the higher, the more it is wanted.

    All losses together count as two classes would: otherwise, having the most losses would always
    win.
    """
    labels = intended_labels(specification)
    rarity = {key: 1.0 / (1.0 + counts[key]) for key in labels.items()}
    of_losses = [value for (name, _), value in rarity.items() if name.startswith("loss_")]
    of_classes = [value for (name, _), value in rarity.items() if not name.startswith("loss_")]
    return sum(of_classes) + 2.0 * sum(of_losses) / max(1, len(of_losses))


def _differ(a: Any, b: Any) -> bool:
    numbers = (int, float)
    if isinstance(a, bool) or isinstance(b, bool):
        return bool(a != b)
    if isinstance(a, numbers) and isinstance(b, numbers):
        return abs(a - b) > 0.1 * max(abs(a), abs(b))
    return bool(a != b)
