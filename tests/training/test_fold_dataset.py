from __future__ import annotations

import io
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from gmbench import FoldDataset
from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.features import shard_path
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.predictions.predictions import Predictions
from gmbench.training import fold_dataset
from gmbench.training.views import Crops
from tests.training.families import SIDE


@pytest.fixture(scope="module")
def train(family_folder: Path, family_cache: Path) -> FoldDataset:
    return FoldDataset(family_folder, "set_1", "train", view=SIDE, cache=family_cache, jobs=1)


@pytest.fixture(scope="module")
def test(family_folder: Path, family_cache: Path) -> FoldDataset:
    return FoldDataset(family_folder, "set_1", "test", view=SIDE, cache=family_cache, jobs=1)


def doubled(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.float() * 2


def test_the_parts_are_those_of_the_set(
    families: Benchmark, train: FoldDataset, test: FoldDataset
) -> None:
    assert train.gms == families.training_gms("set_1")
    assert test.gms == families.test_gms("set_1")
    assert (len(train), len(test)) == (12 * 8, 4 * 8)
    assert test.image_ids[:9] == [*(f"GM_00/{n:06d}" for n in range(8)), "GM_01/000000"]


def test_pixels_and_targets_are_those_of_the_dataset(
    families: Benchmark, family_folder: Path, test: FoldDataset
) -> None:
    for start, gm in enumerate(test.gms):
        table = pq.read_table(family_folder / shard_path(families, gm))
        for number, row in enumerate(table.to_pylist()):
            pixels, target = test[8 * start + number]
            expected = np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])))
            np.testing.assert_array_equal(pixels.permute(1, 2, 0), expected)
            assert target.tolist() == row["target"]
            assert (pixels.dtype, target.dtype) == (torch.uint8, torch.float32)


def test_the_targets_of_a_test_set_are_predictions(families: Benchmark, test: FoldDataset) -> None:
    targets = np.stack([target for _, target in (test[i] for i in range(len(test)))])
    made = Predictions.of(families, "truth", targets, set_name="set_1")
    assert list(made.image_ids) == test.image_ids
    np.testing.assert_allclose(made.values.continuous, families.labels[made.gms, :9], rtol=1e-5)


def test_each_crop_is_an_item(family_folder: Path, family_cache: Path) -> None:
    crops = FoldDataset(
        family_folder, "set_2", "test", view=Crops(8, 3), cache=family_cache, jobs=1
    )
    assert len(crops) == len(crops.image_ids) == 4 * 8 * 3
    first = [crops[number][0] for number in range(3)]
    assert first[0].shape == (3, 8, 8)
    assert not torch.equal(first[0], first[1])
    assert crops.image_ids[:4] == ["GM_04/000000"] * 3 + ["GM_04/000001"]
    assert torch.equal(crops[-1][0], crops[len(crops) - 1][0])
    with pytest.raises(IndexError, match="The fold has 96 items; there is no 96"):
        crops[96]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_the_same(
    workers: int, family_folder: Path, family_cache: Path, test: FoldDataset
) -> None:
    changed = FoldDataset(
        family_folder, "set_1", "test", view=SIDE, transform=doubled, cache=family_cache, jobs=1
    )
    batches = list(DataLoader(changed, batch_size=20, num_workers=workers))
    assert [len(pixels) for pixels, _ in batches] == [20, 12]
    pixels, targets = (torch.cat(part) for part in zip(*batches, strict=True))
    for number, (image, target) in enumerate(test[i] for i in range(len(test))):
        assert torch.equal(pixels[number], image.float() * 2)
        assert torch.equal(targets[number], target)


def test_what_is_pickled_holds_no_pixels(test: FoldDataset) -> None:
    _ = test[0]
    packed = pickle.dumps(test)
    assert len(packed) < 8_000
    assert torch.equal(pickle.loads(packed)[5][0], test[5][0])


def test_folds_that_there_are_not(family_folder: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"Part 'tset' is not known. Did you mean test"):
        FoldDataset(family_folder, "set_1", "tset")
    with pytest.raises(UnknownNameError, match="families has: set_1, set_2"):
        FoldDataset(family_folder, "set_9")
    with pytest.raises(BenchmarkError, match="red116 has labels alone"):
        FoldDataset("red116")


def test_a_set_that_leaves_no_image_to_train_on(
    family_folder: Path, families: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_tested = replace(families, sets={"set_1": tuple(families.index)})
    monkeypatch.setattr(fold_dataset, "load_benchmark", lambda _: all_tested)
    with pytest.raises(BenchmarkError, match="families has no image to train on for set_1"):
        FoldDataset(family_folder, "set_1")
