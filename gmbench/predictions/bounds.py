"""How much of a prediction file is read: as much as a benchmark can need, whatever it contains."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gmbench.benchmark.benchmark import NAMED, Benchmark, load_benchmark
from gmbench.predictions.file_signatures import TEMPLATE
from gmbench.wording import plural

_ROWS_AN_IMAGE = 2
"""Two, so that rows of training images, or rows given twice, can be reported as such."""

_BYTES_AN_IMAGE = 1_500
"""A row of 26 numbers with all of their digits takes 500, with class probabilities 1,000."""

_LONGEST_LINE = 2_000_000


class UnreadableError(Exception):
    """Raised if a file turns out not to be a prediction file, or to be too large for one.

    Attributes:
        remedy: What to do.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy or f"write predictions as CSV or Parquet; {TEMPLATE}"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits on what is read from a file.

    Attributes:
        images: Number of images of the largest benchmark that the file may be for.
        told: Name of that benchmark.
    """

    images: int
    told: str

    @property
    def rows(self) -> int:
        """Most rows; for text, most lines below the header."""
        return self.images * _ROWS_AN_IMAGE

    @property
    def bytes(self) -> int:
        """Most bytes, decompressed."""
        return self.images * _BYTES_AN_IMAGE

    def too_many(self, path: Path, what: str, most: int) -> UnreadableError:
        """Returns the error for a file with more than `most` of something, such as rows."""
        return UnreadableError(
            f"{path} has more than {most:,} {what}: {self.told}, the largest benchmark that "
            f"it may be of, has {self.images:,} images.",
            "write one row an image; for a larger benchmark say --benchmark FOLDER.",
        )


def bounds_for(benchmark: str | Path | Benchmark | None) -> Bounds:
    """Returns the limits for predictions of a benchmark, never lower than for a named benchmark.

    A file for another benchmark than the one given can then be reported as such.

    Args:
        benchmark: The benchmark given, or None.

    Raises:
        UnknownNameError: There is no such benchmark.
    """
    known = [_bounds_of_named()]
    if benchmark is not None:
        given = load_benchmark(benchmark)
        known.append(Bounds(_size(given), given.name))
    return _larger(known)


@cache
def _bounds_of_named() -> Bounds:
    return _larger(Bounds(_size(load_benchmark(name)), name) for name in NAMED)


def _larger(bounds: Iterable[Bounds]) -> Bounds:
    return max(bounds, key=lambda one: one.images)


def collect(pieces: Iterable[bytes], path: Path, bounds: Bounds, *, is_text: bool) -> bytes:
    """Joins the pieces of a file, stopping at the first byte or line too many.

    Args:
        pieces: The pieces of the file, from its start.
        path: The file's path, for messages.
        bounds: Limits on what is read.
        is_text: Whether the file has lines.

    Raises:
        UnreadableError: The file is too large, or one of its lines too long.
    """
    buffer, lines, line = io.BytesIO(), 0, 0
    for piece in pieces:
        if buffer.tell() + len(piece) > bounds.bytes:
            raise bounds.too_many(path, "bytes", bounds.bytes)
        if is_text:
            lines += max(piece.count(b"\n"), piece.count(b"\r"))
            if lines > bounds.rows + 1:
                raise bounds.too_many(path, "rows", bounds.rows)
            end = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
            line = len(piece) - 1 - end + (line if end < 0 else 0)
            if line > _LONGEST_LINE:
                raise UnreadableError(
                    f"{path} is not CSV: a line has more than {plural(_LONGEST_LINE, 'byte')}."
                )
        buffer.write(piece)
    return buffer.getvalue()


def _size(benchmark: Benchmark) -> int:
    """Returns the number of images of a benchmark; those of GMs shared by sets count in each."""
    counts = dict(zip(benchmark.index, benchmark.n_images, strict=True))
    tested = sum(counts[gm] for test in benchmark.sets.values() for gm in test)
    return max(tested, sum(benchmark.n_images))
