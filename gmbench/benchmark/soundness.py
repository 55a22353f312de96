"""What the tables of a dataset folder may hold: names that make paths, labels that make columns.

A folder may be anyone's. Its contents are checked before memory or a path is made from them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from gmbench.benchmark.catalog import GM
from gmbench.errors import LONGEST_NAME, printable
from gmbench.schema import KINDS, N_ARCHITECTURE, N_CONTINUOUS, NAMES

MOST_IMAGES = 1_000_000
"""Maximum number of images of a GM: an `image_id` numbers them with six digits."""

MOST_IMAGES_IN_ALL = 20_000_000
LARGEST_COUNT = 2**53
"""Integers up to this value are exact as floats."""

HIGHEST_CLASS = 127
"""Predictions hold the index of a class in one byte, with a sign."""

PARTS = {
    "count": slice(0, N_CONTINUOUS),
    "class": slice(N_CONTINUOUS, N_ARCHITECTURE),
    "loss": slice(N_ARCHITECTURE, None),
}
"""A GM has at least one known label of each: otherwise nothing of it could be scored."""

FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
"""Names that are given to GMs and benchmarks, which become names of files and folders."""

_NO_PART_OF_A_PATH = re.compile(r"[/\\]|^\.*$")


def tables_fault(
    name: str,
    version: str,
    gms: Sequence[GM],
    sets: Mapping[str, Sequence[str]],
    n_images: Sequence[int],
) -> str:
    """Returns what is wrong with the tables of a benchmark; empty where nothing is.

    Args:
        name: Name of the benchmark.
        version: Its version.
        gms: All GMs.
        sets: Names of the test GMs of each set, by set name.
        n_images: Number of images of each GM.
    """
    if not gms:
        return "no GM is listed"
    named = [("the benchmark", name), ("the version", version)]
    named += [("a set", one) for one in sets]
    named += [("a GM", gm.name) for gm in gms]
    for what, one in named:
        if _NO_PART_OF_A_PATH.search(one) or not one.isprintable() or len(one) > LONGEST_NAME:
            return f"{what} has the name {_shown(one)}, which cannot be part of a path"
    seen: set[str] = set()
    for gm, count in zip(gms, n_images, strict=True):
        if gm.name in seen:
            return f"{gm.name} stands there twice"
        seen.add(gm.name)
        if gm.kind not in KINDS:
            return f"{gm.name} has the kind {_shown(gm.kind)}, which is none of {', '.join(KINDS)}"
        if not 0 <= count <= MOST_IMAGES:
            return f"{gm.name} has {count:,} images; there can be 0 to {MOST_IMAGES:,}"
        if fault := _label_fault(gm):
            return fault
    if empty := [one for one, members in sets.items() if not members]:
        return f"no GM is in {empty[0]}"
    if sum(n_images) > MOST_IMAGES_IN_ALL:
        return f"{sum(n_images):,} images; there can be {MOST_IMAGES_IN_ALL:,}"
    return ""


def _label_fault(gm: GM) -> str:
    for what, part in PARTS.items():
        if all(math.isnan(value) for value in gm.values[part]):
            return f"no {what} of {gm.name} is known"
    for column, (name, value) in enumerate(zip(NAMES, gm.values, strict=True)):
        if math.isnan(value):
            continue
        if column < N_CONTINUOUS:
            sound, rule = abs(value) <= LARGEST_COUNT, f"a number up to {LARGEST_COUNT:,}"
        elif column < N_ARCHITECTURE:
            sound = 0 <= value <= HIGHEST_CLASS and value == math.floor(value)
            rule = f"a class, 0 to {HIGHEST_CLASS}"
        else:
            sound, rule = value in (0, 1), "0 or 1"
        if not sound:
            return f"{name} of {gm.name} is {value:g}, not {rule}"
    return ""


def _shown(text: str) -> str:
    return printable(repr(text[:LONGEST_NAME]))
