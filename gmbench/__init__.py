"""gmbench: dataset and benchmark toolkit for parsing generative models from their images.

The names below load what they need on first use: `import gmbench` alone is light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gmbench.version import __version__

if TYPE_CHECKING:
    from gmbench.benchmark.benchmark import Benchmark, load_benchmark
    from gmbench.data.loading import load_dataset
    from gmbench.evaluation.comparison import compare
    from gmbench.evaluation.evaluate import evaluate
    from gmbench.predictions.predictions import read_predictions, validate_predictions
    from gmbench.schema import PARAMETERS, Parameter

_HOMES = {
    "Benchmark": "gmbench.benchmark.benchmark",
    "PARAMETERS": "gmbench.schema",
    "Parameter": "gmbench.schema",
    "compare": "gmbench.evaluation.comparison",
    "evaluate": "gmbench.evaluation.evaluate",
    "load_benchmark": "gmbench.benchmark.benchmark",
    "load_dataset": "gmbench.data.loading",
    "read_predictions": "gmbench.predictions.predictions",
    "validate_predictions": "gmbench.predictions.predictions",
}

__all__ = [
    "PARAMETERS",
    "Benchmark",
    "Parameter",
    "__version__",
    "compare",
    "evaluate",
    "load_benchmark",
    "load_dataset",
    "read_predictions",
    "validate_predictions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gmbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
