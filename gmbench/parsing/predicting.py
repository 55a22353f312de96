"""Predictions of a set by any kind of parser."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.features import shard_path
from gmbench.errors import BenchmarkError
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.load import load_parser
from gmbench.predictions.predictions import Predictions
from gmbench.progress import Progress
from gmbench.training.feature_table import read_features
from gmbench.training.parsed_sets import predictions_of_set, present_gms, warning_of_seen


def predict_set(
    place: str | Path | None,
    benchmark: Benchmark,
    folder: Path,
    set_name: str,
    device: str = "auto",
    progress: Progress | None = None,
) -> tuple[Predictions, str]:
    """Predicts the test images of one set with a parser.

    Args:
        place: Folder of the parser or its name on the Hub; the package's own if None.
        benchmark: The benchmark of the dataset.
        folder: The dataset folder.
        set_name: The set.
        device: `auto`, `cpu`, `cuda` or `mps`: where a network runs.
        progress: Progress callback for the reading of images.

    Returns:
        The predictions, and a warning if the parser may have seen the test GMs, otherwise empty.

    Raises:
        UnknownNameError: The benchmark has no such set.
        CheckpointError: The parser cannot be read.
    """
    present, parser = present_gms(benchmark, set_name), load_parser(place)
    if not isinstance(parser, KnownGMs):
        from gmbench.training import folds

        return folds.predict_set(parser, benchmark, folder, set_name, device, progress)
    table = read_features(benchmark, folder, (), "spectral_size_colour", progress, residuals=True)
    rows = [np.flatnonzero(table.gms == benchmark.index[gm]) for gm in present]
    parsed = parser.parsed(parser.look_at(table.features[np.concatenate(rows)]).shares)
    return predictions_of_set(benchmark, set_name, parsed, parser.labels, parser.trained_on)


def shards_of_set(
    place: str | Path | None, benchmark: Benchmark, folder: Path, set_name: str
) -> tuple[list[str], str]:
    """Returns the files of the test images of one set, for `parse_to_folder`.

    Args:
        place: Folder of the parser or its name on the Hub; the package's own if None.
        benchmark: The benchmark of the dataset.
        folder: The dataset folder.
        set_name: The set.

    Returns:
        The Parquet file of each GM, and a warning if the parser may have seen the test GMs.

    Raises:
        UnknownNameError: The benchmark has no such set.
        BenchmarkError: Sets share GMs: rows would have to say which set's model predicted them.
        CheckpointError: The parser cannot be read.
    """
    present = present_gms(benchmark, set_name)
    if benchmark.sets_overlap:
        raise BenchmarkError(
            f"The sets of {benchmark.name} share GMs, and parts have no column set. Give --out "
            "FILE, such as predictions.parquet."
        )
    files = [str(folder / shard_path(benchmark, gm)) for gm in present]
    return files, warning_of_seen(benchmark, set_name, load_parser(place).trained_on)
