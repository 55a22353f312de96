"""One part of a long run: a Parquet file with one row per image, there whole or not at all.

Its columns are those of a prediction file, numbers in single precision, and `reason`: why an image
could not be parsed, in which case its values are empty. Rows are written as they arrive, so that a
part of any length takes little memory, and the same images give the same bytes.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from gmbench.data.checksums import sha256_of
from gmbench.errors import first_line
from gmbench.files import WriteError, rename_durably
from gmbench.parsing.rows import rows_of
from gmbench.predictions.probabilities import probability_column
from gmbench.predictions.reasons import REASON
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES
from gmbench.training.parsed import LabelSpace, ParsedImages

_ROWS_PER_GROUP = 4096


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What is known about a part that is done.

    Attributes:
        part: Its number.
        rows: Number of its images.
        failures: Number of these that could not be parsed.
        bytes: Size of the file.
        sha256: SHA-256 of the file.
    """

    part: int
    rows: int
    failures: int
    bytes: int
    sha256: str

    @classmethod
    def of_file(cls, path: Path, number: int) -> PartRecord:
        """Makes the record of an existing file.

        Raises:
            WriteError: The file is damaged.
        """
        try:
            facts = pq.read_metadata(path)
            column = facts.schema.names.index(REASON)
            groups = [facts.row_group(group) for group in range(facts.num_row_groups)]
            failures = sum(
                group.num_rows - group.column(column).statistics.null_count for group in groups
            )
            size = path.stat().st_size
            return cls(number, facts.num_rows, failures, size, sha256_of(path))
        except (pa.ArrowException, OSError, ValueError, AttributeError) as error:
            raise WriteError(
                f"{path} is not a part that was written ({first_line(error)}). Delete it, and run "
                "the same command again."
            ) from error


def schema_of(labels: LabelSpace) -> pa.Schema:
    """Returns the columns of a part.

    Args:
        labels: Names of the values.
    """
    odds = [
        probability_column(parameter.name, name)
        for parameter in DISCRETE
        for name in labels.classes[parameter.name]
    ]
    return pa.schema(
        [
            ("image_id", pa.string()),
            *((parameter.name, pa.float32()) for parameter in CONTINUOUS),
            *((parameter.name, pa.string()) for parameter in DISCRETE),
            *((parameter.name, pa.float32()) for parameter in LOSSES),
            *((name, pa.float32()) for name in odds),
            (REASON, pa.string()),
        ]
    )


class PartFile:
    """Writes a part, which gets its name only when the last row is on disk.

    Args:
        path: The file.
        labels: Names of the values.
        facts: Metadata about the run to store in the file.
    """

    def __init__(self, path: Path, labels: LabelSpace, facts: Mapping[str, str]) -> None:
        self._path, self._labels, self._schema = path, labels, schema_of(labels)
        self._beside = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}")
        self._facts = facts
        self._waiting: list[pa.Table] = []
        self._writer: Any = None

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            schema = self._schema.with_metadata(dict(self._facts))
            self._writer = pq.ParquetWriter(self._beside, schema, compression="zstd")
        except OSError as error:
            raise self._refused(error) from error
        return self

    def add(
        self, image_ids: Sequence[str], parsed: ParsedImages | None, faults: Mapping[int, str]
    ) -> None:
        """Adds the next images.

        Args:
            image_ids: The `image_id` of each.
            parsed: Results for those that could be parsed, in their order; None if there are none.
            faults: Why an image could not be parsed, by its position among them.

        Raises:
            WriteError: The file cannot be written.
        """
        places = range(len(image_ids))
        row_of = {place: row for row, place in enumerate(p for p in places if p not in faults)}
        where = pa.array([row_of.get(place) for place in places], pa.int64())
        frame: Any = {}
        if parsed is not None:
            frame = rows_of([image_ids[place] for place in row_of], parsed, self._labels)
        columns = []
        for field in self._schema:
            if field.name == "image_id":
                column = pa.array(image_ids, field.type)
            elif field.name == REASON:
                column = pa.array([faults.get(place) for place in places], field.type)
            elif parsed is None:
                column = pa.nulls(len(image_ids), field.type)
            else:
                column = pa.array(frame[field.name].to_numpy(), field.type).take(where)
            columns.append(column)
        self._waiting.append(pa.Table.from_arrays(columns, schema=self._schema))
        if sum(table.num_rows for table in self._waiting) >= _ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        try:
            self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks())
        except OSError as error:
            raise self._refused(error) from error
        self._waiting = []

    def _refused(self, error: OSError) -> WriteError:
        return WriteError(
            f"{self._path} cannot be written ({error.strerror or error}). Make room; what is "
            "finished is kept."
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._flush()
            self._writer.close()
            if kind is None:
                with self._beside.open("rb+") as file:
                    os.fsync(file.fileno())
                rename_durably(self._beside, self._path)
        except OSError as refusal:
            raise self._refused(refusal) from refusal
        finally:
            self._beside.unlink(missing_ok=True)
