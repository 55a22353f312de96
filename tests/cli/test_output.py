"""Output to what cannot show every character."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gmbench.benchmark.benchmark import benchmark_files
from gmbench.cli import main, output
from gmbench.predictions.writing import write_predictions
from tests.commands import gmbench
from tests.evaluation.populations import random_predictions, small_benchmark


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("as_json", [False, True])
def test_what_cannot_be_shown_becomes_an_escape(
    encoding: str, as_json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # A file name of any bytes, as a disk may have it.
    file = "\u0394\U0001f600-\udcff.csv"
    write_predictions(random_predictions(small_benchmark(48, "mini116"), 0), Path("p.csv"))
    Path("p.csv").rename(file)
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    options = ["--json"] if as_json else ["--out", "\u00fc"]
    monkeypatch.setattr(sys, "argv", ["gmbench", "evaluate", file, "--replicates", "0", *options])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    for stream in streams:
        stream.flush()
    written = streams[0].buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    if as_json:
        assert json.loads(written)["manifest"]["predictions"] == file
    else:
        assert ("\u00b1" in written) == (encoding != "ascii")
        assert ("\\u2193" in written) == (encoding != "utf-8")
        assert "\\udcff" in written


def test_square_brackets_of_names_are_shown_as_they_are(tmp_path: Path) -> None:
    files = ["x[/m.parquet", "y]/m.parquet"]
    for seed, file in enumerate(files):
        write_predictions(random_predictions(small_benchmark(48, "mini116"), seed), tmp_path / file)
    done = gmbench("compare", *files, "--replicates", "10", cwd=tmp_path)
    assert " - ".join(files) in done.stdout
    (tmp_path / files[0]).rename(tmp_path / "a[b]c.parquet")
    done = gmbench("evaluate", "a[b]c.parquet", "--replicates", "0", cwd=tmp_path)
    assert done.stdout.startswith("a[b]c.parquet: mini116")


def test_what_others_wrote_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    text, shown = "faces\x1b[2J", r"faces\x1b[2J"
    output.show(text, output.table([text], [[text]], title=text))
    output.show_plain(f"{text}\nsecond")
    output.note(text)
    output.complain(text)
    written = capsys.readouterr()
    assert "\x1b" not in written.out + written.err
    assert written.out.count(shown) == 5
    assert written.out.endswith(f"{shown}\nsecond\n")
    assert f"error: {shown}" in written.err


def test_a_reader_that_is_gone_is_no_error(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gmbench", "template", "--benchmark", "red116"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # What is not buffered is cut short without an error.
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": ""},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"image_id,")
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait() == 0


def test_an_end_that_rounds_to_zero_has_no_sign() -> None:
    assert output.interval((-0.0004, 0.0004)) == "0.000 to 0.000"
    assert output.interval((-0.0006, 0.0006)) == "-0.001 to 0.001"


def test_a_seed_has_32_bits(tmp_path: Path) -> None:
    write_predictions(random_predictions(small_benchmark(48, "mini116"), 0), tmp_path / "m.csv")
    command = ("evaluate", "m.csv", "--replicates", "0", "--seed")
    gmbench(*command, "4294967295", cwd=tmp_path)
    done = gmbench(*command, "4294967296", cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "less than or equal to 4294967295" in " ".join(done.stderr.split())


def test_brackets_in_names_are_no_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = small_benchmark(2, "mini116")
    gms = tuple(replace(gm, content="a [b] of [/c]") for gm in known.gms)
    for file, content in benchmark_files(replace(known, name="n[x]", gms=gms)).items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    assert "n[x] " in gmbench("info", "-b", ".", cwd=tmp_path).stdout
    said = gmbench("info", gms[0].name, "-b", ".", cwd=tmp_path).stdout
    assert f"{gms[0].name} of n[x]: {gms[0].kind}, a [b] of [/c]" in said
    output.show(output.table(["[h]"], [["[/r]"]], title="[/t]"))
    assert {"[/t]", "[h]", "[/r]"} < set(capsys.readouterr().out.split())
