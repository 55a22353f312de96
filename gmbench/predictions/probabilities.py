"""Class probabilities: the optional columns `normalization:batch`, `normalization:instance`, ...

A discrete parameter has a column for each of its classes, or none. If it has them, its own column
may be left out: the class is the most probable one. (A loss's score already is its probability.)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import PredictionError, UnknownNameError, nearest_names
from gmbench.predictions.checks import MOST_SHOWN, Checklist
from gmbench.predictions.raw_table import RawTable
from gmbench.schema import DISCRETE
from gmbench.wording import plural

ROUNDING = 0.005
"""Allowed deviation of the sum of probabilities from 1, per class: rounding to two decimals."""

TIED = 1e-6
"""A class that is less probable than another by no more than this counts as equally probable."""

SEPARATOR = ":"

_DISCRETE = {parameter.name for parameter in DISCRETE}

Probabilities = dict[str, NDArray[np.float64]]
"""By parameter, the probabilities of its classes, each of shape (rows, classes)."""


def probability_column(parameter: str, class_name: str) -> str:
    """Returns the name of a class's column, such as `normalization:batch`."""
    return f"{parameter}{SEPARATOR}{class_name}"


def parameter_of(column: str) -> str:
    """Returns the discrete parameter that a probability column belongs to, or an empty string."""
    parameter, separator, _ = column.partition(SEPARATOR)
    return parameter if separator and parameter in _DISCRETE else ""


def columns_of(benchmark: Benchmark) -> dict[str, tuple[str, ...]]:
    """Returns the probability columns of each discrete parameter."""
    return {
        name: tuple(probability_column(name, one) for one in classes)
        for name, classes in benchmark.classes.items()
    }


def schema_columns() -> list[str]:
    """Returns the probability columns of the schema's own classes, in its order."""
    return [probability_column(one.name, name) for one in DISCRETE for name in one.classes]


def whole_columns(
    raw: RawTable, benchmark: Benchmark, checklist: Checklist
) -> dict[str, tuple[str, ...]]:
    """Checks that a parameter has a column for each class, or none.

    Args:
        raw: The table.
        benchmark: Defines which classes there are.
        checklist: Receives the check `classes_whole`, if there is such a column.

    Returns:
        The columns of each parameter that has all of them and no others.
    """
    given = [name for name in raw.columns if parameter_of(name)]
    if not given:
        return {}
    asked = {
        name: columns
        for name, columns in columns_of(benchmark).items()
        if any(parameter_of(one) == name for one in given)
    }
    right = [column for columns in asked.values() for column in columns]
    missing = [column for column in right if column not in given]
    unknown = [column for column in given if column not in right]
    if missing or unknown:
        offenders = [f"column {one} is missing" for one in missing]
        offenders += [
            f"column {one!r} names no class{_hint(one, missing, benchmark)}" for one in unknown
        ]
        checklist.failed(
            "classes_whole",
            f"{plural(len(offenders), 'column is', 'columns are')} not as needed: a parameter has "
            "a probability column for each of its classes, or none.",
            "give each of the classes that `gmbench info PARAMETER` lists its column, 0 where a "
            "class is impossible.",
            offenders,
        )
    else:
        checklist.passed("classes_whole", f"all classes of {', '.join(asked)}")
    faulty = {parameter_of(column) for column in (*missing, *unknown)}
    return {name: columns for name, columns in asked.items() if name not in faulty}


def _hint(column: str, missing: list[str], benchmark: Benchmark) -> str:
    """Suggests which class is meant: one given by its index, or one of the missing ones."""
    parameter, _, name = column.partition(SEPARATOR)
    classes = benchmark.classes[parameter]
    if name.strip().isdecimal() and int(name) < len(classes):
        return f"; is it {probability_column(parameter, classes[int(name)])}?"
    nearest = nearest_names(column, missing, most=1)
    return f"; is it {nearest[0]}?" if nearest else ""


def check_sums(
    raw: RawTable,
    probabilities: Probabilities,
    sound: dict[str, NDArray[np.bool_]],
    checklist: Checklist,
) -> None:
    """Checks that the probabilities of a parameter's classes sum to 1 in each row.

    Args:
        raw: The table, which locates rows in messages.
        probabilities: Those of each parameter that has them.
        sound: By parameter, the rows whose probabilities are numbers in [0, 1].
        checklist: Receives the check `probabilities_sum`.
    """
    wrong: list[tuple[int, str, float]] = []
    n_wrong = 0
    for name, odds in probabilities.items():
        sums = odds.sum(axis=1)
        # Slightly more, as sums of decimals are not exact.
        most = ROUNDING * odds.shape[1] + 1e-9
        rows = np.flatnonzero((np.abs(sums - 1.0) > most) & sound[name])
        n_wrong += len(rows)
        wrong += [(row, name, float(sums[row])) for row in rows[:MOST_SHOWN].tolist()]
    if not n_wrong:
        checklist.passed("probabilities_sum", "probabilities sum to 1 in every row")
        return
    checklist.failed(
        "probabilities_sum",
        f"{plural(n_wrong, 'row of probabilities does', 'rows of probabilities do')} not sum to 1.",
        f"let the classes of a parameter sum to 1 in each row, up to {ROUNDING:g} for each class: "
        "the softmax of logits does.",
        [
            f"{_row(raw, row)}: {name} sums to {total:.6g}"
            for row, name, total in sorted(wrong)[:MOST_SHOWN]
        ],
        n_wrong,
    )


def check_agreement(
    raw: RawTable,
    benchmark: Benchmark,
    probabilities: Probabilities,
    chosen: dict[str, NDArray[np.int8]],
    sound: dict[str, NDArray[np.bool_]],
    checklist: Checklist,
) -> None:
    """Checks that the class given is the most probable one.

    Args:
        raw: The table, which locates rows in messages.
        benchmark: Defines the names of classes.
        probabilities: Those of each parameter that has them.
        chosen: By parameter that also has a column of its own, the class index of each row.
        sound: By parameter, the rows whose class and probabilities are both sound.
        checklist: Receives the check `classes_agree`.
    """
    wrong: list[tuple[int, str]] = []
    n_wrong = 0
    for name, classes in chosen.items():
        odds = probabilities[name]
        of_class = odds[np.arange(len(odds)), classes]
        rows = np.flatnonzero((of_class < odds.max(axis=1) - TIED) & sound[name])
        n_wrong += len(rows)
        wrong += [(row, name) for row in rows[:MOST_SHOWN].tolist()]
    if not n_wrong:
        checklist.passed("classes_agree", "every class is the most probable one")
        return

    def describe(row: int, name: str) -> str:
        odds, names = probabilities[name][row], benchmark.classes[name]
        given, best = chosen[name][row], int(odds.argmax())
        return (
            f"{_row(raw, row)}: {name} is {names[given]} ({odds[given]:.6g}), the most probable is "
            f"{names[best]} ({odds[best]:.6g})"
        )

    checklist.failed(
        "classes_agree",
        f"{plural(n_wrong, 'class is', 'classes are')} not the most probable one.",
        "leave the class column out, and the most probable class is taken; or are the probability "
        "columns in another order than their names?",
        [describe(*one) for one in sorted(wrong)[:MOST_SHOWN]],
        n_wrong,
    )


def _row(raw: RawTable, row: int) -> str:
    return f"{raw.place(row)} ({raw.columns['image_id'][row].as_py()})"


def as_arrays(
    probabilities: Mapping[str, ArrayLike], benchmark: Benchmark, n_rows: int, source: str
) -> Probabilities:
    """Returns probabilities as arrays of the right shapes; their values are checked elsewhere.

    Args:
        probabilities: By discrete parameter, shape (rows, classes).
        benchmark: Defines which parameters and classes there are.
        n_rows: Number of rows.
        source: Where they come from, for messages.

    Raises:
        PredictionError: They are not numbers, or have a wrong shape.
        UnknownNameError: There is no discrete parameter of that name.
    """
    made: Probabilities = {}
    for name, given in probabilities.items():
        if name not in benchmark.classes:
            raise UnknownNameError("Discrete parameter", name, tuple(benchmark.classes))
        try:
            made[name] = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise PredictionError(
                f"{source}: probabilities of {name} are rows of numbers ({error})."
            ) from error
        wanted = (n_rows, len(benchmark.classes[name]))
        if made[name].shape != wanted:
            raise PredictionError(
                f"{source}: the probabilities of {name} for {n_rows:,} images have the shape "
                f"{wanted}, a column a class; given is {made[name].shape}."
            )
    return made


def to_columns(
    benchmark: Benchmark, probabilities: Mapping[str, NDArray[np.float64]]
) -> dict[str, pa.Array]:
    """Returns probabilities as the columns of a prediction file."""
    return {
        column: pa.array(np.ascontiguousarray(values))
        for name, columns in columns_of(benchmark).items()
        if name in probabilities
        for column, values in zip(columns, probabilities[name].T, strict=True)
    }
