"""The reference baselines end to end: which ones there are, and what each predicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmbench.benchmark.benchmark import Benchmark, dataset_folder, load_benchmark
from gmbench.benchmark.cross_validation import is_of_attack
from gmbench.benchmark.extra import read_extra
from gmbench.errors import BenchmarkError, naming_extras
from gmbench.models.settings import SettingError
from gmbench.predictions.predictions import Predictions
from gmbench.progress import Progress, prefixed
from gmbench.training.options import RunOptions
from gmbench.training.parsed_sets import present_sets
from gmbench.training.recipes import (
    Recipe,
    find_recipe,
    find_recipes,
    predictor_of,
    refuse_changes,
    require_extra,
    require_folder,
)

if TYPE_CHECKING:
    import pandas as pd


def list_baselines() -> pd.DataFrame:
    """Returns the reference baselines as a table, by name.

    Returns:
        One row per baseline: `summary`, `paper` (where it appears in the paper), `needs` (`labels`,
        or `labels and images`) and `trains_network`.

    Examples:
        >>> baselines = list_baselines()
        >>> baselines.loc["spectral", "summary"]
        'hand-made spectral features and extremely randomised trees'
        >>> sorted(baselines.index[baselines.needs == "labels"])
        ['kind_oracle', 'mean_mode', 'median_mode', 'random_f1', 'random_labels']
    """
    import pandas as pd

    rows = {
        recipe.name: {
            "summary": recipe.summary,
            "paper": recipe.paper,
            "needs": recipe.needs,
            "trains_network": recipe.training is not None,
        }
        for recipe in find_recipes().values()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("name")


def run_baseline(
    name: str,
    benchmark: str | Path | Benchmark = "mini116",
    *,
    folder: str | Path | None = None,
    preset: str = "small",
    changes: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
    runs: str | Path | None = None,
    extra: str | Path | Iterable[str | Path] = (),
    progress: Progress | None = None,
) -> Predictions:
    """Returns the predictions of a baseline for all test images of a benchmark.

    It is trained set by set, on the GMs outside the set.

    Args:
        name: Name of the baseline, as in `list_baselines`.
        benchmark: What to predict: a name, the folder of a dataset, or a benchmark.
        folder: The dataset folder; needed if the benchmark is not given by its folder and the
            baseline looks at images.
        preset: `small`, which takes minutes on two cores, or `paper`; like `device`, it has no
            effect if no network is trained.
        changes: Changes to settings, such as `{"epochs": 5, "model.fen_width": 32}`.
        seed: Seed of everything random in it.
        device: `auto`, `cpu`, `cuda` or `mps`.
        runs: Where trainings keep their logs, states and checkpoints, so that an interrupted one
            can be resumed; by default nothing is kept.
        extra: Folder or folders of datasets whose GMs are trained on in addition to the
            benchmark's.
        progress: Progress callback.

    Raises:
        UnknownNameError: There is no such baseline, benchmark, preset, setting or device.
        BenchmarkError: It looks at images and there is no folder, it cannot train on extra GMs,
            changes are given but it trains no network, or its recipe is damaged.
        SettingError: A setting has an invalid value.
        TrainingError: A training failed, or the device is not available.

    Examples:
        >>> made = run_baseline("mean_mode", "mini116")
        >>> len(made), made.source
        (2304, 'mean_mode')
        >>> from gmbench.evaluation.evaluate import evaluate
        >>> evaluate(made, replicates=0).summary["l1"].mean < 0.2
        True

        A network, trained for only a few epochs on your own dataset::

            run_baseline("full", "my-dataset", changes={"epochs": 5})
    """
    recipe, known = find_recipe(name), load_benchmark(benchmark)
    if changes:
        refuse_changes([recipe])
    if not 0 <= seed < 2**32:
        raise SettingError(f"seed={seed} cannot be: give a whole number from 0 to {2**32 - 1}.")
    if isinstance(extra, str | Path):
        extra = [extra]
    if folder is None and not isinstance(benchmark, Benchmark):
        folder = dataset_folder(benchmark)
    options = RunOptions(
        preset=preset,
        changes=changes or {},
        seed=seed,
        device=device,
        # As the command line has it: benchmarks have sets of the same names.
        runs=None if runs is None else Path(runs) / known.name,
        extra=read_extra(known, map(Path, extra)),
    )
    place = None if folder is None else Path(folder)
    return predict_baseline(recipe, known, place, options, progress)


def predict_baseline(
    recipe: Recipe,
    benchmark: Benchmark,
    folder: Path | None,
    options: RunOptions,
    progress: Progress | None = None,
) -> Predictions:
    """Trains if there is something to train, and predicts all test images.

    Args:
        recipe: The baseline to run.
        benchmark: Labels and sets.
        folder: The dataset folder; None if there are labels only.
        options: How to run it.
        progress: Progress callback.

    Raises:
        GmbenchError: The baseline cannot be run on this benchmark.
    """
    if is_of_attack(benchmark):
        raise BenchmarkError(
            f"The sets of {benchmark.name} are GMs that one parser has seen and not seen: trained "
            "set by set it would have seen none. Train one with `gmbench attack --train NAME`."
        )
    untaught = [name for name in present_sets(benchmark) if not benchmark.training_gms(name)]
    if untaught and not options.extra:
        raise BenchmarkError(
            f"No GM of {benchmark.name} outside {untaught[0]} has images here, so there is nothing "
            "to learn from. Build the dataset with images of some, or with a smaller set."
        )
    if recipe.training is None:
        predictor = predictor_of(recipe)
        further: dict[str, Any] = {}
        if "progress" in signature(predictor).parameters:
            further["progress"] = prefixed(progress, recipe.name)
        if options.extra:
            require_extra(recipe)
            further["extra"] = options.extra
        return predictor(benchmark, options.seed, folder, **further)
    # Imported here, so that baselines that train no network do not need torch.
    with naming_extras():
        from gmbench.training.folds import TrainingJob, predict_with_networks

    job = TrainingJob(recipe, benchmark, require_folder(recipe.name, folder), **vars(options))
    name = recipe.name if recipe.repeats == 1 else f"{recipe.name} {options.seed}"
    return predict_with_networks(job, prefixed(progress, name))
