"""The data and options with which the paper's tables and figures are reproduced."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.cross_validation import with_sets
from gmbench.data.checksums import checksums_text, read_checksums
from gmbench.evaluation.result import PROTOCOL
from gmbench.training.options import RunOptions
from gmbench.version import __version__


@dataclass(frozen=True)
class Setting:
    """A benchmark with images, and how baselines are trained on it.

    Attributes:
        benchmark: Labels, sets and image counts.
        folder: The dataset folder; None if there are only labels.
        out: Folder in which results are kept.
        options: How baselines are run; `runs` keeps the trainings.
    """

    benchmark: Benchmark
    folder: Path | None
    out: Path
    options: RunOptions

    @property
    def made_from(self) -> dict[str, str | None]:
        """What results are made from and with: a dataset's version says nothing of its own images.

        Results of another gmbench or protocol are made again.

        Raises:
            DatasetError: The checksums of the dataset folder cannot be read.
        """
        images = None
        if self.folder is not None:
            sums = read_checksums(self.folder)
            shards = {path: sums[path] for path in sums if path.endswith(".parquet")}
            images = hashlib.sha256(checksums_text(shards).encode()).hexdigest()
        return {
            "labels_sha256": self.benchmark.labels_sha256,
            "images_sha256": images,
            "gmbench": __version__,
            "protocol": PROTOCOL,
        }

    def having(self, sets: str | None) -> Benchmark:
        """Returns the benchmark with other sets, or with its own if `sets` is None.

        Raises:
            BenchmarkError: The benchmark lacks GMs that the sets test.
        """
        return self.benchmark if sets is None else with_sets(self.benchmark, sets)

    def options_for(self, benchmark: Benchmark) -> RunOptions:
        """Returns the options with a separate folder of trainings for a group of sets."""
        runs = self.options.runs
        return replace(self.options, runs=None if runs is None else runs / benchmark.name)
