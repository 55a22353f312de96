"""GMs of an existing dataset, which may be anyone's."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.built_gms import built_gms
from gmbench.data.features import arrow_schema, shard_path
from gmbench.errors import SourceError


def test_images_and_their_names(pristine_dataset: Path, benchmark: Benchmark) -> None:
    files, kind, shard = built_gms(benchmark, pristine_dataset)["DCGAN"]
    assert (kind, shard) == ("shard", pristine_dataset / shard_path(benchmark, "DCGAN"))
    assert [file.path.partition(".")[0] for file in files.files] == [
        f"DCGAN/{number}" for number in range(5, 11)
    ]


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ([b"x"], "its images are stored as binary"),
        ([{"bytes": None, "path": "1.png"}], "it lacks the bytes of an image"),
    ],
)
def test_a_shard_that_no_build_made(
    images: list[object], said: str, dataset: Path, benchmark: Benchmark
) -> None:
    kind = arrow_schema(benchmark).field("image").type if images != [b"x"] else pa.binary()
    shard = dataset / shard_path(benchmark, "DCGAN")
    pq.write_table(pa.table({"image": pa.array(images, kind)}), shard)
    with pytest.raises(SourceError, match=f"is not what its dataset says .{said}"):
        built_gms(benchmark, dataset)
