"""The texts of a dataset folder."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.dataset_card import card_text, eval_text
from gmbench.data.inspection import Inspection
from gmbench.data.shards import ShardRecord
from gmbench.predictions.checks import Checklist


@pytest.mark.parametrize(
    ("sets", "without_images", "config", "split"),
    [
        ({"mixed": ("DCGAN",)}, (), "mixed", "test"),
        ({"set_1": ("DCGAN",), "set_2": ("BETA_B",)}, ("DCGAN",), "set_2", "test"),
        ({}, (), "all", "train"),
    ],
)
def test_what_is_to_be_loaded_is_there(
    sets: dict[str, tuple[str, ...]],
    without_images: tuple[str, ...],
    config: str,
    split: str,
    benchmark: Benchmark,
) -> None:
    n_images = tuple(0 if gm in without_images else 6 for gm in benchmark.index)
    built = replace(benchmark, sets=sets, n_images=n_images)
    records = dict.fromkeys(built.index, ShardRecord(6, 1, 1, "", (), (), (), ()))
    card = card_text(built, records, Inspection("small", "1", True, Checklist("images"), {}))
    assert f'load_dataset("gm-parsing", "{config}", split="{split}")' in card
    for task in yaml.safe_load(eval_text(built))["tasks"]:
        assert (task["config"], task["split"]) == (config, split)
