"""The reference baselines: one folder each under `baselines/`, discovered automatically.

A folder holds `recipe.yaml`, `README.md` and the measured results. The recipe names the function
that predicts, or the settings of a training, so a new baseline changes no other file.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any, cast

import yaml

from gmbench.benchmark.catalog import TABLES
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.predictions.predictions import Predictions
from gmbench.training.config import PRESETS

Training = Mapping[str, Mapping[str, Any]]
"""Changes of training settings: `all` for every preset, others by the preset's name."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The contents of a baseline's `recipe.yaml`.

    Attributes:
        name: The folder's name.
        summary: One line for readers.
        paper: Where it appears in the paper.
        needs: What it looks at: `labels`, or `labels and images`.
        predictor: `module:function`; takes a benchmark, a seed and the folder of its dataset or
            None; returns predictions. One that can train on extra GMs also takes `extra`, and a
            slow one `progress`. Empty if a network is trained.
        training: What the training changes in each preset; None if no network is trained.
        repeats: How often it is run, with a different seed each time; figures are then means.
    """

    name: str
    summary: str
    paper: str
    needs: str
    predictor: str = ""
    training: Training | None = field(default=None, hash=False)
    repeats: int = 1


def baselines_directory() -> Path:
    """Returns the folder of the baselines: in an installed package, or in the checkout."""
    installed = TABLES / "baselines"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "baselines"


def find_recipes(folder: Path | None = None) -> dict[str, Recipe]:
    """Reads the recipe of every baseline, by name.

    Args:
        folder: Folder of the baselines; by default the project's own.

    Raises:
        BenchmarkError: A recipe is damaged, or its name differs from that of its folder.
    """
    recipes = {}
    for path in sorted((folder or baselines_directory()).glob("*/recipe.yaml")):
        recipe = _read_recipe(path)
        if recipe.name != path.parent.name:
            raise BenchmarkError(
                f"{path}: the recipe is called {recipe.name!r}, its folder {path.parent.name!r}. "
                "Give both one name."
            )
        recipes[recipe.name] = recipe
    return recipes


def find_recipe(name: str) -> Recipe:
    """Returns the recipe of a baseline.

    Raises:
        UnknownNameError: There is no such baseline.
        BenchmarkError: A recipe is damaged.
    """
    recipes = find_recipes()
    if name not in recipes:
        raise UnknownNameError(
            "Baseline", name, recipes, "`gmbench baseline --list` shows them all."
        )
    return recipes[name]


def refuse_changes(recipes: Sequence[Recipe]) -> None:
    """Refuses changes to settings if none of the baselines trains a network.

    Raises:
        BenchmarkError: None does.
    """
    if all(recipe.training is None for recipe in recipes):
        names = ", ".join(recipe.name for recipe in recipes)
        which = (
            f"The baseline {names} trains no network"
            if len(recipes) == 1
            else f"None of the baselines {names} trains a network"
        )
        raise BenchmarkError(f"{which}: there is nothing to change.")


def require_training(recipe: Recipe) -> Training:
    """Returns what the training of a baseline's network changes in each preset.

    Raises:
        BenchmarkError: It trains none.
    """
    if recipe.training is None:
        raise BenchmarkError(f"The baseline {recipe.name} trains no network.")
    return recipe.training


def require_extra(recipe: Recipe) -> None:
    """Checks that a baseline can train on GMs in addition to those of the benchmark.

    Raises:
        BenchmarkError: It cannot.
    """
    if recipe.training is None and "extra" not in signature(predictor_of(recipe)).parameters:
        raise BenchmarkError(
            f"The baseline {recipe.name} cannot train on extra GMs. Run it without --extra."
        )


def require_folder(name: str, folder: Path | None) -> Path:
    """Returns the dataset folder of what looks at images: a baseline, a command or a figure.

    Raises:
        BenchmarkError: There is none.
    """
    if folder is None:
        raise BenchmarkError(f"{name} looks at images. Give the folder of a dataset with --data.")
    return folder


def predictor_of(recipe: Recipe) -> Callable[..., Predictions]:
    """Imports the function that a recipe names.

    Raises:
        BenchmarkError: It cannot be imported.
    """
    module, _, function = recipe.predictor.partition(":")
    try:
        return cast(Callable[..., Predictions], getattr(importlib.import_module(module), function))
    except (ImportError, AttributeError, ValueError) as error:
        raise BenchmarkError(
            f"The predictor {recipe.predictor!r} of the baseline {recipe.name} cannot be imported "
            f"({error}). Give it as MODULE:FUNCTION, of a module that Python finds."
        ) from error


def _is_training(given: Any) -> bool:
    """Returns whether a value is a `Training`."""
    return (
        isinstance(given, Mapping)
        and set(given) <= {"all", *PRESETS}
        and all(isinstance(changes, Mapping) for changes in given.values())
    )


_DAMAGE = (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError, RecursionError)


def _read_recipe(path: Path) -> Recipe:
    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name in ("name", "summary", "paper", "needs"):
            described[name] = str(described[name])
        if ("predictor" in described) == ("training" in described):
            raise TypeError("it needs either a predictor or a training")
        if "predictor" in described:
            described["predictor"] = str(described["predictor"])
        elif not _is_training(described["training"]):
            sections = ", ".join(("all", *PRESETS))
            raise TypeError(f"training takes {sections}, each with settings and their values")
        if type(described.get("repeats", 1)) is not int or described.get("repeats", 1) < 1:
            raise TypeError("repeats is no whole number from 1 on")
        return Recipe(**described)
    except _DAMAGE as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else str(error).split("\n")[0]
        raise BenchmarkError(f"{path} is damaged: {reason}.") from error
