"""Makes a benchmark of the user's own GMs: a label table, images, and test sets given or drawn."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gmbench.benchmark.benchmark import NAMED, Benchmark
from gmbench.benchmark.catalog import GM, names
from gmbench.benchmark.curation import Curation, draw_test_sets
from gmbench.benchmark.label_table import read_label_table
from gmbench.benchmark.soundness import tables_fault
from gmbench.benchmark.splits import read_set
from gmbench.data.archives import open_source
from gmbench.data.features import ALL, TRAIN
from gmbench.data.listing import list_images
from gmbench.data.sources import Limits
from gmbench.errors import BenchmarkError, DatasetError, plain_form, printable

_SET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*")
"""Names of sets become names of configurations and folders, and are joined by `-` and by blanks."""


@dataclass(frozen=True, slots=True)
class OwnGMs:
    """A benchmark made from a table and images.

    Attributes:
        benchmark: Labels, sets, and for each GM the number of images in its folder.
        warnings: What drawn or merged sets lack, and why.
    """

    benchmark: Benchmark
    warnings: tuple[str, ...] = ()


def benchmark_of(
    table: Path,
    images: Path,
    *,
    sets: Path | None = None,
    draw_sets: bool = False,
    seed: int = 0,
    merged: Benchmark | None = None,
) -> OwnGMs:
    """Makes a benchmark of the user's own GMs, named after the table.

    Args:
        table: Labels, one GM per row; `gmbench template --labels` writes an example.
        images: Folder, ZIP or TAR with one folder of images per GM.
        sets: Folder with one file per test set, `set_1.txt` and so on, with one GM name per line.
        draw_sets: Draw four test sets instead, like the paper's.
        seed: Seed of that draw.
        merged: A benchmark whose GMs are added after those of the table. Its sets are kept if no
            others are given or drawn.

    Raises:
        BenchmarkError: The table is invalid, there are no sets or none can be drawn, a set has an
            unusable name, or the table has the name of an existing benchmark.
        UnknownNameError: A set names a GM that is neither in the table nor in `merged`.
        SourceError: The images cannot be read.
        DatasetError: There is no room to decompress an archive.
    """
    if table.stem in NAMED:
        raise BenchmarkError(
            f"{table} has the name of a benchmark, {table.stem}. Rename the file: its name becomes "
            "that of the benchmark."
        )
    own = read_label_table(table)
    if (sets is not None and draw_sets) or not (sets or draw_sets or merged):
        raise BenchmarkError(
            "A benchmark of your own needs test sets: give either a folder of them with --sets, or "
            "--draw-sets."
        )
    gms = own if merged is None else (*own, *_further(merged, own))
    if sets is not None:
        curation = Curation(_read_sets(sets, gms), warnings=())
    elif merged is not None and not draw_sets:
        curation = _sets_of(merged)
    else:
        curation = draw_test_sets(gms, seed=seed)
    if not curation.sets:
        lines = [f"No test set can be drawn from {table}. Add GMs to it, or give sets with --sets."]
        raise BenchmarkError("\n".join([*lines, *curation.warnings]))
    made = Benchmark(table.stem, "", gms, curation.sets, (0,) * len(gms))
    names_alone = Benchmark(table.stem, "", own, {}, (0,) * len(own))
    with tempfile.TemporaryDirectory() as scratch:
        try:
            source = open_source(images, Path(scratch), Limits())
        except DatasetError as error:
            raise DatasetError(
                f"{images} is decompressed in {scratch}, to list it, and has no room there. "
                "Set TMPDIR to another folder, or unpack the archive and give the folder."
            ) from error
        found = list_images(source, names_alone).gms
    counts = [len(found[gm.name].files) if gm.name in found else 0 for gm in own]
    if merged is not None:
        counts += [n for n in merged.n_images if n]
    # A GM without a folder is expected to have one image, so that the build reports it as missing.
    made = replace(made, n_images=tuple(max(count, 1) for count in counts))
    if fault := tables_fault(made.name, "1", made.gms, made.sets, made.n_images):
        raise BenchmarkError(f"No dataset can be made of {printable(str(table))}: {fault}.")
    facts = f"{made.labels_sha256} {made.splits_sha256}"
    version = hashlib.sha256(facts.encode()).hexdigest()[:12]
    return OwnGMs(replace(made, version=version), curation.warnings)


def _further(merged: Benchmark, own: Sequence[GM]) -> tuple[GM, ...]:
    """Returns the GMs of a benchmark that have images.

    Raises:
        BenchmarkError: One has the name of one of the user's own GMs.
    """
    forms = {plain_form(gm.name): gm.name for gm in own}
    for gm in merged.gms:
        if plain_form(gm.name) in forms:
            raise BenchmarkError(
                f"{forms[plain_form(gm.name)]} is a GM of {merged.name} too, which is merged with "
                "--with. Rename yours: its row and its folder."
            )
    return tuple(gm for gm, n in zip(merged.gms, merged.n_images, strict=True) if n)


def _sets_of(merged: Benchmark) -> Curation:
    """Returns the test sets of a benchmark with those GMs alone that have images."""
    lacking = {gm.name for gm, n in zip(merged.gms, merged.n_images, strict=True) if not n}
    sets = {
        name: tuple(gm for gm in test if gm not in lacking) for name, test in merged.sets.items()
    }
    warnings = [
        f"{name}: {merged.name} has no image of {', '.join(gm for gm in test if gm in lacking)}"
        for name, test in merged.sets.items()
        if not lacking.isdisjoint(test)
    ]
    return Curation({name: test for name, test in sets.items() if test}, tuple(warnings))


def _read_sets(folder: Path, gms: Sequence[GM]) -> Mapping[str, tuple[str, ...]]:
    files = sorted(folder.glob("*.txt")) if folder.is_dir() else []
    order = {name: row for row, name in enumerate(names(gms))}
    for path in files:
        if not _SET_NAME.fullmatch(path.stem) or path.stem in (TRAIN, ALL):
            raise BenchmarkError(
                f"{printable(str(path))} has no name for a test set. Rename it: take letters, "
                f"digits, _ and ., a letter or digit first, and neither {TRAIN} nor {ALL}."
            )
    # In the order of a dataset's table, from which they will be read.
    found = {
        path.stem: tuple(sorted(read_set(path, order), key=order.__getitem__)) for path in files
    }
    if not any(found.values()):
        raise BenchmarkError(
            f"{folder} holds no test set. Make a file for each, such as set_1.txt, with the name "
            "of a GM a line."
        )
    if empty := [name for name, test in found.items() if not test]:
        raise BenchmarkError(f"{folder}/{empty[0]}.txt names no GM. Fill or remove it.")
    return found
