"""Gzip files of several members, and what may stand after them."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from gmbench.predictions.bounds import UnreadableError
from gmbench.predictions.predictions import validate_predictions
from gmbench.predictions.unpacking import unpacked
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark(3)
MADE = random_predictions(BENCHMARK, 0)


def test_appending_set_by_set_gives_all_of_them(tmp_path: Path) -> None:
    file = tmp_path / "predictions.csv.gz"
    frame = MADE.to_pandas()
    for number in range(4):
        frame[MADE.sets == number].to_csv(
            file, mode="a", header=number == 0, index=False, compression="gzip"
        )
    validation = validate_predictions(file, BENCHMARK)
    assert validation.predictions is not None
    assert validation.predictions.sha256 == MADE.sha256


@settings(max_examples=60)
@given(parts=st.lists(st.binary(max_size=200_000), min_size=1, max_size=6))
def test_all_members_are_the_content(parts: list[bytes]) -> None:
    packed = b"".join(gzip.compress(part, 1) for part in parts)
    assert b"".join(unpacked(io.BytesIO(packed), Path("x"))) == b"".join(parts)


@settings(max_examples=60)
@given(parts=st.lists(st.binary(max_size=200), min_size=1, max_size=3), cut=st.integers(1, 15))
def test_a_member_cut_short_is_found(parts: list[bytes], cut: int) -> None:
    packed = b"".join(gzip.compress(part, 1) for part in parts)[:-cut]
    with pytest.raises(UnreadableError, match="are cut short"):
        list(unpacked(io.BytesIO(packed), Path("x")))


REST = {
    "text": b"not gzip",
    "one byte": b"\0",
    "padding": bytes(512),
    "a damaged member": b"\x1f\x8bno member",
    "a member cut short": gzip.compress(b"x", mtime=0)[:-3],
}


@pytest.mark.parametrize("what", REST)
def test_what_stands_after_the_end(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.chdir(tmp_path)
    content = MADE.to_pandas().to_csv(index=False).encode()
    Path("predictions.csv.gz").write_bytes(gzip.compress(content) + REST[what])
    checklist = validate_predictions("predictions.csv.gz", BENCHMARK).checklist
    assert not checklist.ok
    assert checklist.text() == snapshot
