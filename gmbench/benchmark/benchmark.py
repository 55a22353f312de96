"""A benchmark: labelled GMs, their test sets, and the number of images of each GM.

`load_benchmark` takes one of the named benchmarks or the folder of a built dataset, whose `gms.csv`
and `benchmark.json` hold the same facts. mini116 is such a folder that comes with the package;
red116 has labels only, as its images belong to its authors.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark import catalog
from gmbench.benchmark.catalog import GM
from gmbench.benchmark.soundness import tables_fault
from gmbench.benchmark.splits import read_sets
from gmbench.errors import BenchmarkError, UnknownNameError, plain_form, printable
from gmbench.files import parse_json
from gmbench.schema import DISCRETE, N_CONTINUOUS, NAMES

if TYPE_CHECKING:
    import pandas as pd

NAMED: tuple[str, ...] = ("mini116", "red116", "red116-dm", "red140")
"""The benchmarks known by name. Any other is read from a folder."""

MINI116 = Path(__file__).parent.parent / "tables" / "mini116"
"""The dataset folder of mini116, which `gmbench zoo build` made; its card says how."""

_LARGEST_TABLE = 2**26
"""Maximum size of `gms.csv` and `benchmark.json` in bytes; a row has 100."""

IMAGES_PER_GM = 1000
"""Number of images of each GM in the paper's dataset (section 4.1)."""


@dataclass(frozen=True)
class Benchmark:
    """Labels, sets and image counts: everything an evaluation needs besides predictions.

    Attributes:
        name: Name, such as `red116`.
        version: Version, such as `2023.1`; changes whenever a label, a set, the number of images
            of a test GM, or whether another GM has images does. A `-partial` benchmark has the
            version of the whole one.
        gms: All GMs, in the order of the label table.
        sets: Names of the test GMs of each set, by set name.
        n_images: Number of images of each GM, in the order of `gms`.

    Examples:
        >>> import gmbench
        >>> benchmark = gmbench.load_benchmark("red116")
        >>> benchmark.gm("stylegan2").kind
        'GAN'
        >>> len(benchmark.training_gms("set_1")), len(benchmark.test_gms("set_1"))
        (104, 12)
    """

    name: str
    version: str
    gms: tuple[GM, ...]
    sets: Mapping[str, tuple[str, ...]]
    n_images: tuple[int, ...]

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each GM, by its name."""
        return {gm.name: row for row, gm in enumerate(self.gms)}

    @cached_property
    def labels(self) -> NDArray[np.float64]:
        """Label values, shape (GMs, 25): natural units, class indices, 0 or 1.

        An unknown value is filled with what is usual among all GMs, the (lower) median of a count
        or the most frequent class, so that there is a number everywhere; no filled value enters a
        metric (see `known`).
        """
        return np.where(self.known, self._stated, self._usual)

    @cached_property
    def _stated(self) -> NDArray[np.float64]:
        return np.array([gm.values for gm in self.gms], dtype=np.float64)

    @cached_property
    def _usual(self) -> NDArray[np.float64]:
        """What fills an unknown value of each parameter, shape (25,)."""
        columns = zip(self._stated.T, self.known.T, strict=True)
        return np.array(
            [
                _usual(column[known], is_count=place < N_CONTINUOUS)
                for place, (column, known) in enumerate(columns)
            ]
        )

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Whether each label is known, shape (GMs, 25)."""
        return ~np.isnan(self._stated)

    @cached_property
    def known_labels(self) -> NDArray[np.float64]:
        """Label values with NaN where they are unknown, shape (GMs, 25)."""
        return self._stated.copy()

    def labels_of(self, gms: Sequence[GM]) -> NDArray[np.float64]:
        """Returns the label values of any GMs, filled like `labels`, shape (GMs, 25)."""
        stated = np.array([gm.values for gm in gms], dtype=np.float64).reshape(len(gms), -1)
        return np.where(np.isnan(stated), self._usual, stated)

    @cached_property
    def minimum(self) -> NDArray[np.float64]:
        """Smallest value of each continuous parameter over all GMs, shape (9,), natural units."""
        return np.asarray(self.labels[:, :N_CONTINUOUS].min(axis=0))

    @cached_property
    def span(self) -> NDArray[np.float64]:
        """Largest minus smallest value of each continuous parameter, shape (9,); never 0."""
        span = self.labels[:, :N_CONTINUOUS].max(axis=0) - self.minimum
        return np.where(span > 0, span, 1.0)

    @cached_property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Class names of each discrete parameter.

        Those of the schema, then `class_4`, `class_5`, ... where the labels hold a higher index
        than the schema names (the 2024 release does).
        """
        classes = {}
        for column, parameter in enumerate(DISCRETE, start=N_CONTINUOUS):
            highest = int(self.labels[:, column].max())
            further = range(len(parameter.classes), highest + 1)
            classes[parameter.name] = parameter.classes + tuple(f"class_{i}" for i in further)
        return classes

    @cached_property
    def sets_overlap(self) -> bool:
        """Whether a GM is in more than one test set, so that predictions must name their set."""
        members = [name for test in self.sets.values() for name in test]
        return len(members) != len(set(members))

    @cached_property
    def labels_sha256(self) -> str:
        """SHA-256 of names, kinds and label values."""
        lines = [",".join([gm.name, gm.kind, *(f"{v:.15g}" for v in gm.values)]) for gm in self.gms]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @cached_property
    def splits_sha256(self) -> str:
        """SHA-256 of the test sets, each GM's images in them, and other GMs that have no images."""
        lines = [
            f"{name},{gm},{self.n_images[self.index[gm]]}"
            for name, test in self.sets.items()
            for gm in test
        ]
        # Such a GM trains nothing: it is no part of what labels alone reach.
        tested = {gm for test in self.sets.values() for gm in test}
        lines += [
            f",{gm.name},0"
            for gm, n_images in zip(self.gms, self.n_images, strict=True)
            if not n_images and gm.name not in tested
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def is_same_as(self, other: Benchmark) -> bool:
        """Returns whether labels, sets and image counts are the same, whatever the names are."""
        return (self.labels_sha256, self.splits_sha256) == (
            other.labels_sha256,
            other.splits_sha256,
        )

    @property
    def told(self) -> str:
        """Name, version and the first digits of the hashes, for messages."""
        return (
            f"{self.name} {self.version} (labels {self.labels_sha256[:8]}, "
            f"sets {self.splits_sha256[:8]})"
        )

    def gm(self, name: str) -> GM:
        """Returns the GM called `name`, ignoring letter case and separators.

        Raises:
            UnknownNameError: The benchmark has no such GM.
        """
        row = self.index.get(name)
        if row is None:
            forms = {plain_form(gm.name): gm for gm in self.gms}
            if plain_form(name) in forms:
                return forms[plain_form(name)]
            raise UnknownNameError("GM", name, self.index, f"It is not in {self.name}.")
        return self.gms[row]

    def test_gms(self, set_name: str) -> tuple[str, ...]:
        """Returns the names of the test GMs of a set.

        Raises:
            UnknownNameError: The benchmark has no such set.
        """
        try:
            return self.sets[set_name]
        except KeyError:
            raise UnknownNameError(
                "Set", set_name, self.sets, f"{self.name} has: {', '.join(self.sets)}."
            ) from None

    def training_gms(self, set_name: str) -> tuple[str, ...]:
        """Returns the names of the GMs to train on for a set: all with images except its own."""
        test = set(self.test_gms(set_name))
        return tuple(
            gm.name
            for gm, n_images in zip(self.gms, self.n_images, strict=True)
            if gm.name not in test and n_images > 0
        )

    def normalise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Maps continuous values, shape (..., 9), from natural units to (v - min) / (max - min)."""
        return np.asarray((values - self.minimum) / self.span)

    def denormalise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Maps continuous values, shape (..., 9), back to natural units."""
        return np.asarray(values * self.span + self.minimum)


def load_benchmark(name: str | Path | Benchmark, labels: str = "2023") -> Benchmark:
    """Returns a benchmark by name, or reads it from the folder of a built dataset.

    Args:
        name: `mini116`, `red116`, `red116-dm`, `red140`, or the folder of a dataset; a `Path` is
            always a folder. A benchmark that is already loaded is returned unchanged.
        labels: Label release of the GMs of red116, which red116-dm and red140 also have; all other
            labels are fixed.

    Raises:
        UnknownNameError: There is no such name or folder, or no such label release.
        BenchmarkError: The folder is not, or no longer, a complete benchmark; or another label
            release is requested for a benchmark without the GMs of red116.

    Examples:
        >>> import gmbench
        >>> benchmark = gmbench.load_benchmark("red116")
        >>> benchmark.labels.shape
        (116, 25)
    """
    if isinstance(name, Benchmark):
        return name
    if not isinstance(name, str | Path):
        raise UnknownNameError("Benchmark", str(name), NAMED, "Give a name or a folder.")
    named = isinstance(name, str) and name in NAMED
    if not named and not Path(name).is_dir():
        raise UnknownNameError(
            "Benchmark",
            str(name),
            NAMED,
            f"Take {', '.join(NAMED)}, or a folder that `gmbench data build` made.",
        )
    gms = catalog.red116(labels)
    if not named or name == "mini116":
        if labels != "2023":
            raise BenchmarkError(
                f"Labels {labels} are a release of the GMs of red116; {name} has its own. Give "
                "--benchmark red116, red116-dm or red140."
            )
        return read_benchmark(MINI116 if named else Path(name))
    if name == "red116-dm":
        gms += catalog.diffusion7()
    elif name == "red140":
        gms += catalog.diffusion24()
    return Benchmark(
        name=str(name),
        version=f"{labels}.1",
        gms=gms,
        sets=read_sets(str(name), catalog.names(gms)),
        n_images=(IMAGES_PER_GM,) * len(gms),
    )


def _usual(values: NDArray[np.float64], *, is_count: bool) -> float:
    """Returns the lower median of counts, or the most frequent class; 0 without values."""
    if not len(values):
        return 0.0
    if is_count:
        return float(np.sort(values)[(len(values) - 1) // 2])
    return float(np.bincount(values.astype(np.int64)).argmax())


def list_benchmarks() -> pd.DataFrame:
    """Returns the benchmarks known by name, one row each.

    Columns: `version`, the numbers of `gms`, `sets` and `images`, and whether the images come with
    the package (`embedded`) or are its authors' to give.

    Examples:
        >>> import gmbench
        >>> gmbench.list_benchmarks().loc["red116", ["gms", "sets", "images"]].tolist()
        [116, 4, 116000]
    """
    import pandas as pd

    rows = {}
    for name in NAMED:
        known = load_benchmark(name)
        rows[name] = {
            "version": known.version,
            "gms": len(known.gms),
            "sets": len(known.sets),
            "images": sum(known.n_images),
            "embedded": dataset_folder(name) is not None,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("benchmark")


def dataset_folder(name: str | Path) -> Path | None:
    """Returns the folder that holds a benchmark's images; None where it has labels only."""
    if name == "mini116":
        return MINI116
    return None if isinstance(name, str) and name in NAMED else Path(name)


def named_benchmark_with(gms: set[str]) -> Benchmark | None:
    """Returns the first named benchmark that has all of the given GMs, or None."""
    return next((one for one in map(load_benchmark, NAMED) if gms <= one.index.keys()), None)


def read_benchmark(folder: Path) -> Benchmark:
    """Reads `gms.csv` and `benchmark.json` of a built dataset.

    Raises:
        BenchmarkError: A file is missing or invalid; the message says which and why.
    """
    table, facts = folder / "gms.csv", folder / "benchmark.json"
    for path in (table, facts):
        if not path.is_file():
            raise BenchmarkError(
                f"{folder} is not a dataset of gmbench: {path.name} is missing. "
                "Make one with `gmbench data build --out FOLDER`."
            )
    try:
        for path in (table, facts):
            if path.stat().st_size > _LARGEST_TABLE:
                raise ValueError(f"{path.name} has more than {_LARGEST_TABLE:,} bytes")
        described = parse_json(facts.read_bytes())
        name, version = str(described["name"]), str(described["version"])
        set_names = [str(set_name) for set_name in described["sets"]]
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        gms = tuple(catalog.gm_from_row(row) for row in rows)
        n_images = tuple(int(row["n_images"]) for row in rows)
        members: dict[str, list[str]] = {set_name: [] for set_name in set_names}
        for row in rows:
            for set_name in dict.fromkeys(row["test_sets"].split()):
                if set_name in members:
                    members[set_name].append(row["gm"])
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise BenchmarkError(
            f"{folder}: gms.csv or benchmark.json is damaged "
            f"({type(error).__name__}: {printable(str(error))}). Build the dataset again."
        ) from error
    except OSError as error:
        raise BenchmarkError(f"{folder} cannot be read: {error.strerror or error}.") from error
    if fault := tables_fault(name, version, gms, members, n_images):
        raise BenchmarkError(
            f"{folder}: gms.csv or benchmark.json is damaged: {fault}. Build the dataset again."
        )
    sets = {set_name: tuple(members[set_name]) for set_name in set_names}
    return Benchmark(name=name, version=version, gms=gms, sets=sets, n_images=n_images)


def benchmark_files(benchmark: Benchmark) -> dict[str, str]:
    """Returns the contents of `gms.csv` and `benchmark.json`, which `read_benchmark` reads back."""
    columns = ["gm", "kind", "content", "resolution", "year", "content_confidence"]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*columns, "test_sets", "n_images", *NAMES])
    for gm, n_images in zip(benchmark.gms, benchmark.n_images, strict=True):
        row = catalog.row_from_gm(gm)
        test_sets = " ".join(name for name, test in benchmark.sets.items() if gm.name in test)
        cells = [row[column] for column in columns]
        cells += [test_sets, str(n_images), *(row[name] for name in NAMES)]
        writer.writerow(cells)
    described = {
        "name": benchmark.name,
        "version": benchmark.version,
        "sets": list(benchmark.sets),
        "labels_sha256": benchmark.labels_sha256,
        "splits_sha256": benchmark.splits_sha256,
    }
    return {
        "gms.csv": table.getvalue(),
        "benchmark.json": json.dumps(described, indent=2) + "\n",
    }
