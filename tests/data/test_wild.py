"""Real images of published GMs, where they are at hand: set GMBENCH_WILD to their folder."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.data.build import build_dataset
from gmbench.data.verification import verify_dataset

WILD = Path(os.environ.get("GMBENCH_WILD", "no-such-folder"))


@pytest.mark.slow
@pytest.mark.skipif(not WILD.is_dir(), reason="GMBENCH_WILD names no folder of real images")
def test_real_images(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = build_dataset(load_benchmark("red116"), WILD, out, allow_missing=True)
    found = {check.name: check.offenders for check in result.inspection.checklist}
    assert result.inspection.n_gms == 53
    assert result.benchmark == "red116-partial"
    assert not found["corrupt_images"]
    assert not found["empty_files"]
    assert {offender.partition(": ")[0] for offender in found["unknown_folders"]} == {
        path.name for path in WILD.iterdir() if path.name == "REAL" or path.name.startswith("X_")
    }
    for shard in out.rglob("*.parquet"):
        for row in pq.read_table(shard, columns=["image"]).column("image").to_pylist():
            assert row["bytes"] == (WILD / shard.stem / row["path"]).read_bytes()
    assert verify_dataset(out).ok
