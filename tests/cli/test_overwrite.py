"""What a user has is replaced only where that is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from gmbench.benchmark.benchmark import benchmark_files
from gmbench.errors import GmbenchError
from gmbench.files import WriteError, refuse_existing
from gmbench.predictions.predictions import read_predictions
from gmbench.predictions.writing import write_predictions
from tests.commands import gmbench
from tests.evaluation.populations import random_predictions, small_benchmark

BENCHMARK = small_benchmark(2)
WRITING = {
    "template -b small -o t.csv": "t.csv",
    "template -b small -o t.csv.gz": "t.csv.gz",
    "baseline mean_mode -b small": "mean_mode.parquet",
    "baseline mean_mode -b small -o b.csv": "b.csv",
    "baseline mean_mode median_mode -b small": "baselines-out/median_mode.json",
    "baseline mean_mode median_mode -b small -o all": "all/comparison.json",
    "evaluate mine.csv -b small --replicates 0 --out report": "report/report.html",
    "evaluate mine.csv -b small --replicates 0 --out report --json": "report/result.json",
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "small").mkdir()
    for name, text in benchmark_files(BENCHMARK).items():
        (tmp_path / "small" / name).write_text(text)
    write_predictions(random_predictions(BENCHMARK, 0), tmp_path / "mine.csv")
    return tmp_path


@pytest.mark.parametrize("command", WRITING)
def test_what_is_there_stays_until_it_is_asked_for(command: str, here: Path) -> None:
    file = here / WRITING[command]
    file.parent.mkdir(exist_ok=True)
    file.write_text("a night's work")
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    refused = gmbench(*command.split(), cwd=here, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"error: {WRITING[command]} is there already. Say --overwrite to replace it, or give "
        "another --out.\n"
    )
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before
    gmbench(*command.split(), "--overwrite", cwd=here)
    assert b"a night's work" not in file.read_bytes()


def test_predict_refuses_before_it_looks_for_the_model(here: Path) -> None:
    (here / "predictions.parquet").write_text("mine")
    done = gmbench("predict", "no-model", cwd=here, check=False)
    assert "predictions.parquet is there already" in done.stderr
    done = gmbench("predict", "no-model", "--overwrite", cwd=here, check=False)
    assert "no-model" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "template -b small -o",
        "baseline mean_mode -o",
        "predict none -o",
        "figure 6 mine.csv -o",
        "attack mine.csv -o",
        "parse images --csv",
        "parse images --html",
    ],
)
def test_an_ending_that_says_nothing_is_refused_before_the_work(command: str, here: Path) -> None:
    done = gmbench(*command.split(), "made.xlsx", cwd=here, check=False)
    assert done.returncode == 2
    assert "made.xlsx has an unknown ending: take" in done.stderr
    assert not (here / "made.xlsx").exists()


@pytest.mark.parametrize(
    "command",
    [
        "evaluate mine.csv -b small --out made.html",
        "baseline mean_mode median_mode -b small -o made.parquet",
        "parse images --out made.csv",
    ],
)
def test_a_folder_is_not_called_like_a_file(command: str, here: Path) -> None:
    done = gmbench(*command.split(), cwd=here, check=False)
    assert done.returncode == 2
    assert "is the name of a file, and a folder will be made" in done.stderr
    assert "such as --out made." in done.stderr
    assert not list(here.glob("made*"))


@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_parse_names_the_option_that_gives_another_place(option: str, here: Path) -> None:
    there = f"there.{option.removeprefix('--')}"
    (here / there).write_text("mine")
    done = gmbench("parse", "images", option, there, cwd=here, check=False)
    assert done.stderr.endswith(f"Say --overwrite to replace it, or give another {option}.\n")


def test_a_packed_template(here: Path) -> None:
    gmbench("template", "-b", "small", "-o", "t.csv.gz", cwd=here)
    with pytest.raises(GmbenchError, match=r"2,400 values are missing"):
        read_predictions(here / "t.csv.gz", BENCHMARK)


def test_links_and_devices(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nothing")
    refuse_existing(tmp_path / "new", overwrite=False)
    with pytest.raises(WriteError, match="link is there already"):
        refuse_existing(link, overwrite=False)
    refuse_existing(link, overwrite=True)
    with pytest.raises(WriteError, match="/dev/null is no file that can be replaced"):
        refuse_existing(Path("/dev/null"), overwrite=True)


def test_a_parser_of_known_gms_is_not_replaced_unasked(here: Path) -> None:
    model = here / "runs" / "mini116" / "known_gms" / "seed_0" / "model"
    model.mkdir(parents=True)
    (model / "config.json").write_text("a night's work")
    done = gmbench("train", "known_gms", cwd=here, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("Say --overwrite to replace it, or give another --runs.\n")
    assert (model / "config.json").read_text() == "a night's work"
    # A baseline goes on where it was: there is nothing to replace.
    for option in (["--overwrite"], ["--copies", "1"]):
        done = gmbench("train", "full", *option, cwd=here, check=False)
        assert done.returncode == 2
        assert "of no effect on full, which goes on where it was. Leave it out." in done.stderr


def test_a_page_that_no_reproduction_made_stays(here: Path) -> None:
    (here / "README.md").write_text("my project")
    done = gmbench("reproduce", "table4", "-o", ".", cwd=here, check=False)
    assert done.returncode == 2
    assert "README.md is there already, and no reproduction made it" in done.stderr
    assert (here / "README.md").read_text() == "my project"
