"""`train`, `predict`, `parse` and `baseline` as a user meets them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from gmbench.benchmark.benchmark import read_benchmark
from gmbench.predictions.writing import write_predictions
from gmbench.schema import NAMES
from tests.commands import data, gmbench
from tests.evaluation.populations import random_predictions
from tests.training.families import build_families, family_benchmark, family_image

TINY = [
    "view.size=16", "model.fen_depth=3", "model.fen_width=4", "model.trunk_widths=[4, 8]",
    "model.parser_width=8", "batch_size=16", "epochs=1",
]  # fmt: skip
CHANGES = [word for text in TINY for word in ("--change", text)]
DATA = ["--data", "dataset", "--device", "cpu"]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset, on which `full` is trained on set_1."""
    place = tmp_path_factory.mktemp("here")
    build_families(place, family_benchmark(n_gms=12, n_images=4))
    gmbench("train", "full", *DATA, *CHANGES, cwd=place)
    return place


def model(here: Path) -> str:
    (place,) = here.glob("runs/families/full/*/seed_0/set_1/model")
    return str(place.relative_to(here))


def plain(text: str) -> str:
    """Text without what differs from run to run and from machine to machine."""
    text = re.sub(r"small-[0-9a-f]{8}", "small-SHA", text)
    return re.sub(r"\d+\.\d+|\d+ s\b", "N", text)


def test_train_then_predict_then_evaluate(here: Path, snapshot: SnapshotAssertion) -> None:
    again = gmbench("train", "full", *DATA, *CHANGES, cwd=here)
    assert plain(again.stdout) == snapshot
    assert plain(again.stderr) == snapshot
    # The line that says what comes next is one that runs.
    following = again.stderr.splitlines()[-1].removeprefix("next: gmbench ").split()
    done = gmbench(*following, "--device", "cpu", cwd=here)
    assert done.stderr.replace("\n", " ") == (
        "predictions.parquet: 16 predictions of set_1 of families. "
        "next: gmbench evaluate predictions.parquet -b dataset "
    )
    following = done.stderr.splitlines()[-1].removeprefix("next: gmbench ").split()
    result = data(*following, "--replicates", "0", cwd=here)
    assert result["n_images"] == 16


def test_what_comes_next_scores_with_the_same_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmbench.benchmark.benchmark.IMAGES_PER_GM", 2)
    words = ["-b", "red116", "--labels", "2024", "-o", "a file.csv"]
    done = gmbench("baseline", "mean_mode", *words, cwd=tmp_path)
    following = done.stderr.splitlines()[-1]
    assert following == "next: gmbench evaluate 'a file.csv' -b red116 --labels 2024"
    result = data(*shlex.split(following)[2:], "--replicates", "0", cwd=tmp_path)
    assert result["version"] == "2024.1"


def test_train_and_predict_as_json(here: Path) -> None:
    trained = data("train", "full", *DATA, *CHANGES, cwd=here)
    assert trained["folder"] == str(Path(model(here)).parent)
    assert trained["resumed_at"] == 1
    assert trained["log"][0]["epoch"] == 1
    made = data("predict", model(here), *DATA, "--set", "set_2", "-o", "2.csv", cwd=here)
    assert made["rows"] == 16
    assert made["warning"].startswith("this parser was trained on 4 of the 4 GMs of set_2")


def test_parse(here: Path) -> None:
    for number in range(3):
        family_image(0, number).resize((20 + number, 31)).save(here / f"{number}.png")
    one = gmbench("parse", "0.png", "--model", model(here), cwd=here)
    several = gmbench("parse", "0.png", "1.png", "2.png", "-m", model(here), cwd=here)
    for done in (one, several):
        # Values are those of a network that was hardly trained: what stands where is tested.
        words = [line.split()[0] for line in done.stdout.splitlines() if line.strip(" ─")]
        assert words[1:] == ["parameter", *NAMES]
        assert done.stderr == "Parser: full, trained on 8 models.\n"
    assert one.stdout.startswith("1 image\n")
    assert several.stdout.startswith("3 images\n")
    assert "± " in several.stdout
    found = data("parse", "0.png", "1.png", "-m", model(here), cwd=here)
    assert found["n_images"] == 2
    assert len(found["parameters"]) == 25
    assert found["trained_on"]["benchmark"] == "families"


def test_one_baseline_and_several(here: Path) -> None:
    made = data("baseline", "full", *DATA, *CHANGES, "-o", "full.parquet", cwd=here)
    assert made["rows"] == 32
    assert made["changes"]["epochs"] == 1
    assert made["summary"]["l1"]["ci"]
    several = gmbench("baseline", "full", "mean_mode", *DATA, *CHANGES, "-o", "all", cwd=here)
    for word in ("full", "mean_mode", "seconds", "full - mean_mode", "p (Holm)", "families 1"):
        assert word in several.stdout
    assert several.stderr == "predictions and scores: all\n"
    assert sorted(path.name for path in (here / "all").iterdir()) == [
        "comparison.json", "full.json", "full.parquet", "mean_mode.json", "mean_mode.parquet",
    ]  # fmt: skip
    assert json.loads((here / "all" / "full.json").read_text())["run"]["preset"] == "small"


def test_a_baseline_named_twice_is_run_once(here: Path) -> None:
    words = ["mean_mode", "mean_mode", *DATA[:2], "-o", "once.csv"]
    assert data("baseline", *words, cwd=here)["file"] == "once.csv"


def test_the_list_of_baselines(tmp_path: Path) -> None:
    shown = gmbench("baseline", "--list", cwd=tmp_path).stdout
    assert "mean_mode" in shown
    listed = {one["name"]: one for one in data("baseline", "--list", cwd=tmp_path)}
    assert {"full", "one_parser", "lgpn"} <= set(listed)


def test_seeds_that_trees_cannot_take_are_refused(tmp_path: Path) -> None:
    done = gmbench("baseline", "spectral", "--seed", str(2**32), cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_studies(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = read_benchmark(here / "dataset")
    names = ["full", "no_magnitude", "no_spectrum", "no_repetitive", "no_energy",
             "no_fingerprint", "plain_ce"]  # fmt: skip
    for seed, name in enumerate(names):
        write_predictions(random_predictions(benchmark, seed), here / "done" / f"{name}.parquet")
    words = ["-b", "dataset"]
    many = ["study", "many_images", "done/full.parquet", *words, "--draws", "2"]
    shown = gmbench(*many, "--images", "1", "--images", "4", cwd=here)
    assert "Mean and standard deviation of 2 draws." in shown.stdout
    assert set(data(*many, "--images", "1", cwd=here)["scores"]) == {"1"}
    assert gmbench(*many, cwd=here).stderr == ("not every GM has this many images: 10, 100, 500.\n")
    shown = gmbench("study", "ablation", "done", *words, cwd=here)
    assert all(name in shown.stdout for name in names[:-1])
    assert data("study", "ablation", "done", *words, cwd=here)["without"]
    shown = gmbench("study", "cross_entropy", "done", *words, cwd=here)
    assert "normalization" in shown.stdout
    assert data("study", "cross_entropy", "done", *words, cwd=here)["plain"]
    monkeypatch.setattr("gmbench.benchmark.benchmark.IMAGES_PER_GM", 2)
    shown = gmbench("study", "content", "mean_mode", "-b", "red116", cwd=here)
    assert [line.split()[:3:2] for line in shown.stdout.splitlines() if "0." in line] == [
        [trained_on, tested_on]
        for trained_on in ("faces", "others", "all")
        for tested_on in ("faces", "others")
    ]


def test_choosing_on_training_gms_never_scores_a_test_gm(here: Path, tmp_path: Path) -> None:
    place = tmp_path / "sixteen"
    benchmark = replace(family_benchmark(n_gms=16, n_images=4), name="sixteen")
    build_families(place, benchmark)
    done = gmbench(
        "baseline", "mean_mode", "--validation", "--data", "sixteen/dataset", "-o", "v.csv",
        cwd=tmp_path,
    )  # fmt: skip
    assert "sixteen-validation 1" in done.stdout
    assert "next:" not in done.stderr
    lines = (tmp_path / "v.csv").read_text().splitlines()[1:]
    predicted = {line.strip('"').split("/")[0] for line in lines}
    assert predicted == {f"GM_{number:02d}" for number in range(8, 16)}
    # The dataset of `here` has four GMs outside of its test sets.
    refused = gmbench("baseline", "mean_mode", "--validation", *DATA[:2], cwd=here, check=False)
    assert refused.returncode == 2
    assert "choosing on them takes 8 or more" in " ".join(refused.stderr.split())


def test_twins_of_the_gms_that_are_scored_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmbench.training.trees.TREES", 2)
    own = family_benchmark(n_gms=16, n_images=2)
    # No two of one benchmark with the same architecture.
    distinct = [
        replace(gm, values=(gm.values[0] + number, *gm.values[1:]))
        for number, gm in enumerate(own.gms)
    ]
    place = build_families(tmp_path / "own", replace(own, name="sixteen", gms=tuple(distinct)))
    gms = tuple(replace(gm, name=f"NEW_{gm.name}") for gm in distinct)
    extra = build_families(tmp_path / "more", replace(own, name="more", gms=gms, sets={}))
    outer = "spectral", "--data", str(place), "--extra", str(extra)
    found = data("baseline", *outer, "-o", "t.csv", cwd=tmp_path)
    assert found["extra"][0]["twins"] == [f"NEW_GM_{number:02d}" for number in range(8)]
    # To choose settings, others are scored.
    found = data("baseline", *outer, "--validation", "-o", "v.csv", cwd=tmp_path)
    assert found["extra"][0]["twins"] == [f"NEW_GM_{number:02d}" for number in range(8, 16)]


def test_training_on_extra_gms(here: Path, tmp_path: Path) -> None:
    own = family_benchmark(n_gms=8, n_images=2)
    gms = tuple(
        replace(gm, name=f"NEW_{gm.name}", values=(gm.values[0] + 9, *gm.values[1:]))
        for gm in own.gms
    )
    extra = build_families(tmp_path, replace(own, name="more", gms=gms, sets={}))
    added = ["--extra", str(extra), "--runs", str(tmp_path / "runs")]
    found = data("baseline", "full", *DATA, *CHANGES, *added, "-o", "e.csv", cwd=here)
    assert [(one["benchmark"], one["n_gms"]) for one in found["extra"]] == [("more", 8)]
    shown = data("train", "full", *DATA, *CHANGES, *added, cwd=here)
    # 8 training GMs of 4 images, and 8 extra ones of 2, in batches of 16.
    assert shown["log"][-1]["step"] == 3


ERRORS = {
    "train ful": "Did you mean full",
    "train mean_mode --data dataset": "The baseline mean_mode trains no network",
    "train mean_mode -b red116": "The baseline mean_mode trains no network",
    "train full -b red116": "full looks at images. Give the folder of a dataset with --data",
    "train full --data dataset --set set_9": "families has: set_1, set_2",
    "train full --data dataset --preset big": "There are: paper, small",
    "train full --data dataset -c epoch=3": "Did you mean epochs",
    "train full --data dataset -c model.fen_depht=3": "Did you mean fen_depth",
    "train full --data dataset -c epochs=0": "epochs=0 cannot be: Input should be greater than or",
    "train full --data dataset -c extra_until=0": "extra_until=0 cannot be: Input should be",
    "train full --data dataset -c extra_until=0.5": "Give a dataset of them with --extra",
    "train full --data dataset -c objective.gamma1=x": "gamma1='x' cannot be: Input should",
    "train full --data dataset -c validation_gms=8": "there are 8 training GMs",
    "train full --data dataset --device gpu": "Take one of auto, cpu, cuda, mps",
    "predict nowhere --data dataset": "nowhere is not there",
    "predict dataset --data dataset": "holds no model parser",
    "predict MODEL -b red116": "error: predict looks at images",
    "predict MODEL --data dataset --jobs 2": "For long runs alone: --jobs. Give --out DIR",
    "predict MODEL x.png": "and predictions.parquet is a file: give --out DIR",
    "predict MODEL --data dataset -o out": "--out out is a folder, in which nothing is replaced",
    "predict MODEL --data dataset -o p.xlsx": "unknown ending",
    "parse none.png --model MODEL": "none.png cannot be parsed: No such file or directory",
    "parse gms.csv --model MODEL": "no image of a known format",
    "parse x.png --model who/what": "who/what",
    "study ablation nowhere --data dataset": "nowhere lacks full.parquet, no_magnitude.parquet",
    "study many_images nowhere.csv": "is not there",
    "study content full --data dataset": "holds out 24 of each",
    "baseline full -b red116": "full looks at images",
    "baseline spectral -c epohcs=3": "The baseline spectral trains no network: there is nothing to",
    "baseline mean_mode spectral -c epochs=3": "None of the baselines mean_mode, spectral trains a",
    "baseline full --data dataset --extra dataset": "is also a GM of families",
    "train full --data dataset --extra nowhere": "nowhere is not a dataset of gmbench",
}


@pytest.mark.parametrize("arguments", ERRORS)
def test_errors_are_one_message(arguments: str, here: Path) -> None:
    (here / "gms.csv").write_text("no image")
    (here / "x.png").write_bytes(b"")
    words = [model(here) if word == "MODEL" else word for word in arguments.split()]
    small = CHANGES if words[0] == "train" and "-c" in words else []
    # Tests before this one left predictions here.
    over = ["--overwrite"] if words[0] in ("predict", "baseline") else []
    done = gmbench(*words[:1], *small, *words[1:], *over, cwd=here, check=False)
    assert done.returncode in (1, 2)
    assert ERRORS[arguments] in " ".join(done.stderr.split())
    assert done.stderr.startswith("error: ")


WITHOUT_TORCH = """
import sys
from gmbench.cli import main

for line in sys.argv[1:]:
    sys.argv = ["gmbench", *line.split()]
    try:
        main()
    except SystemExit as end:
        assert end.code == 2
"""


def test_without_torch_a_message_says_what_to_install(here: Path, tmp_path: Path) -> None:
    """In a process of its own: here torch is imported already."""
    commands = [
        f"parse gms.csv -m {model(here)}", "train full", f"predict {model(here)} --overwrite",
        "baseline full --overwrite",
    ]  # fmt: skip
    lines = [commands[0], *(" ".join([command, *DATA]) for command in commands[1:])]
    (tmp_path / "torch.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *lines],
        capture_output=True, text=True, cwd=here, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "GMBENCH_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == 4 * (
        "error: This needs the package torch, which is not installed. Get it with "
        '`pip install "gmbench[train]"`.\n'
    )
