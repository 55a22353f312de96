"""Sets of GMs: the files under `splits/` and the draws behind them.

The file of a set is plain text with the name of one GM per line; text after `#` is for people. The
curated sets of `red116` are the paper's. What the paper did not publish (the face and non-face
sets of Table 6, the 15 seen GMs of the coordinated attack) is drawn here, once, with a fixed
seed; `tests/benchmark/test_splits.py` checks the files against the draw.
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
"""The sets of the coordinated attack: GMs that a parser was, and was not, trained on."""

PREFIX = "MINI_"
"""Prefix of replicas' names, by which a prediction file reveals its benchmark.

A replica is a small GM modelled on a published one; the same files hold the sets of both.
"""


def splits_directory() -> Path:
    """Returns the folder of the set files: inside an installed package, or in the checkout."""
    installed = TABLES / "splits"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "splits"


def read_set(path: Path, known: Iterable[str]) -> tuple[str, ...]:
    """Reads one set file.

    Args:
        path: The file.
        known: Names of the GMs that it may list.

    Returns:
        The names in the file's order.

    Raises:
        UnknownNameError: A line names no known GM.
        BenchmarkError: A GM is listed twice, or the file is no text.
    """
    known = set(known)
    found: list[str] = []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BenchmarkError(f"{path} cannot be read as a list of GMs: {reason}.") from error
    for number, line in enumerate(lines, start=1):
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
        known: Names of the GMs that its files may list.
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
    """Draws the test sets of Table 6: four sets of 6 face GMs and four of 6 non-face GMs.

    Face and non-face GMs are each ordered by kind and shuffled within a kind; every (n / 24)-th is
    taken and dealt in turn to the four sets, so that the sets share no GM and hold the kinds in
    about the population's proportions.

    Args:
        gms: The population; `faces` is the face content, all other contents are non-face.

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
    """Returns the `unseen` GMs of the coordinated attack and 15 `seen` ones, which are drawn."""
    generator = np.random.default_rng(DRAW_SEED)
    pool = [name for name in names(gms) if name not in UNSEEN_IN_ATTACK]
    seen = generator.choice(len(pool), size=len(UNSEEN_IN_ATTACK), replace=False)
    return {
        SEEN: tuple(sorted(pool[index] for index in seen)),
        UNSEEN: tuple(sorted(UNSEEN_IN_ATTACK)),
    }
