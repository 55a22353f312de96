"""Small files that stand for large ones: what is read of them is bounded by the benchmark."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmbench.predictions.bounds import Bounds, UnreadableError, bounds_for, collect
from gmbench.predictions.parquet_pages import unpacked_size
from gmbench.predictions.predictions import validate_predictions
from gmbench.predictions.raw_table import COLUMNS
from tests.evaluation.populations import random_predictions, small_benchmark

MEGABYTE = 2**20
UNPACKED = 300 * MEGABYTE
"""Of every bomb, at the least."""

MOST_GROWTH = 250 * MEGABYTE
"""What validating a bomb may add to the memory of the process."""

ROW = b"AAE/000000" + b",1.5" * 25 + b"\n"
HEADER = ",".join(COLUMNS).encode() + b"\n"


def _packed(start: bytes, repeated: bytes) -> bytes:
    """Gzips a start and then something again and again, without ever holding all of it."""
    packer = zlib.compressobj(1, wbits=31)
    parts = [packer.compress(start)]
    block = repeated * (MEGABYTE // len(repeated))
    parts += [packer.compress(block) for _ in range(UNPACKED // len(block) + 1)]
    return b"".join([*parts, packer.flush()])


def _parquet(column: pa.Array, n_rows: int, **options: object) -> bytes:
    """A prediction file with the same in every column, in row groups of any size."""
    table = pa.table(dict.fromkeys(COLUMNS, column))
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, table.schema, compression="zstd", **options) as writer:
        for _ in range(max(1, n_rows // len(column))):
            writer.write_table(table)
    return buffer.getvalue()


def _long_texts(n_rows: int) -> pa.Array:
    texts = pa.array(["a" * 100_000, "b" * 100_000])
    return pa.DictionaryArray.from_arrays(pa.array([0, 1] * (n_rows // 2), pa.int32()), texts)


BENCHMARK = small_benchmark(2)
MADE = random_predictions(BENCHMARK, 0)


def _good() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(MADE.to_arrow(), buffer)
    return buffer.getvalue()


GOOD = _good()


def _lying() -> bytes:
    """A file with one long text whose metadata say that it has a thousand bytes."""
    buffer = io.BytesIO()
    table = pa.table(dict.fromkeys(COLUMNS, pa.array([1.5])))
    text = pa.array(["a" * UNPACKED])
    table = table.set_column(1, "layers", text)
    pq.write_table(table, buffer, compression="zstd", write_statistics=False)
    data = buffer.getvalue()
    group = pq.read_metadata(buffer).row_group(0)
    for true in (group.total_byte_size, group.column(1).total_uncompressed_size):
        written = _varint(2 * true)
        assert written in data[-10_000:]
        lie = _varint(2_000)
        # The same number of bytes, most of which add nothing.
        lie = bytes([lie[0], lie[1] | 128, *[128] * (len(written) - 3), 0])
        data = data.replace(written, lie)
    return data


def _varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "newlines": (lambda: _packed(HEADER, b"\n"), "more than 280,000 rows"),
    "returns": (lambda: _packed(HEADER, b"\r"), "more than 280,000 rows"),
    "rows": (lambda: _packed(HEADER, ROW), "more than 280,000 rows"),
    "one line": (lambda: _packed(b"image_id,", b"a"), "a line has more than 2,000,000 bytes"),
    "separators": (lambda: _packed(HEADER, b"," * 999_999 + b"\n"), "bytes"),
    "a dictionary": (
        lambda: _parquet(_long_texts(200_000), 200_000),
        "more than 210,000,000 bytes",
    ),
    "a dictionary and few rows": (
        lambda: _parquet(_long_texts(20_000), 20_000),
        "more than 210,000,000 bytes",
    ),
    "common beginnings": (
        lambda: _parquet(
            pa.array(["a" * 100_000] * 150),
            150,
            use_dictionary=False,
            column_encoding="DELTA_BYTE_ARRAY",
        ),
        "more than 210,000,000 bytes",
    ),
    "metadata that lie": (_lying, "more than 210,000,000 bytes"),
    "many rows": (lambda: _parquet(pa.array([1.5] * 1_000_000), 2_000_000), "280,000 rows"),
    "equal texts": (
        lambda: _parquet(pa.array(["a" * 2**20] * 12), 12, use_dictionary=False),
        "more than 210,000,000 bytes",
    ),
}


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, dict[str, Any]]]:
    """Growth of memory and checklist of each bomb, all of them read by one process."""
    folder = tmp_path_factory.mktemp("bombs")
    for what, (make, _) in BOMBS.items():
        (folder / what).write_bytes(make())
    code = """if True:
        import json, resource, sys
        import pyarrow.csv, pyarrow.parquet
        from gmbench.predictions.predictions import validate_predictions
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        validate_predictions("none.csv", "mini116")
        before, found = peak(), {}
        for bomb in sys.argv[1:]:
            checklist = validate_predictions(bomb, "mini116").checklist
            found[bomb] = [peak() - before, checklist.to_dict()]
        print(json.dumps(found))
    """
    done = subprocess.run(
        [sys.executable, "-c", code, *BOMBS], cwd=folder, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("what", BOMBS)
def test_memory_is_bounded(what: str, validated: dict[str, tuple[int, dict[str, Any]]]) -> None:
    growth, checklist = validated[what]
    assert growth < MOST_GROWTH, f"{growth / MEGABYTE:.0f} MB"
    (check,) = (one for one in checklist["checks"] if one["status"] == "error")
    assert check["name"] == "file"
    assert BOMBS[what][1] in check["message"]
    assert check["remedy"]


def test_a_larger_benchmark_is_read_whole(tmp_path: Path) -> None:
    largest = bounds_for(None)
    assert bounds_for("mini116") == largest == Bounds(140_000, "red140")
    large = replace(small_benchmark(2_000), name="large")
    assert bounds_for(large) == Bounds(232_000, "large")


def test_a_header_of_many_columns_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(",".join(f"column_{n}" for n in range(9_000)) + "\n1\n")
    checklist = validate_predictions(tmp_path / "p.csv", BENCHMARK).checklist
    assert "has more than 64,000 bytes of header" in checklist.text(all_checks=False)


def test_the_first_line_too_many() -> None:
    bounds, path = Bounds(3, "tiny"), Path("p.csv")
    whole = b"head\n" + b"row\n" * 6
    assert collect([whole[:7], whole[7:]], path, bounds, is_text=True) == whole
    with pytest.raises(UnreadableError, match=r"p\.csv has more than 6 rows: tiny, the largest"):
        collect([whole, b"row\n"], path, bounds, is_text=True)
    with pytest.raises(UnreadableError, match="more than 4,500 bytes"):
        collect([bytes(4_500), b"x"], path, bounds, is_text=False)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0), data=st.binary(min_size=1, max_size=8), cut=st.integers(0, 8))
def test_no_bytes_of_parquet_make_a_traceback(place: int, data: bytes, cut: int) -> None:
    place %= len(GOOD)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "p.parquet")
        file.write_bytes(GOOD[:place] + data + GOOD[place + cut :])
        validation = validate_predictions(file, BENCHMARK)
    assert (validation.predictions is None) == (not validation.checklist.ok)
    assert all(check.remedy for check in validation.checklist.failures)


def test_columns_that_are_no_columns(tmp_path: Path) -> None:
    frame = MADE.to_arrow()
    lists = frame.append_column("embedding", pa.array([[1.0, 2.0]] * len(frame)))
    twice = pa.Table.from_arrays([*frame.columns, frame["layers"]], [*frame.column_names, "layers"])
    for table, reason in (
        (lists, "column embedding is list<element: double>."),
        (twice, "has the column layers twice."),
    ):
        pq.write_table(table, tmp_path / "p.parquet")
        (check,) = validate_predictions(tmp_path / "p.parquet", BENCHMARK).checklist.failures
        assert check.message.endswith(reason)


def test_a_pipe_is_read_and_a_cell_of_any_length_is_one_line(tmp_path: Path) -> None:
    frame = MADE.to_pandas().astype({"normalization": object})
    frame.loc[3, "normalization"] = "\x1b[2J" + "batch" * 200_000
    frame.to_csv(tmp_path / "p.csv", index=False)
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(
        target=lambda: (tmp_path / "pipe").write_bytes((tmp_path / "p.csv").read_bytes())
    )
    writer.start()
    checklist = validate_predictions(tmp_path / "pipe", BENCHMARK).checklist
    writer.join()
    (check,) = checklist.failures
    assert check.name == "classes_known"
    assert len(check.offenders[0]) < 1_000
    assert check.offenders[0].isprintable()


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd"])
def test_pages_are_counted(version: str, compression: str) -> None:
    """Held against what the writer says of each column, headers of pages included."""
    generator = np.random.default_rng(0)
    table = pa.table(
        {
            "number": generator.normal(size=20_000),
            "text": [f"AAE/{number:06d}" for number in range(20_000)],
            "few": ["batch", "instance"] * 10_000,
        }
    )
    buffer = io.BytesIO()
    pq.write_table(
        table, buffer, compression=compression, data_page_version=version,
        data_page_size=10_000, row_group_size=7_000,
    )  # fmt: skip
    data, facts = buffer.getvalue(), pq.read_metadata(buffer)
    for group in map(facts.row_group, range(facts.num_row_groups)):
        for column in map(group.column, range(3)):
            start = min(column.dictionary_page_offset or len(data), column.data_page_offset)
            end = start + column.total_compressed_size
            counted = unpacked_size(data, start, end, 10**9)
            headers = column.total_uncompressed_size - counted
            assert 0 < headers < 0.05 * column.total_uncompressed_size + 200
            assert unpacked_size(data, start, end, 100) > 100, "stops beyond the limit"


@given(data=st.binary(max_size=200), start=st.integers(-1, 200))
def test_no_bytes_are_too_much_for_the_counter(data: bytes, start: int) -> None:
    assert unpacked_size(data, start, len(data), 10**6) >= 0
