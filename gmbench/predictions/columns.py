"""From the cells of a prediction file to numbers, with a check for each way a cell can be wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import nearest_names
from gmbench.predictions.checks import Checklist
from gmbench.predictions.negative_counts import check_counts
from gmbench.predictions.probabilities import (
    Probabilities,
    check_agreement,
    check_sums,
    whole_columns,
)
from gmbench.predictions.raw_table import KEYS, RawTable, is_text_type
from gmbench.schema import CONTINUOUS, N_ARCHITECTURE, N_CONTINUOUS, NAMES
from gmbench.wording import plural

_MISSING = {"", "nan", "na", "n/a", "null", "none"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
_TRUTH = {"true": 1.0, "false": 0.0}
_COUNTS = {parameter.name for parameter in CONTINUOUS}
_NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)

FARTHEST = 1000.0
"""Continuous predictions farther from the labels' range than this many ranges are refused."""


class _Problem:
    """Codes for what is wrong with a cell."""

    NONE, MISSING, TEXT, INFINITE, CLASS, LOSS, FAR, PROBABILITY = range(8)


@dataclass
class Values:
    """The numbers of a prediction file, one row per image.

    Attributes:
        continuous: Shape (rows, 9), natural units.
        discrete: Shape (rows, 6), class indices.
        losses: Shape (rows, 10), scores in [0, 1].
        probabilities: By discrete parameter, those of its classes, shape (rows, classes); empty
            if none are given.
    """

    continuous: NDArray[np.float64]
    discrete: NDArray[np.int8]
    losses: NDArray[np.float64]
    probabilities: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def take(self, rows: NDArray[np.int64]) -> Values:
        """Returns some of the rows, in the order given."""
        return Values(
            self.continuous[rows],
            self.discrete[rows],
            self.losses[rows],
            {name: odds[rows] for name, odds in self.probabilities.items()},
        )

    def to_array(self) -> NDArray[np.float64]:
        """Returns all but probabilities as one array, shape (rows, 25), counts in natural units."""
        return np.column_stack([self.continuous, self.discrete, self.losses])


def read_values(raw: RawTable, benchmark: Benchmark, checklist: Checklist) -> Values | None:
    """Converts the 25 columns, and probabilities, to numbers and checks every cell.

    Returns:
        The numbers, in the file's order, or None if a column, a cell or the units are wrong.
    """
    if not _check_types(raw, benchmark, checklist):
        return None
    odds_of = whole_columns(raw, benchmark, checklist)
    names = [*NAMES, *(column for columns in odds_of.values() for column in columns)]
    values = np.zeros((raw.n_rows, len(names)))
    problems = np.zeros((raw.n_rows, len(names)), dtype=np.uint8)
    for column, name in enumerate(names):
        cells, outside = raw.columns.get(name), _Problem.NONE
        if cells is None:
            continue  # The class follows from its probabilities.
        if name in benchmark.classes:
            values[:, column], problems[:, column] = _read_classes(cells, benchmark.classes[name])
            continue
        if column >= len(NAMES):
            outside = _Problem.PROBABILITY
        elif column >= N_ARCHITECTURE:
            outside = _Problem.LOSS
        values[:, column], problems[:, column] = _read_numbers(cells, outside, raw.is_text)
    continuous = values[:, :N_CONTINUOUS]
    far = np.abs(benchmark.normalise(continuous)) > FARTHEST
    sound = problems[:, :N_CONTINUOUS] == _Problem.NONE
    problems[:, :N_CONTINUOUS][far & sound] = _Problem.FAR
    _report(raw, benchmark, names, problems, checklist)
    discrete = values[:, N_CONTINUOUS:N_ARCHITECTURE].astype(np.int8)
    probabilities = _probabilities(raw, benchmark, odds_of, values, problems, discrete, checklist)
    normalised = _check_units(continuous, sound, benchmark, checklist)
    image_ids = raw.columns["image_id"]
    check_counts(continuous, lambda row: f"{raw.place(row)} ({image_ids[row].as_py()})", checklist)
    if problems.any() or normalised:
        return None
    return Values(
        continuous=continuous,
        discrete=discrete,
        losses=values[:, N_ARCHITECTURE : len(NAMES)],
        probabilities=probabilities,
    )


def _probabilities(
    raw: RawTable,
    benchmark: Benchmark,
    odds_of: Mapping[str, tuple[str, ...]],
    values: NDArray[np.float64],
    problems: NDArray[np.uint8],
    discrete: NDArray[np.int8],
    checklist: Checklist,
) -> Probabilities:
    """Extracts the probabilities from all values, and fills in classes given by them alone."""
    if not odds_of:
        return {}
    probabilities: Probabilities = {}
    sound, chosen, both_sound = {}, {}, {}
    place = len(NAMES)
    for name, columns in odds_of.items():
        of_parameter = slice(place, place + len(columns))
        place += len(columns)
        probabilities[name] = values[:, of_parameter].copy()
        sound[name] = (problems[:, of_parameter] == _Problem.NONE).all(axis=1)
        column = NAMES.index(name)
        if name in raw.columns:
            chosen[name] = discrete[:, column - N_CONTINUOUS]
            both_sound[name] = sound[name] & (problems[:, column] == _Problem.NONE)
        else:
            discrete[:, column - N_CONTINUOUS] = probabilities[name].argmax(axis=1)
    check_sums(raw, probabilities, sound, checklist)
    check_agreement(raw, benchmark, probabilities, chosen, both_sound, checklist)
    return probabilities


def _check_types(raw: RawTable, benchmark: Benchmark, checklist: Checklist) -> bool:
    """Checks the column types of Parquet files and DataFrames; text files have none."""
    if raw.is_text:
        return True
    offenders = []
    for name, cells in raw.columns.items():
        kind = cells.type
        numeric = any(is_type(kind) for is_type in _NUMERIC)
        if name in KEYS:
            continue
        if name in benchmark.classes:
            wanted, right = "integer or string", numeric or is_text_type(kind)
            if len(benchmark.classes[name]) == 2:
                wanted = "integer, string or bool"
                right |= pa.types.is_boolean(kind)
        elif name in _COUNTS:
            wanted, right = "number", numeric
        else:
            wanted, right = "number or bool", numeric or pa.types.is_boolean(kind)
        if not right:
            offenders.append(f"column {name} is {kind}, not {wanted}")
    if offenders:
        checklist.failed(
            "column_types",
            f"{plural(len(offenders), 'column has', 'columns have')} a wrong type.",
            "write continuous columns as numbers, discrete as integers or strings, losses and "
            "probabilities as numbers or bools.",
            offenders,
            fatal=True,
        )
        return False
    checklist.passed("column_types", "numbers where numbers belong")
    return True


def _read_numbers(
    cells: pa.Array, outside: int, is_text: bool
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Reads one column of numbers; a cell that is not a number becomes 0 and has a problem.

    If `outside` is the code of a problem, values outside [0, 1] have it.
    """
    if is_text:
        try:
            numbers = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            return _by_distinct_text(cells, partial(_number, outside=outside))
    else:
        # An integer beyond 2^53 is rounded: it is far out of every range, which a check reports.
        numbers = pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    problems = np.zeros(len(numbers), dtype=np.uint8)
    if outside:
        problems[(numbers < 0) | (numbers > 1)] = outside
    problems[np.isinf(numbers)] = _Problem.INFINITE
    problems[np.isnan(numbers)] = _Problem.MISSING
    return np.where(np.isfinite(numbers), numbers, 0.0), problems


def _read_classes(
    cells: pa.Array, classes: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Reads one column of class names or class indices, whichever each cell holds."""
    return _by_distinct_text(cells, partial(_class_index, classes=classes))


def _by_distinct_text(cells: pa.Array, read: Any) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Applies a text reader once to each distinct value of a column."""
    if not pa.types.is_dictionary(cells.type):
        cells = pc.dictionary_encode(cells, null_encoding="encode")
    texts = ["" if value is None else str(value).strip() for value in cells.dictionary.to_pylist()]
    found = [read(text) for text in texts] + [(0.0, _Problem.MISSING)]
    numbers = np.array([number for number, _ in found])
    problems = np.array([problem for _, problem in found], dtype=np.uint8)
    indices = pc.fill_null(cells.indices, len(texts)).to_numpy(zero_copy_only=False)
    return numbers[indices], problems[indices]


def _number(text: str, *, outside: int) -> tuple[float, int]:
    """Reads one number; returns it, or 0, and the code of its problem."""
    form = text.casefold()
    if form in _MISSING:
        return 0.0, _Problem.MISSING
    if outside and form in _TRUTH:
        return _TRUTH[form], _Problem.NONE
    if not _NUMBER.fullmatch(form):
        return 0.0, _Problem.TEXT
    number = float(form)
    if math.isinf(number):
        return 0.0, _Problem.INFINITE
    if outside and not 0 <= number <= 1:
        return 0.0, outside
    return number, _Problem.NONE


def _class_index(text: str, *, classes: tuple[str, ...]) -> tuple[float, int]:
    """Reads one class, by name or index; returns its index, or 0, and the code of its problem."""
    if text in classes:
        return float(classes.index(text)), _Problem.NONE
    form = text.casefold()
    if form in _MISSING - set(classes):
        return 0.0, _Problem.MISSING
    if _NUMBER.fullmatch(form) and float(form) in range(len(classes)):
        return float(form), _Problem.NONE
    if form in _TRUTH and len(classes) == 2:
        return _TRUTH[form], _Problem.NONE
    return 0.0, _Problem.CLASS


def _report(
    raw: RawTable,
    benchmark: Benchmark,
    names: Sequence[str],
    problems: NDArray[np.uint8],
    checklist: Checklist,
) -> None:
    """Records one check for each kind of problem."""
    any_problem, none = problems.any(), np.empty((0, 2), dtype=np.int64)
    for code, name, passed, failed, remedy in (
        (
            _Problem.MISSING,
            "values_present",
            "no value is missing",
            "missing",
            "predict every parameter of every image; there is no mark for 'unknown'.",
        ),
        (
            _Problem.TEXT,
            "values_numeric",
            "every number is a number",
            "not a number",
            "write plain numbers such as 12 or 3.5e6, without units or thousands separators.",
        ),
        (
            _Problem.INFINITE,
            "values_finite",
            "every number is finite",
            "infinite",
            "replace it by a finite number.",
        ),
        (
            _Problem.FAR,
            "values_in_reach",
            "every count is of a sensible size",
            f"more than {FARTHEST:.0f} times the labels' range away",
            "give counts in natural units, such as 12 layers or 3500000 parameters.",
        ),
        (
            _Problem.CLASS,
            "classes_known",
            "every class is known",
            "not a class of the parameter",
            "use the class names or indices that `gmbench info PARAMETER` lists.",
        ),
        (
            _Problem.LOSS,
            "loss_range",
            "every loss lies in [0, 1]",
            "outside [0, 1]",
            "give 0, 1 or a score between them: a probability, not a logit.",
        ),
        (
            _Problem.PROBABILITY,
            "probability_range",
            "every probability lies in [0, 1]",
            "outside [0, 1]",
            "give probabilities, not percents or logits.",
        ),
    ):
        if code == _Problem.PROBABILITY and len(names) == len(NAMES):
            continue
        where = np.argwhere(problems == code) if any_problem else none
        if len(where) == 0:
            checklist.passed(name, passed)
            continue
        checklist.failed(
            name,
            f"{plural(len(where), 'value')} {'is' if len(where) == 1 else 'are'} {failed}.",
            remedy,
            [_describe(raw, benchmark, row, names[column]) for row, column in where[:10].tolist()],
            len(where),
        )


def _describe(raw: RawTable, benchmark: Benchmark, row: int, name: str) -> str:
    """Describes where a cell is, what it holds, and the class it may be meant for."""
    value = raw.columns[name][row].as_py()
    image_id = raw.columns["image_id"][row].as_py()
    hint = ""
    if name in benchmark.classes and isinstance(value, str):
        nearest = nearest_names(value, benchmark.classes[name], most=1)
        hint = f"; is it {nearest[0]}?" if nearest else ""
    shown = "empty" if value is None or value == "" else repr(value)
    return f"{raw.place(row)} ({image_id}): {name} is {shown}{hint}"


def _check_units(
    continuous: NDArray[np.float64],
    sound: NDArray[np.bool_],
    benchmark: Benchmark,
    checklist: Checklist,
) -> bool:
    """Finds predictions that were left normalised; returns whether they were."""
    weights = NAMES.index("parameters")
    values = np.abs(continuous[sound[:, weights], weights])
    # Normalised values are not all 0; counts from a network that has learnt nothing may be.
    if benchmark.minimum[weights] > 100 and len(values) and 0 < values.max() < 10:
        checklist.failed(
            "units",
            f"every value of parameters is below 10, but the labels begin at "
            f"{benchmark.minimum[weights]:,.0f}: the values look normalised.",
            "give natural units: `load_benchmark(...).denormalise(values)` maps them back.",
        )
        return True
    checklist.passed("units", "counts are in natural units")
    return False
