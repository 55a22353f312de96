"""A folder of Parquet files as one prediction file, and the column `reason` in either."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gmbench.predictions.bounds import Bounds
from gmbench.predictions.checks import Checklist
from gmbench.predictions.predictions import read_predictions, validate_predictions
from gmbench.predictions.reading import read_table
from gmbench.schema import NAMES
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark(3)
FRAME = random_predictions(BENCHMARK, 0).to_pandas()
PARTS = (FRAME[:50], FRAME[50:60], FRAME[60:])


def save(folder: Path, *frames: pd.DataFrame) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        frame.to_parquet(folder / f"part-{number:05}.parquet", index=False)
    return folder


def failed(source: Path | pd.DataFrame) -> tuple[str, str, str, tuple[str, ...]]:
    """The one check that failed of what is there."""
    (check,) = validate_predictions(source, BENCHMARK).checklist.failures
    return check.name, check.message, check.remedy, check.offenders


@pytest.mark.parametrize("inside", ["", "parts"])
def test_parts_are_the_predictions_of_one_file(inside: str, tmp_path: Path) -> None:
    place = save(tmp_path / inside, *PARTS)
    # What others leave there is no part.
    (place / ".part-00003.parquet.host.17.parquet").write_text("half of a part")
    (place / "_SUCCESS").touch()
    (place / "folder.parquet").mkdir()
    found = validate_predictions(tmp_path, BENCHMARK)
    assert found.checklist.ok, found.checklist.text()
    assert found.checklist.checks[0].message == f"{tmp_path}: folder of Parquet files, 144 rows"
    assert found.predictions is not None
    assert found.predictions.sha256 == read_predictions(FRAME, BENCHMARK).sha256


def test_a_row_is_told_by_its_part(tmp_path: Path) -> None:
    save(tmp_path, PARTS[0], PARTS[1].assign(loss_l1=1.5), PARTS[2])
    name, message, _, offenders = failed(tmp_path)
    assert (name, message) == ("loss_range", "10 values are outside [0, 1].")
    assert offenders[0] == f"part-00001.parquet row 1 ({FRAME.image_id[50]}): loss_l1 is 1.5"
    assert offenders[9].startswith("part-00001.parquet row 10 (")


def test_a_part_that_lacks_is_images_that_lack(tmp_path: Path) -> None:
    save(tmp_path, PARTS[0], PARTS[2])
    assert failed(tmp_path)[0] == "sets_whole"
    assert len(read_predictions(tmp_path, BENCHMARK, partial=True)) == 134


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ((), "is a folder without Parquet files"),
        ((PARTS[0], PARTS[1].drop(columns="layers")), "they differ in 'layers'"),
        ((PARTS[0], PARTS[1].assign(layers="many")), "have columns of several types"),
    ],
)
def test_folders_that_are_no_table(
    frames: tuple[pd.DataFrame, ...], message: str, tmp_path: Path
) -> None:
    name, said, remedy, _ = failed(save(tmp_path, *frames))
    assert name == "file"
    assert message in said
    assert remedy


def test_a_part_that_is_none(tmp_path: Path) -> None:
    save(tmp_path, PARTS[0])
    (tmp_path / "part-00001.parquet").write_text("image_id,layers\n")
    assert failed(tmp_path)[1] == f"{tmp_path}/part-00001.parquet is not Parquet."
    whole = (tmp_path / "part-00000.parquet").read_bytes()
    (tmp_path / "part-00001.parquet").write_bytes(whole[:-100])
    assert "part-00001.parquet begins like Parquet but is damaged" in failed(tmp_path)[1]


def test_all_parts_together_have_the_bounds_of_a_file(tmp_path: Path) -> None:
    save(tmp_path, *PARTS)
    for images, what in ((71, "142 rows"), (30, "60 rows")):
        checklist = Checklist("")
        assert read_table(tmp_path, checklist, Bounds(images, "it")) is None
        assert f"{tmp_path}" in checklist.checks[0].message
        assert f"has more than {what}: it, the largest" in checklist.checks[0].message
    assert read_table(tmp_path, Checklist(""), Bounds(72, "it")) is not None


def test_bytes_of_all_parts_are_counted(tmp_path: Path) -> None:
    long = FRAME[:1].assign(last_nonlinearity="x" * 200_000)
    save(tmp_path, *[long] * 3)
    checklist = Checklist("")
    assert read_table(tmp_path, checklist, Bounds(300, "it")) is None
    assert "has more than 450,000 bytes" in checklist.checks[0].message


@pytest.mark.parametrize("kind", ["frame", "csv", "parquet", "parts", "numbers"])
def test_a_reason_that_is_empty_is_noted(kind: str, tmp_path: Path) -> None:
    frame = FRAME.assign(reason=np.nan if kind == "numbers" else None)
    source: Path | pd.DataFrame = frame
    if kind == "csv":
        source = tmp_path / "predictions.csv"
        frame.to_csv(source, index=False)
    elif kind == "parts":
        source = save(tmp_path, *(part.assign(reason=None) for part in PARTS))
    elif kind == "parquet":
        source = tmp_path / "predictions.parquet"
        frame.astype({"reason": "string"}).to_parquet(source, index=False)
    found = validate_predictions(source, BENCHMARK)
    assert found.checklist.ok, found.checklist.text()
    (note,) = [check for check in found.checklist if check.name == "reason_column"]
    assert (note.status, note.message) == (
        "note", "column 'reason' is empty in every row: left out"
    )  # fmt: skip
    assert found.predictions is not None
    assert found.predictions.sha256 == read_predictions(FRAME, BENCHMARK).sha256


def test_a_row_with_a_reason_is_named(tmp_path: Path) -> None:
    def unparsed(part: pd.DataFrame) -> pd.DataFrame:
        frame = part.assign(reason=pd.array([None] * len(part), "string"))
        frame.loc[frame.index == 52, list(NAMES)] = None
        frame.loc[frame.index == 52, "reason"] = "no image"
        return frame

    save(tmp_path, *map(unparsed, PARTS))
    name, message, remedy, offenders = failed(tmp_path)
    assert (name, message) == ("reason_column", "1 image of 144 could not be parsed.")
    assert offenders == (f"part-00001.parquet row 3 ({FRAME.image_id[52]}): no image",)
    assert "parse them again" in remedy
    assert "--partial" in remedy
    kept = unparsed(FRAME).query("reason.isna()")
    assert len(read_predictions(kept, BENCHMARK, partial=True)) == 143


def test_a_reason_of_another_kind_is_one() -> None:
    name, message, _, offenders = failed(FRAME.assign(reason=0))
    assert (name, message) == ("reason_column", "144 images of 144 could not be parsed.")
    assert offenders[0] == f"row 1 ({FRAME.image_id[0]}): 0"
    assert failed(FRAME.assign(reasons=""))[0] == "columns_known"
