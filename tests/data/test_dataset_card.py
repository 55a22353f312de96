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


def _card(built: Benchmark) -> str:
    records = dict.fromkeys(built.index, ShardRecord(6, 1, 1, "", (), (), (), ()))
    return card_text(built, records, Inspection("small", "1", True, Checklist("images"), {}))


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
    assert f'load_dataset("gm-parsing", "{config}", split="{split}")' in _card(built)
    for task in yaml.safe_load(eval_text(built))["tasks"]:
        assert (task["config"], task["split"]) == (config, split)


@pytest.mark.parametrize(
    ("n_images", "size"),
    [
        ((999, 0), "n<1K"),
        ((999, 1), "1K<n<10K"),
        ((999_999, 0), "100K<n<1M"),
        ((9_999_999, 0), "1M<n<10M"),
        ((9_999_999, 1), "10M<n<100M"),
        ((999_999_999, 1), "10M<n<100M"),
    ],
)
def test_how_large_a_dataset_is(n_images: tuple[int, int], size: str, benchmark: Benchmark) -> None:
    card = _card(replace(benchmark, n_images=(*n_images, 0, 0, 0, 0)))
    assert f"size_categories:\n- {size}\n" in card
