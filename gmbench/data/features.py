"""The dataset's columns, derived from the schema, and the labels of a GM as their values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.schema import CONTINUOUS, DISCRETE, KINDS, LOSSES, N_ARCHITECTURE, N_CONTINUOUS, NAMES

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Features

ALL = "all"
"""The configuration that holds every image in one split."""

TRAIN = "train"
"""The split to train on, and the group of the GMs that are in no test set."""

LabelValue = int | bool | tuple[float, ...] | None
"""None is an unknown label; in the target it is NaN."""


def dataset_features(benchmark: Benchmark) -> Features:
    """Returns the columns of a benchmark's dataset: image, names, 25 parameters, target."""
    from datasets import ClassLabel, Features, Image, List, Value

    return Features(
        {
            "image": Image(),
            "image_id": Value("string"),
            "gm": ClassLabel(names=list(benchmark.index)),
            "kind": ClassLabel(names=list(KINDS)),
            "content": ClassLabel(names=list(contents(benchmark))),
            **{parameter.name: Value("int64") for parameter in CONTINUOUS},
            **{
                parameter.name: ClassLabel(names=list(benchmark.classes[parameter.name]))
                for parameter in DISCRETE
            },
            **{parameter.name: Value("bool") for parameter in LOSSES},
            "target": List(Value("float32"), length=len(NAMES)),
        }
    )


def arrow_schema(benchmark: Benchmark) -> pa.Schema:
    """Returns the columns as an Arrow schema whose metadata tells `datasets` their features."""
    return dataset_features(benchmark).arrow_schema


def contents(benchmark: Benchmark) -> tuple[str, ...]:
    """Returns the contents that occur, such as `faces`, in alphabetical order."""
    return tuple(sorted({gm.content for gm in benchmark.gms}))


def label_values(benchmark: Benchmark, name: str) -> dict[str, LabelValue]:
    """Returns the values that all images of a GM have in the columns after `image_id`, in order."""
    gm = benchmark.gms[benchmark.index[name]]
    n_counts, n_classes = N_CONTINUOUS, N_ARCHITECTURE
    values: dict[str, LabelValue] = {
        "gm": benchmark.index[name],
        "kind": KINDS.index(gm.kind),
        "content": contents(benchmark).index(gm.content),
    }
    for column, (parameter, value) in enumerate(zip(NAMES, gm.values, strict=True)):
        if math.isnan(value):
            values[parameter] = None
        else:
            values[parameter] = int(value) if column < n_classes else bool(value)
    target = np.array(gm.values)
    target[:n_counts] = benchmark.normalise(target[:n_counts])
    values["target"] = tuple(map(float, target.astype(np.float32)))
    return values


def group_of(benchmark: Benchmark, name: str) -> str:
    """Returns the folder of a GM's shard: the test sets it is in, or `train` if in none."""
    return "-".join(s for s, test in benchmark.sets.items() if name in test) or TRAIN


def shard_path(benchmark: Benchmark, name: str) -> str:
    """Returns the path of a GM's shard inside the dataset folder."""
    return f"data/{group_of(benchmark, name)}/{name}.parquet"


def example_split(benchmark: Benchmark) -> tuple[str, str]:
    """Returns the first configuration with images to test on, and that split; else `all`'s own."""
    tested = (config for config, splits in configurations(benchmark).items() if "test" in splits)
    config = next(tested, ALL)
    return config, TRAIN if config == ALL else "test"


def configurations(benchmark: Benchmark) -> dict[str, dict[str, tuple[str, ...]]]:
    """Returns the GMs of each split of each configuration; splits without images are left out.

    There is one configuration per test set, in the benchmark's order, then `all`.
    """
    with_images = tuple(
        name for name, n in zip(benchmark.index, benchmark.n_images, strict=True) if n
    )
    splits = {
        set_name: {
            TRAIN: tuple(name for name in with_images if name not in test),
            "test": tuple(name for name in with_images if name in test),
        }
        for set_name, test in benchmark.sets.items()
    }
    splits[ALL] = {TRAIN: with_images}
    return {
        config: {split: gms for split, gms in parts.items() if gms}
        for config, parts in splits.items()
    }
