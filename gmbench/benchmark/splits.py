"""Sets of GMs: the files under `splits/` and the draws behind them.

A file of a set is plain text: the name of one GM a line; what follows `#` is for people. The
curated sets of `red116` are the paper's. What the paper did not publish (the face and non-face
sets of Table 6, the 15 seen GMs of the coordinated attack) is drawn here, once, with a fixed
seed; `tests/test_splits.py` holds the files against the draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from gmbench.benchmark.catalog import GM, TABLES, names
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.schema import KINDS

DRAW_SEED = 2021
"""Seed of every draw in this file: the year of the paper's first version."""

UNSEEN_IN_ATTACK: tuple[str, ...] = (
    "BETA_B",
    "BICYCLE_GAN",
    "BIGGAN_128",
    "DAGAN_C",
    "DFCVAE",
    "DRIT",
    "GAN_ANIME",
    "LOGAN",
    "LSGAN",
    "PIX2PIX",
    "RGAN",
    "RSGAN_HALF",
    "SAGAN",
    "SRRNET",
    "UNIT",
)
"""The 15 GMs that the coordinated-attack experiment most probably left out of training."""

SEEN, UNSEEN = "seen", "unseen"
"""The sets of the coordinated attack: GMs that a parser was trained on, and GMs that it was not."""

PREFIX = "MINI_"
"""What the name of a replica begins with, so that a prediction file tells its benchmark.

A replica is a small GM that is made after a published one; the same files hold the sets of both.
"""


def splits_directory() -> Path:
    """Returns the folder of the set files: inside an installed package, or of the checkout."""
    installed = TABLES / "splits"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "splits"


def read_set(path: Path, known: Iterable[str]) -> tuple[str, ...]:
    """Reads one set file.

    Args:
        path: The file.
        known: Names of the GMs that may stand in it.

    Returns:
        The names in the file's order.

    Raises:
        UnknownNameError: A line names no known GM.
        BenchmarkError: A GM stands there twice.
    """
    known = set(known)
    found: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        name = line.split("#")[0].strip()
        if not name:
            continue
        if name not in known:
            raise UnknownNameError("GM", name, known, f"It stands in {path}, line {number}.")
        if name in found:
            raise BenchmarkError(f"{path}, line {number}: {name} stands there twice. Remove one.")
        found.append(name)
    return tuple(found)


def read_sets(group: str, known: Iterable[str], prefix: str = "") -> dict[str, tuple[str, ...]]:
    """Reads all sets of a group, such as `red116` or `content`, by their names.

    Args:
        group: A folder under `splits/`.
        known: Names of the GMs that may stand in its files.
        prefix: Put before each name: `PREFIX` gives the sets of the replicas.

    Raises:
        UnknownNameError: There is no such group, or a file names an unknown GM.
    """
    folder = splits_directory() / group
    if not folder.is_dir():
        groups = [path.name for path in splits_directory().iterdir() if path.is_dir()]
        raise UnknownNameError("Group of sets", group, groups, f"There are: {', '.join(groups)}.")
    known = tuple(known)
    return {
        path.stem: tuple(prefix + name for name in read_set(path, known))
        for path in sorted(folder.glob("*.txt"))
    }


def draw_content_sets(gms: Sequence[GM]) -> dict[str, tuple[str, ...]]:
    """Draws the test sets of Table 6: four times 6 face GMs and four times 6 non-face GMs.

    The GMs of one content are ordered by kind, shuffled within a kind, and every (n / 24)-th is
    taken, dealt in turn to the four sets: so the sets share no GM and hold the kinds in about
    the population's proportions.

    Args:
        gms: The population; `faces` is the face content, all others are non-face.

    Returns:
        `face_1` to `face_4` and `nonface_1` to `nonface_4`, each in alphabetical order.
    """
    generator = np.random.default_rng(DRAW_SEED)
    drawn: dict[str, tuple[str, ...]] = {}
    for label, wanted in (("face", True), ("nonface", False)):
        pool = [gm for gm in gms if (gm.content == "faces") is wanted]
        shuffled = [pool[index] for index in generator.permutation(len(pool))]
        shuffled.sort(key=lambda gm: KINDS.index(gm.kind))
        step = len(shuffled) / 24
        chosen = [shuffled[int(step * index)].name for index in range(24)]
        for number in range(4):
            drawn[f"{label}_{number + 1}"] = tuple(sorted(chosen[number::4]))
    return drawn


def draw_attack_sets(gms: Sequence[GM]) -> dict[str, tuple[str, ...]]:
    """Returns the `unseen` GMs of the coordinated attack and draws 15 `seen` ones beside them."""
    generator = np.random.default_rng(DRAW_SEED)
    pool = [name for name in names(gms) if name not in UNSEEN_IN_ATTACK]
    seen = generator.choice(len(pool), size=len(UNSEEN_IN_ATTACK), replace=False)
    return {
        SEEN: tuple(sorted(pool[index] for index in seen)),
        UNSEEN: tuple(sorted(UNSEEN_IN_ATTACK)),
    }
