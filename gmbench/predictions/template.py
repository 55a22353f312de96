"""An empty prediction file: every `image_id`, and all values to be filled in."""

from __future__ import annotations

import csv
import io

from gmbench.benchmark.benchmark import Benchmark
from gmbench.predictions.images import image_index
from gmbench.predictions.probabilities import columns_of
from gmbench.schema import NAMES


def template(
    benchmark: Benchmark, set_name: str | None = None, *, probabilities: bool = False
) -> str:
    """Returns a CSV file with every `image_id` of a benchmark and all values to be filled in.

    Args:
        benchmark: The benchmark.
        set_name: Name of one set; by default all sets.
        probabilities: Whether columns of class probabilities replace those of the classes.

    Raises:
        UnknownNameError: The benchmark has no such set.
    """
    if set_name is not None:
        benchmark.test_gms(set_name)
    names = list(benchmark.sets)
    index = image_index(benchmark)
    odds = columns_of(benchmark) if probabilities else {}
    columns = [column for name in NAMES for column in odds.get(name, (name,))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ("image_id", "set") if benchmark.sets_overlap else ("image_id",)
    writer.writerow((*head, *columns))
    blank = ("",) * len(columns)
    for image_id, number in zip(index.image_ids, index.sets.tolist(), strict=True):
        if set_name in (None, names[number]):
            key = (image_id, names[number]) if benchmark.sets_overlap else (image_id,)
            writer.writerow((*key, *blank))
    return text.getvalue()
