"""gmbench: dataset and benchmark toolkit for parsing generative models from their images.

The names below are the public interface; docs/api.md shows each with an example. They load what
they need on first use, so that `import gmbench` alone is light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gmbench.version import __version__

if TYPE_CHECKING:
    from gmbench import metrics
    from gmbench.benchmark.benchmark import Benchmark, list_benchmarks, load_benchmark
    from gmbench.board.submission import submit
    from gmbench.board.table import leaderboard
    from gmbench.data.build import build_dataset
    from gmbench.data.loading import load_dataset
    from gmbench.evaluation.comparison import compare
    from gmbench.evaluation.evaluate import evaluate
    from gmbench.measuring.measure import measure
    from gmbench.parsing.load import load_parser
    from gmbench.parsing.parse import parse
    from gmbench.predictions.predictions import (
        Predictions,
        read_predictions,
        validate_predictions,
    )
    from gmbench.schema import PARAMETERS, Parameter
    from gmbench.training.baselines import list_baselines, run_baseline
    from gmbench.training.fold_dataset import FoldDataset

_HOMES = {
    "Benchmark": "gmbench.benchmark.benchmark",
    "FoldDataset": "gmbench.training.fold_dataset",
    "PARAMETERS": "gmbench.schema",
    "Parameter": "gmbench.schema",
    "Predictions": "gmbench.predictions.predictions",
    "build_dataset": "gmbench.data.build",
    "compare": "gmbench.evaluation.comparison",
    "evaluate": "gmbench.evaluation.evaluate",
    "leaderboard": "gmbench.board.table",
    "list_baselines": "gmbench.training.baselines",
    "list_benchmarks": "gmbench.benchmark.benchmark",
    "load_benchmark": "gmbench.benchmark.benchmark",
    "load_dataset": "gmbench.data.loading",
    "load_parser": "gmbench.parsing.load",
    "measure": "gmbench.measuring.measure",
    "parse": "gmbench.parsing.parse",
    "read_predictions": "gmbench.predictions.predictions",
    "run_baseline": "gmbench.training.baselines",
    "submit": "gmbench.board.submission",
    "validate_predictions": "gmbench.predictions.predictions",
}
"""The module that provides each public name; `metrics` is a module itself."""

__all__ = [
    "PARAMETERS",
    "Benchmark",
    "FoldDataset",
    "Parameter",
    "Predictions",
    "__version__",
    "build_dataset",
    "compare",
    "evaluate",
    "leaderboard",
    "list_baselines",
    "list_benchmarks",
    "load_benchmark",
    "load_dataset",
    "load_parser",
    "measure",
    "metrics",
    "parse",
    "read_predictions",
    "run_baseline",
    "submit",
    "validate_predictions",
]


def __getattr__(name: str) -> Any:
    if name == "metrics":
        return importlib.import_module("gmbench.metrics")
    if name not in _HOMES:
        raise AttributeError(f"module 'gmbench' has no attribute {name!r}")
    from gmbench.errors import naming_extras

    with naming_extras():
        return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
