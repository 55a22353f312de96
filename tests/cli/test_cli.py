"""The command line as a user meets it: text, JSON, exit codes."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from gmbench.benchmark.benchmark import benchmark_files
from gmbench.benchmark.catalog import UNKNOWN
from gmbench.cli.app import app
from gmbench.predictions.writing import write_predictions
from gmbench.schema import NAMES
from tests.commands import data, gmbench
from tests.evaluation.populations import random_predictions, small_benchmark

_TREE = typer.main.get_command(app)


def _commands(command: Any = _TREE, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The commands that do something, at every depth."""
    inner = getattr(command, "commands", {})
    if not inner:
        yield " ".join(path)
    for name, one in inner.items():
        yield from _commands(one, (*path, name))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a small benchmark in `small` and two methods' predictions of it."""
    benchmark = small_benchmark(4)
    (tmp_path / "small").mkdir()
    for name, text in benchmark_files(benchmark).items():
        (tmp_path / "small" / name).write_text(text)
    for seed, name in enumerate(("mine.csv", "other.parquet")):
        write_predictions(random_predictions(benchmark, seed), tmp_path / name)
    return tmp_path


def test_help_is_quick() -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "gmbench", "--help"], capture_output=True, text=True, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert "evaluate" in done.stdout
    # Processor time, which a busy machine does not stretch as much: 0.3 s on a quiet one.
    assert min(seconds) < 0.8


@pytest.mark.parametrize("command", [*_commands()])
def test_every_help_has_an_example_and_a_plain_usage(command: str) -> None:
    shown = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200"}).stdout
    assert f"Example: gmbench {command}" in " ".join(shown.split())
    (usage,) = (line for line in shown.split("\n") if "Usage:" in line)
    taken = usage.split(command)[1].split()
    # What may be left out in brackets, what may be repeated with dots: each once.
    assert [word for word in taken if re.search(r"\[\[|\]\]|\.\.\.\]|^\{[a-z]", word)] == []
    # What an option takes has a name, such as DIR.
    assert not re.search(r"--\S+ +<(path|list\[.*?\])>", shown)


def test_version(tmp_path: Path) -> None:
    assert re.fullmatch(r"gmbench \d+\.\d+\.\d+\n", gmbench("--version", cwd=tmp_path).stdout)


@pytest.mark.parametrize("what", ["", "normalization", "layers", "set_1", "BETA_B"])
def test_info(what: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    arguments = ["info", "-b", "red116", *([what] if what else [])]
    assert gmbench(*arguments, cwd=tmp_path).stdout == snapshot
    assert data(*arguments, cwd=tmp_path)


def test_info_of_a_gm_that_is_never_tested_under_another_spelling(tmp_path: Path) -> None:
    shown = gmbench("info", "-b", "red116", "stylegan2", cwd=tmp_path).stdout
    first = (
        "STYLEGAN_2 of red116: GAN, faces, 1024x1024, 2020; tested in no set (always a training GM)"
    )
    assert shown.startswith(first)


def test_info_by_label_release(tmp_path: Path) -> None:
    assert (
        data("info", "UNIT", "-b", "red116", cwd=tmp_path)["labels"]["last_nonlinearity"]
        == "1 tanh"
    )
    newer = data("info", "UNIT", "-b", "red116", "--labels", "2024", cwd=tmp_path)
    assert newer["labels"]["last_nonlinearity"] == "3 sigmoid"


def test_info_of_unknown_labels(tmp_path: Path) -> None:
    assert None in data("info", "-b", "red140", "DIFF_PGAN", cwd=tmp_path)["gm"]["values"]
    assert data("info", "-b", "red140", "set_1", cwd=tmp_path)["gms"]
    benchmark = small_benchmark(4)
    place = NAMES.index("filters")
    gms = tuple(
        replace(gm, values=(*gm.values[:place], UNKNOWN, *gm.values[place + 1 :]))
        for gm in benchmark.gms
    )
    (tmp_path / "unknown").mkdir()
    for name, text in benchmark_files(replace(benchmark, gms=gms)).items():
        (tmp_path / "unknown" / name).write_text(text)
    shown = gmbench("info", "-b", "unknown", "filters", cwd=tmp_path).stdout
    assert "No GM's value is known." in shown
    assert data("info", "-b", "unknown", "filters", cwd=tmp_path)["median"] is None


def test_splits_check(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    assert gmbench("splits", "check", "-b", "red116", cwd=tmp_path).stdout == snapshot
    assert len(data("splits", "check", "-b", "red116", cwd=tmp_path)) == 4


def test_ten_folds_take_the_same_journey(here: Path) -> None:
    options = ("-b", "small", "--sets", "cv10")
    gmbench("template", *options, "-o", "empty.csv", cwd=here)
    assert (here / "empty.csv").read_text().count("\n") == 1 + 116 * 4
    data("baseline", "mean_mode", *options, "-o", "mean_mode.parquet", cwd=here)
    assert data("validate", "mean_mode.parquet", *options, cwd=here)["ok"]
    result = data("evaluate", "mean_mode.parquet", *options, "--replicates", "0", cwd=here)
    assert len(result["sets"]) == 10
    assert result["benchmark"].endswith("-cv10")
    shown = gmbench("evaluate", "mean_mode.parquet", *options, "--replicates", "0", cwd=here)
    assert "fold_01" not in shown.stdout.split("Mean and standard")[0]
    assert "count_spearman has no value in fold_01, " in shown.stdout
    assert result["without_twins"] is None
    assert "twin" not in shown.stdout
    assert len(data("splits", "check", *options, cwd=here)) == 10


def test_sets_of_diffusion_models_that_share_gms_take_it_too(tmp_path: Path) -> None:
    options = ("--sets", "dm")
    gmbench("template", *options, "-o", "empty.csv", cwd=tmp_path)
    assert (tmp_path / "empty.csv").read_text().count("\n") == 1 + 4 * 3 * 48
    data("baseline", "mean_mode", *options, "-o", "mean_mode.parquet", cwd=tmp_path)
    assert data("validate", "mean_mode.parquet", *options, cwd=tmp_path)["ok"]
    shown = data("evaluate", "mean_mode.parquet", *options, "--replicates", "0", cwd=tmp_path)
    assert (shown["benchmark"], list(shown["sets"])) == (
        "mini116-dm", ["set_1", "set_2", "set_3", "set_4"],
    )  # fmt: skip
    assert len(data("splits", "check", *options, cwd=tmp_path)) == 4


def test_the_main_journey(here: Path) -> None:
    made = data("baseline", "mean_mode", "-b", "small", "-o", "mean_mode.parquet", cwd=here)
    assert made["rows"] == 192
    checked = data("validate", "mine.csv", "-b", "small", cwd=here)
    assert checked["ok"]
    result = data("evaluate", "mine.csv", "-b", "small", "--replicates", "50", cwd=here)
    assert result["summary"]["l1"]["ci"][0] < result["summary"]["l1"]["mean"]
    compared = data(
        "compare", "mine.csv", "other.parquet", "mean_mode.parquet", "-b", "small", cwd=here
    )
    assert compared["methods"] == ["mine", "other", "mean_mode"]


def test_probabilities_go_all_the_way(here: Path) -> None:
    """From the template's columns to calibration on the screen, in JSON and in the report."""
    header = gmbench("template", "-b", "small", "--probabilities", cwd=here).stdout.split("\n")[0]
    data("baseline", "median_mode", "-b", "small", "-o", "median.csv", cwd=here)
    assert set(header.split(",")) < set(pd.read_csv(here / "median.csv").columns)
    assert data("validate", "median.csv", "-b", "small", cwd=here)["ok"]
    options = ("-b", "small", "--replicates", "20")
    result = data("evaluate", "median.csv", *options, cwd=here)["calibration"]
    assert result["arch_log_skill"]["mean"] == pytest.approx(0)
    shown = gmbench("evaluate", "median.csv", *options, "--out", "odds", cwd=here).stdout
    table = shown.split("Calibration ")[1]
    for name in ("architecture", "losses"):
        (row,) = [line for line in table.split("\n") if line.strip().startswith(name)]
        assert f"{result[name]['ece']:.4f}" in row
        assert f"{result[name]['by_chance']:.4f}" in row
    assert "Calibration" in (here / "odds" / "report.html").read_text()


def test_evaluate_prints_tables_and_writes_a_report(here: Path) -> None:
    done = gmbench("evaluate", "mine.csv", "-b", "small", "--details", "--out", "report", cwd=here)
    for word in ("l1", "95% interval", "set_4", "12 + 12 + 12 + 12 GMs", "mean_mode", "loss_ce",
                 "STYLEGAN"):  # fmt: skip
        assert word in done.stdout
    apart = done.stdout.split("Test GMs without a twin in training: 26 of 48")[1]
    assert apart.index("l1") < apart.index("loss_accuracy") < apart.index("* the same 25")
    assert "  set_3: BICYCLE_GAN, CRGAN_C, FACTOR_VAE*, FGSM, ICRGAN_C, LOGAN\n" in apart
    assert "report" in done.stderr
    assert json.loads((here / "report" / "result.json").read_text())["n_gms"] == 48
    assert "<html" in (here / "report" / "report.html").read_text()


def test_template_to_a_file_and_to_standard_output(here: Path) -> None:
    gmbench("template", "-b", "small", "--set", "set_2", "-o", "t.csv", cwd=here)
    shown = gmbench("template", "-b", "small", "--set", "set_2", cwd=here).stdout
    assert (here / "t.csv").read_text() == shown
    assert shown.count("\n") == 1 + 12 * 4


def test_validate_makes_the_checks_of_a_submission_where_that_is_asked(here: Path) -> None:
    options = ("-b", "small", "--for-submission")
    checked = data("validate", "mine.csv", *options, cwd=here)
    assert [one["name"] for one in checked["checks"]][-1] == "not_labels"
    text = (here / "mine.csv").read_text().splitlines()
    # The first set alone: enough for an evaluation, too little for a submission.
    (here / "part.csv").write_text("\r\n".join(text[: 1 + 12 * 4]))
    shown = gmbench("validate", "part.csv", "-b", "small", cwd=here).stdout
    assert "note    line_ends          48 lines end with CRLF" in shown
    refused = gmbench("validate", "part.csv", *options, cwd=here, check=False)
    assert refused.returncode == 1
    assert "failed  sets_all           3 of 4 test sets are not predicted." in refused.stdout
    assert "--partial" not in refused.stdout
    for more in (("--partial",), ("--min-images", "2")):
        done = gmbench("validate", "mine.csv", *options, *more, cwd=here, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Leave --partial and --min-images out" in done.stderr


def test_a_bad_file_ends_with_1_and_a_checklist(here: Path) -> None:
    text = (here / "mine.csv").read_text().splitlines()
    (here / "bad.csv").write_text("\n".join([*text[:5], *text[6:]]))
    done = gmbench("validate", "bad.csv", "-b", "small", cwd=here, check=False)
    assert done.returncode == 1
    assert "sets_whole" in done.stdout
    done = gmbench("evaluate", "bad.csv", "-b", "small", cwd=here, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "remedy: predict every image" in done.stderr
    gmbench("evaluate", "bad.csv", "-b", "small", "--partial", "--replicates", "0", cwd=here)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("info STYLGAN -b red116", "Did you mean STYLEGAN"),
        ("info STYLGAN", "Did you mean STYLEGAN"),
        (
            "info set_7",
            "Did you mean set_4 or set_3 or set_2? `gmbench info` shows what mini116 has",
        ),
        ("info -b red116 --labels 2020", "Take 2023 or 2024"),
        ("info --labels 2024", "Give --benchmark red116"),
        ("info -b red117", "Did you mean red116"),
        ("template --set set_9", "mini116 has: set_1, set_2, set_3, set_4"),
        ("template --labels --set set_1", "--set: of no effect with --labels"),
        ("template -b red116 --sets dm", "red116 lacks 7 of the 7 GMs that the sets dm test"),
        ("splits check --sets ten", "Take cv10, dm, content, coordinated_attack"),
        ("baseline mean_mod", "Did you mean mean_mode"),
        ("baseline mean_mode -o x.xlsx", "unknown ending"),
        ("evaluate nowhere.csv", "is not there"),
        ("evaluate mine.csv -b nowhere", "gmbench data build"),
        ("evaluate mine.csv -b small --out mine.csv/x", "cannot be written"),
        ("compare mine.csv -b small", "two or more"),
    ],
)
def test_errors_are_one_message(arguments: str, message: str, here: Path) -> None:
    done = gmbench(*arguments.split(), cwd=here, check=False)
    assert done.returncode in (1, 2)
    assert message in " ".join(done.stderr.split())
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_what_no_command_foresaw_of_a_file_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise PermissionError(13, "Permission denied", "/data/mine")

    monkeypatch.setattr("gmbench.cli.app.app", refused)
    done = gmbench("info", cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (2, "error: /data/mine: Permission denied.\n")


def test_tables_of_scores_fit_80_columns(here: Path) -> None:
    for name in ("median_mode", "random_labels"):
        (here / f"{name}.csv").unlink(missing_ok=True)
        gmbench("baseline", name, "-b", "small", "-o", f"{name}.csv", cwd=here)
    files = ("median_mode.csv", "random_labels.csv")
    names = ("median_mode", "random_labels")
    shown = [
        gmbench("evaluate", files[1], "-b", "small", "--replicates", "20", cwd=here).stdout,
        gmbench("compare", *files, "-b", "small", "--replicates", "20", cwd=here).stdout,
        gmbench("baseline", *names, "-b", "small", "-o", "both", cwd=here).stdout,
    ]
    for text in shown:
        tables = [line for line in text.splitlines() if not line.endswith((".", ","))]
        assert max(map(len, tables)) <= 80, text
        assert "\u2026" not in text
