from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gmbench.benchmark.benchmark import read_benchmark
from gmbench.cli.app import app, main
from gmbench.files import LOCK
from gmbench.zoo import population
from gmbench.zoo.specification import Specification
from tests.zoo.fake_kind import MODULES

torch = pytest.importorskip("torch")

runner = CliRunner()

BUILD = ("zoo", "build", "--gms", "4", "--images-per-gm", "3", "--jobs", "1", "--content", "digits")


@pytest.fixture(autouse=True)
def fake_population(in_this_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake GMs instead of the real kinds; the second one never passes the gate."""

    def draw(
        n_gms: int,
        *,
        size: int,
        contents: tuple[str, ...],
        seed: int,
        n_diffusion: int,
        prefix: str,
    ) -> list[Specification]:
        behaviour = {1: "never_learns"}
        return [
            Specification(
                f"{prefix}GAN_{n}", "GAN", "fake", contents[n % len(contents)], size, ("loss_l1",),
                {"width": n + 2, "behaviour": behaviour.get(n, "learns")}, 10, seed + n,
            )
            for n in range(n_gms + n_diffusion)
        ]  # fmt: skip

    monkeypatch.setattr(population, "draw_population", draw)
    monkeypatch.setattr(population, "KIND_MODULES", MODULES)


def complaint(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """Runs a command that fails and returns its error as one line; the exit code must be 2."""
    monkeypatch.setattr(sys, "argv", ["gmbench", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_json_is_the_whole_report(tmp_path: Path) -> None:
    result = runner.invoke(app, [*BUILD, "--out", str(tmp_path / "zoo"), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["n_gms"] == 3
    assert list(report["failed"]) == ["GAN_1"]
    assert report["classes"]["loss_l1"] == {"no": 0, "yes": 3}
    assert "Wrote the zoo" in result.stderr
    assert not (tmp_path / "zoo.partial").exists()

    result = runner.invoke(app, [*BUILD, "--out", str(tmp_path / "zoo")])
    assert result.exit_code == 0, result.output
    assert "was already built" in result.stderr
    for line in (
        "3 GMs, 9 images",
        "kinds: 3 GAN",
        "smallest distance of two label rows: ",
        "last_nonlinearity",
        "Classes that fewer than five GMs have",
        "GMs that failed the quality gate and are left out: 1",
        "GAN_1: ",
    ):
        assert line in result.stdout, line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--size", "48"), "Images of 48 pixels cannot be made: give --size 32 or 64"),
        (("--gms", "0"), "0 GMs and 0 of diffusion"),
        (("--content", "digit"), "Content 'digit' is not known. Did you mean digits?"),
        (("--engine", "cluster"), "Engine 'cluster' is not known."),
        (("--images-from", "absent"), "absent is not a folder"),
        (("--name", "a/b"), "The benchmark cannot have the name 'a/b'"),
        (("--name", ""), "The benchmark cannot have the name ''"),
        (("--name", "a,b"), "The benchmark cannot have the name 'a,b'"),
        (("--name", ".."), "The benchmark cannot have the name '..'"),
        (("--name", "n" * 99), "Give at most 100 letters, digits, _ - ."),
        (("--device", "gpu"), "Device 'gpu' is not known. Take one of auto, cpu, cuda."),
        (("--device", "auto", "--engine", "ray"), "Give --device cpu or --device cuda."),
        (("--per-gpu", "2"), "--per-gpu 2 is for GPUs, and these GMs are trained on the cpu."),
        pytest.param(
            ("--device", "cuda"),
            "This machine has no GPU that torch can use. Give --device cpu.",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU"),
        ),
    ],
)
def test_bad_input_is_one_line(
    options: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "zoo"
    text = complaint((*BUILD, *options, "--out", str(out)), monkeypatch, capsys)
    assert message in text
    assert not out.exists()
    assert not out.with_name("zoo.partial").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("red116", "--content", "digits"), "--like says what GMs there are"),
        (("red116", "--diffusion", "2"), "Leave out --content, --images-from, --diffusion and"),
        (("red116", "--gms", "0"), "Give --gms and --images-per-gm of 1 or more"),
        (("red116", "--size", "48"), "give --size 32 or 64"),
        (("red117",), "Table 'red117' is not known. Did you mean red116 or red116-dm?"),
    ],
)
def test_bad_input_beside_a_table_is_one_line(
    options: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("zoo", "build", "--out", str(tmp_path / "zoo"), "--like", *options)
    assert message in complaint(arguments, monkeypatch, capsys)
    assert not list(tmp_path.iterdir())


def test_unreadable_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "cats"
    images.mkdir()
    for number in range(50):
        (images / f"{number}.png").write_bytes(b"\x89PNG not really")
    arguments = (*BUILD, "--images-from", str(images), "--out", str(tmp_path / "zoo"))
    text = complaint(arguments, monkeypatch, capsys)
    assert "0.png cannot be read as an image" in text
    assert not (tmp_path / "zoo").exists()


def test_place_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    text = complaint((*BUILD, "--out", str(tmp_path / "file" / "zoo")), monkeypatch, capsys)
    assert "cannot be written: Not a directory. Give another --out." in text


def test_second_build_in_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from filelock import FileLock

    (tmp_path / "zoo.partial").mkdir()
    with FileLock(tmp_path / "zoo.partial" / LOCK):
        text = complaint((*BUILD, "--out", str(tmp_path / "zoo")), monkeypatch, capsys)
    assert "Another build is at work" in text


def test_help_names_every_option() -> None:
    result = runner.invoke(app, ["zoo", "build", "--help"], env={"COLUMNS": "120"})
    text = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    for option in (
        "--gms", "--images-per-gm", "--size", "--seed", "--jobs", "--engine", "--images-from",
        "--diffusion", "--out", "--json", "--content", "--overwrite", "--like", "--device",
        "--per-gpu",
    ):  # fmt: skip
        assert option in text, option


def test_a_named_zoo_names_its_gms(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    result = runner.invoke(app, [*BUILD, "--out", str(out), "--name", "mine"])
    assert result.exit_code == 0, result.output
    benchmark = read_benchmark(out)
    assert benchmark.name == "mine"
    assert all(gm.name.startswith("MINE_") for gm in benchmark.gms)
