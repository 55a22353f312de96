"""A benchmark of GMs of one's own: a table of labels, images, and test sets given or drawn."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gmbench.benchmark.benchmark import NAMED, Benchmark
from gmbench.benchmark.catalog import GM, names
from gmbench.benchmark.curation import Curation, draw_test_sets
from gmbench.benchmark.label_table import read_label_table
from gmbench.benchmark.splits import read_set
from gmbench.data.archives import open_source
from gmbench.data.listing import list_images
from gmbench.data.sources import Limits
from gmbench.errors import BenchmarkError


@dataclass(frozen=True, slots=True)
class OwnGMs:
    """A benchmark that was made of a table and images.

    Attributes:
        benchmark: Labels, sets, and as many images of each GM as its folder has.
        warnings: What drawn sets lack, and what is in the way.
    """

    benchmark: Benchmark
    warnings: tuple[str, ...] = ()


def benchmark_of(
    table: Path, images: Path, *, sets: Path | None = None, draw_sets: bool = False, seed: int = 0
) -> OwnGMs:
    """Makes a benchmark of GMs of one's own; its name is that of the table.

    Args:
        table: Labels, one GM a row; `gmbench template --labels` writes an example.
        images: Folder, ZIP or TAR with a folder of images for each GM.
        sets: Folder with a file for each test set, `set_1.txt` and so on: the name of a GM a line.
        draw_sets: Draw four test sets instead, like the paper's.
        seed: Seed of that draw.

    Raises:
        BenchmarkError: The table is none, there are no sets or no room for any, or the table has
            the name of a benchmark that there is.
        UnknownNameError: A set has a GM that the table has not.
        SourceError: The images cannot be read.
    """
    if table.stem in NAMED:
        raise BenchmarkError(
            f"{table} has the name of a benchmark, {table.stem}. Rename the file: its name becomes "
            "that of the benchmark."
        )
    if (sets is None) is not draw_sets:
        raise BenchmarkError(
            "A benchmark of your own needs test sets: give either a folder of them with --sets, or "
            "--draw-sets."
        )
    gms = read_label_table(table)
    if sets is not None:
        curation = Curation(_read_sets(sets, gms), warnings=())
    else:
        curation = draw_test_sets(gms, seed=seed)
    if not curation.sets:
        lines = [f"No test set can be drawn from {table}. Give sets with --sets."]
        raise BenchmarkError("\n".join([*lines, *curation.warnings]))
    made = Benchmark(table.stem, "", gms, curation.sets, (0,) * len(gms))
    with tempfile.TemporaryDirectory() as scratch:
        found = list_images(open_source(images, Path(scratch), Limits()), made).gms
    counts = [len(found[gm.name].files) if gm.name in found else 0 for gm in gms]
    # A GM without a folder is missing one image at least, so that the build reports it.
    made = replace(made, n_images=tuple(max(count, 1) for count in counts))
    facts = f"{made.labels_sha256} {made.splits_sha256}"
    version = hashlib.sha256(facts.encode()).hexdigest()[:12]
    return OwnGMs(replace(made, version=version), curation.warnings)


def _read_sets(folder: Path, gms: Sequence[GM]) -> Mapping[str, tuple[str, ...]]:
    files = sorted(folder.glob("*.txt")) if folder.is_dir() else []
    found = {path.stem: read_set(path, names(gms)) for path in files}
    if not any(found.values()):
        raise BenchmarkError(
            f"{folder} holds no test set. Make a file for each, such as set_1.txt, with the name "
            "of a GM a line."
        )
    if empty := [name for name, test in found.items() if not test]:
        raise BenchmarkError(f"{folder}/{empty[0]}.txt names no GM. Fill or remove it.")
    return found
