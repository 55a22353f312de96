"""The parser that comes with the package: small, honest about itself, better than a guess."""

from __future__ import annotations

import io

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from gmbench.benchmark.benchmark import MINI116, load_benchmark
from gmbench.data.features import shard_path
from gmbench.evaluation.evaluate import evaluate
from gmbench.predictions.reference import mean_mode
from gmbench.schema import NAMES
from gmbench.training.checkpoint import SHIPPED, load_parser
from gmbench.training.folds import predict_set


def test_says_what_it_was_trained_on() -> None:
    checkpoint = load_parser(SHIPPED)
    mini116 = load_benchmark("mini116")
    assert checkpoint.trained_on["benchmark"] == "mini116"
    assert checkpoint.trained_on["set"] == "set_1"
    assert checkpoint.trained_on["version"] == mini116.version
    assert tuple(checkpoint.trained_on["gms"]) == mini116.training_gms("set_1")
    assert checkpoint.labels.sha256 == mini116.labels_sha256
    assert {path.suffix for path in SHIPPED.iterdir()} == {".json", ".md", ".safetensors"}
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 1_000_000


def test_better_than_a_guess_on_gms_it_has_not_seen() -> None:
    mini116 = load_benchmark("mini116")
    predictions, warning = predict_set(load_parser(SHIPPED), mini116, MINI116, "set_1", "cpu")
    assert warning == ""
    found = evaluate(predictions, replicates=0).sets["set_1"].values
    guess = evaluate(mean_mode(mini116), replicates=0).sets["set_1"].values
    assert found["l1"] is not None
    assert guess["l1"] is not None
    assert found["l1"] < guess["l1"]
    for metric in ("arch_f1", "arch_accuracy", "loss_f1"):
        assert (found[metric] or 0.0) > (guess[metric] or 1.0), metric


def test_parses_the_images_of_one_gm() -> None:
    mini116 = load_benchmark("mini116")
    gm = mini116.test_gms("set_1")[0]
    rows = pq.read_table(MINI116 / shard_path(mini116, gm), columns=["image"])["image"].to_pylist()
    images = [Image.open(io.BytesIO(row["bytes"])) for row in rows[:8]]
    parsed = load_parser().parse(images)
    assert parsed.n_images == 8
    assert tuple(one.name for one in parsed.parameters) == NAMES
    assert all(np.isfinite(one.value) for one in parsed.parameters if isinstance(one.value, float))
