"""The reference baselines: one folder each under `baselines/`, found by itself.

A folder holds `recipe.yaml`, `README.md` and the measured results. The recipe names the function
that predicts, so that a new baseline touches no other file.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast

import yaml

from gmbench.benchmark import Benchmark
from gmbench.catalog import TABLES
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.evaluation.predictions import Predictions

Predictor = Callable[[Benchmark, int, Path | None], Predictions]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What `recipe.yaml` says of a baseline.

    Attributes:
        name: The folder's name.
        summary: One line for people.
        paper: Where the paper has it.
        needs: What it looks at: `labels`, or `labels and images`.
        predictor: `module:function`; takes a benchmark, a seed and the folder of its dataset or
            None; returns predictions.
    """

    name: str
    summary: str
    paper: str
    needs: str
    predictor: str


def baselines_directory() -> Path:
    """Returns the folder of the baselines: inside an installed package, or of the checkout."""
    installed = TABLES / "baselines"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "baselines"


def find_recipes(folder: Path | None = None) -> dict[str, Recipe]:
    """Reads the recipe of every baseline, by name.

    Args:
        folder: Where the baselines lie; by default the project's own.

    Raises:
        BenchmarkError: A recipe is damaged, or has another name than its folder.
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


def run_baseline(
    name: str, benchmark: Benchmark, seed: int = 0, folder: Path | None = None
) -> Predictions:
    """Returns the predictions of a baseline for all test images of a benchmark.

    Args:
        name: Name of the baseline.
        benchmark: What to predict.
        seed: Seed of whatever is random in it.
        folder: Folder of the benchmark's dataset, for baselines that look at images.

    Raises:
        UnknownNameError: There is no such baseline.
        BenchmarkError: Its recipe is damaged, or it needs images and there is no folder.
    """
    recipes = find_recipes()
    if name not in recipes:
        raise UnknownNameError(
            "Baseline", name, recipes, "`gmbench baseline --list` shows them all."
        )
    module, _, function = recipes[name].predictor.partition(":")
    predictor = cast(Predictor, getattr(importlib.import_module(module), function))
    return predictor(benchmark, seed, folder)


def _read_recipe(path: Path) -> Recipe:
    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Recipe(**{field.name: str(described[field.name]) for field in fields(Recipe)})
    except (yaml.YAMLError, KeyError, TypeError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else str(error).split("\n")[0]
        raise BenchmarkError(f"{path} is damaged: {reason}.") from error
