"""What `gmbench info` shows: a benchmark, a GM, a parameter or a set, as plain result objects."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import dataclass

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.catalog import GM, Note, is_published, notes
from gmbench.errors import UnknownNameError, plain_form
from gmbench.schema import NAMES, PARAMETERS, Parameter, ParameterType, get_parameter


@dataclass(frozen=True)
class BenchmarkDescription:
    """A benchmark at a glance.

    Attributes:
        name: Its name.
        version: Its version.
        n_gms: Number of GMs.
        n_images: Number of images.
        kinds: Number of GMs of each kind.
        contents: Number of GMs of each content.
        sets: Test GMs of each set.
        labels_sha256: SHA-256 of the labels.
    """

    name: str
    version: str
    n_gms: int
    n_images: int
    kinds: dict[str, int]
    contents: dict[str, int]
    sets: dict[str, tuple[str, ...]]
    labels_sha256: str


@dataclass(frozen=True)
class GMDescription:
    """A GM with its labels in words, the sets that test it, and notes on what is doubtful.

    Attributes:
        gm: The GM.
        benchmark: Name of the benchmark whose labels these are.
        sets: Names of the sets in which it is a test GM.
        labels: Each parameter's value as text.
        notes: Notes on its cells and on whole columns.
        twins: Other GMs with the same 25 values.
    """

    gm: GM
    benchmark: str
    sets: tuple[str, ...]
    labels: dict[str, str]
    notes: tuple[Note, ...]
    twins: tuple[str, ...]


@dataclass(frozen=True)
class ParameterDescription:
    """A parameter and its distribution over the benchmark's GMs.

    Attributes:
        parameter: The parameter.
        smallest: Smallest value of a continuous parameter; None otherwise, or if no GM's is known.
        median: Median of a continuous parameter; None otherwise, or if no GM's is known.
        largest: Largest value of a continuous parameter; None otherwise, or if no GM's is known.
        counts: Number of GMs of each class, or of those that use a loss (`yes`) and do not (`no`).
        notes: Notes on the column and its cells.
    """

    parameter: Parameter
    smallest: float | None
    median: float | None
    largest: float | None
    counts: dict[str, int]
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class SetDescription:
    """A test set: its GMs, and the number of GMs to train on."""

    name: str
    gms: tuple[GM, ...]
    n_training: int


Description = BenchmarkDescription | GMDescription | ParameterDescription | SetDescription


def describe(name: str | None, benchmark: Benchmark) -> Description:
    """Describes the set, parameter or GM that a name stands for; without a name, the benchmark.

    Letter case and separators are ignored.

    Raises:
        UnknownNameError: The name is none of these; the message gives the nearest valid ones.
    """
    if name is None:
        return _describe_benchmark(benchmark)
    form = plain_form(name)
    for set_name in benchmark.sets:
        if plain_form(set_name) == form:
            return _describe_set(set_name, benchmark)
    if form in map(plain_form, NAMES):
        return _describe_parameter(get_parameter(name), benchmark)
    for gm in benchmark.gms:
        if plain_form(gm.name) == form:
            return _describe_gm(gm, benchmark)
    known = [*benchmark.sets, *NAMES, *benchmark.index]
    raise UnknownNameError(
        "GM, parameter or set", name, known, f"`gmbench info` shows what {benchmark.name} has."
    )


def value_text(parameter: Parameter, value: float, benchmark: Benchmark) -> str:
    """Returns a label value in words: `26,904`, `1 instance`, `yes`."""
    if math.isnan(value):
        return "unknown"
    if parameter.type is ParameterType.CONTINUOUS:
        return f"{value:,.0f}"
    if parameter.type is ParameterType.LOSS:
        return "yes" if value else "no"
    return f"{value:.0f} {benchmark.classes[parameter.name][int(value)]}"


def _describe_benchmark(benchmark: Benchmark) -> BenchmarkDescription:
    return BenchmarkDescription(
        name=benchmark.name,
        version=benchmark.version,
        n_gms=len(benchmark.gms),
        n_images=sum(benchmark.n_images),
        kinds=dict(Counter(gm.kind for gm in benchmark.gms).most_common()),
        contents=dict(Counter(gm.content for gm in benchmark.gms).most_common()),
        sets=dict(benchmark.sets),
        labels_sha256=benchmark.labels_sha256,
    )


def _describe_set(name: str, benchmark: Benchmark) -> SetDescription:
    return SetDescription(
        name=name,
        gms=tuple(benchmark.gm(gm) for gm in benchmark.sets[name]),
        n_training=len(benchmark.training_gms(name)),
    )


def _describe_parameter(parameter: Parameter, benchmark: Benchmark) -> ParameterDescription:
    place = NAMES.index(parameter.name)
    column = sorted(benchmark.labels[benchmark.known[:, place], place].tolist())
    continuous = parameter.type is ParameterType.CONTINUOUS
    classes = benchmark.classes.get(parameter.name, ("no", "yes"))
    found = tuple(note for note in notes() if note.parameter == parameter.name)
    # Doubts about published labels do not apply to labels that were measured.
    published = {gm.name for gm in benchmark.gms if is_published(gm)}
    counted = continuous and bool(column)
    return ParameterDescription(
        parameter=parameter,
        smallest=column[0] if counted else None,
        median=statistics.median(column) if counted else None,
        largest=column[-1] if counted else None,
        counts={} if continuous else {n: column.count(i) for i, n in enumerate(classes)},
        notes=tuple(
            note for note in found if note.gm in published or (note.gm == "*" and published)
        ),
    )


def _describe_gm(gm: GM, benchmark: Benchmark) -> GMDescription:
    return GMDescription(
        gm=gm,
        benchmark=benchmark.name,
        sets=tuple(name for name, test in benchmark.sets.items() if gm.name in test),
        labels={
            parameter.name: value_text(parameter, value, benchmark)
            for parameter, value in zip(PARAMETERS, gm.values, strict=True)
        },
        notes=tuple(note for note in notes() if note.gm == gm.name and is_published(gm)),
        twins=tuple(
            other.name
            for other in benchmark.gms
            if other.row() == gm.row() and other.name != gm.name
        ),
    )
