"""GMs of other datasets to train on in addition to a benchmark's own.

A hundred GMs are few to learn from. A zoo of any size (`gmbench zoo build`) or any other dataset
folder adds to them: its GMs are trained on in every fold, whatever its own test sets. Scores remain
those of the benchmark, in its own ranges; a result says what was added.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gmbench.benchmark.benchmark import Benchmark, dataset_folder, read_benchmark
from gmbench.benchmark.catalog import GM
from gmbench.errors import BenchmarkError
from gmbench.schema import DISCRETE, N_ARCHITECTURE, N_CONTINUOUS


@dataclass(frozen=True)
class ExtraGMs:
    """The GMs of one dataset that are trained on in addition to a benchmark's own.

    Attributes:
        folder: The dataset folder.
        dataset: The benchmark that the folder holds.
        gms: The GMs to train on: all that have images, except the twins.
        twins: Names of GMs that are left out because a test GM of the benchmark has the same 15
            architecture values: a method that knows the twin need not parse the image.
    """

    folder: Path
    dataset: Benchmark
    gms: tuple[GM, ...]
    twins: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Returns what a result says about it: name, version, label hash, number of GMs, twins."""
        return {
            "benchmark": self.dataset.name,
            "version": self.dataset.version,
            "labels_sha256": self.dataset.labels_sha256,
            "n_gms": len(self.gms),
            "twins": list(self.twins),
        }


def read_extra(benchmark: Benchmark, folders: Iterable[Path]) -> tuple[ExtraGMs, ...]:
    """Reads datasets whose GMs are to be trained on.

    Args:
        benchmark: The benchmark that is predicted.
        folders: Dataset folders; `mini116` is the package's own.

    Raises:
        BenchmarkError: A folder is not a dataset, two GMs have the same name, or a GM has a class
            index that the benchmark does not have.
    """
    tests = {
        benchmark.gm(name).row(N_ARCHITECTURE)
        for members in benchmark.sets.values()
        for name in members
    }
    seen, found = dict.fromkeys(benchmark.index, benchmark.name), []
    for named in folders:
        folder = dataset_folder(str(named)) or named
        dataset = read_benchmark(folder)
        pairs = zip(dataset.gms, dataset.n_images, strict=True)
        present = [gm for gm, n_images in pairs if n_images]
        for gm in present:
            if gm.name in seen:
                raise BenchmarkError(
                    f"{folder}: {gm.name} is also a GM of {seen[gm.name]}. Extra GMs need names "
                    "of their own: build the zoo with another --name and --seed."
                )
            seen[gm.name] = str(folder)
            _check_classes(benchmark, gm, folder)
        twins = [gm.name for gm in present if gm.row(N_ARCHITECTURE) in tests]
        kept = tuple(gm for gm in present if gm.name not in twins)
        found.append(ExtraGMs(folder, dataset, kept, tuple(twins)))
    return tuple(found)


def _check_classes(benchmark: Benchmark, gm: GM, folder: Path) -> None:
    values = gm.values[N_CONTINUOUS:N_ARCHITECTURE]
    for parameter, value in zip(DISCRETE, values, strict=True):
        known = len(benchmark.classes[parameter.name])
        if value >= known:
            raise BenchmarkError(
                f"{folder}: {gm.name} has class {value:.0f} of {parameter.name}; "
                f"{benchmark.name} has {known} classes. Take the GM out of the dataset."
            )
