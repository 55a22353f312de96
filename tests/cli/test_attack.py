"""`gmbench attack` as a user meets it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from gmbench.benchmark.benchmark import benchmark_files
from gmbench.benchmark.cross_validation import with_sets
from gmbench.predictions.writing import write_predictions
from tests.commands import data, gmbench
from tests.evaluation.populations import random_predictions, small_benchmark
from tests.training.families import build_families, family_benchmark

TINY = [
    "view.size=16", "model.fen_depth=3", "model.fen_width=4", "model.trunk_widths=[4, 8]",
    "model.parser_width=8", "batch_size=16", "epochs=1",
]  # fmt: skip
CHANGES = [word for text in TINY for word in ("--change", text)]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small benchmark; predictions of its sets, of the attack's and of ten folds."""
    place = tmp_path_factory.mktemp("here")
    benchmark = small_benchmark(4)
    (place / "small").mkdir()
    for name, text in benchmark_files(benchmark).items():
        (place / "small" / name).write_text(text)
    for seed, sets in enumerate((None, "coordinated_attack", "cv10")):
        known = benchmark if sets is None else with_sets(benchmark, sets)
        write_predictions(random_predictions(known, seed), place / f"{sets or 'own'}.parquet")
    return place


def test_a_prediction_file(here: Path, snapshot: SnapshotAssertion) -> None:
    words = ["attack", "coordinated_attack.parquet", "-b", "small", "--sets", "coordinated_attack"]
    done = gmbench(*words, "--pairs", "40", "-o", "attack.json", cwd=here)
    assert re.sub(r"-?[+\d]\d*\.\d+", "N", done.stdout) == snapshot
    assert done.stderr == "attack.json: the result. next: gmbench figure 12 attack.json\n"
    again = gmbench(*words, "-o", "attack.json", cwd=here, check=False)
    assert "is there already. Say --overwrite" in again.stderr
    assert data(*words, "--pairs", "40", cwd=here) == json.loads((here / "attack.json").read_text())


def test_other_sets_with_training_gms(here: Path) -> None:
    found = data(
        "attack", "own.parquet", "-b", "small", "--training", "cv10.parquet", "--pairs", "40",
        cwd=here,
    )  # fmt: skip
    assert list(found["methods"]) == ["parsed", "learned", "same_content"]
    assert (found["n_seen"], found["n_unseen"]) == (0, 48)


@pytest.mark.parametrize(
    "words",
    [
        "attack",
        "attack own.parquet --checkpoint somewhere",
        "attack --checkpoint somewhere --training cv10.parquet",
        "attack --checkpoint nowhere/at/all",
        "attack nothing.parquet",
        "attack own.parquet -b small --training own.parquet",
        "attack --train spectral -b mini116",
        "attack --train full -b small",
        "attack --train lgpn",
        "baseline mean_mode --sets coordinated_attack",
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    words: str, here: Path, snapshot: SnapshotAssertion
) -> None:
    done = gmbench(*words.split(), cwd=here, check=False)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert done.stderr == snapshot


def test_training_a_parser_first_and_using_it_again(tmp_path: Path) -> None:
    benchmark = family_benchmark(n_gms=20, n_images=4)
    names = list(benchmark.index)
    sets = {"seen": tuple(names[4:8]), "unseen": tuple(names[:4])}
    build_families(tmp_path, replace(benchmark, sets=sets))
    words = ["attack", "--data", "dataset", "--device", "cpu", "--pairs", "10"]
    found = data(*words, "--train", "full", *CHANGES, cwd=tmp_path)
    assert list(found["methods"]) == ["fingerprint", "parsed", "learned", "same_content"]
    (model,) = tmp_path.glob("runs/families/full/*/seed_0/unseen/model")
    assert data(*words, "--checkpoint", str(model), cwd=tmp_path) == found
