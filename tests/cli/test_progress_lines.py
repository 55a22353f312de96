from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from queue import Queue

import pytest

from gmbench.cli import output
from gmbench.cli.progress_lines import ProgressLines, progress_lines
from tests.commands import gmbench


def lines_of(reports: Sequence[tuple[float, str, int, int | None]]) -> list[str]:
    """What is said of reports at these seconds."""
    said: list[str] = []
    now = [0.0]
    progress = ProgressLines(said.append, lambda: now[0])
    for second, what, done, total in reports:
        now[0] = second
        progress(what, done, total)
    return said


def test_how_long_it_takes_then_a_line_each_half_minute_with_the_time_left() -> None:
    assert lines_of([(second, "images", second, 600) for second in range(0, 101, 5)]) == [
        "images: 5 of 600 in 0:05, 1 a second, about 9:55 left",
        "images: 35 of 600 in 0:35, 1 a second, about 9:25 left",
        "images: 65 of 600 in 1:05, 1 a second, about 8:55 left",
        "images: 95 of 600 in 1:35, 1 a second, about 8:25 left",
    ]


def test_the_first_item_tells_however_long_it_takes() -> None:
    reports = [(0.0, "folds", 0, 4), (20.0, "folds", 1, 4), (25.0, "folds", 1, 4)]
    assert lines_of(reports) == ["folds: 1 of 4 in 0:20, about 1:00 left"]
    # Two seconds tell little; what is nearly done needs no word.
    assert lines_of([(0.0, "a", 0, 100), (2.0, "a", 1, 100)]) == []
    assert lines_of([(0.0, "a", 0, 100), (4.0, "a", 50, 100)]) == []


def test_what_was_there_before_does_not_make_it_look_faster() -> None:
    reports = [(0.0, "images", 500, 600), (40.0, "images", 520, 600)]
    assert lines_of(reports) == ["images: 520 of 600 in 0:40, about 2:40 left"]


def test_what_is_short_is_not_spoken_of_and_each_work_has_its_own_time() -> None:
    reports = [(0.0, "a", 0, 2), (20.0, "a", 2, 2), (21.0, "b", 0, None), (3700.0, "b", 7, None)]
    assert lines_of(reports) == ["b: 7 in 1:01:19"]


def test_many_short_works_have_a_line_each_half_minute() -> None:
    reports = [
        (10.0 * n + second, f"set_{n}", int(second), 9) for n in range(7) for second in (0, 9)
    ]
    assert lines_of(reports) == [
        "set_3: 9 of 9 in 0:09, 1 a second, about 0:00 left",
        "set_6: 9 of 9 in 0:09, 1 a second, about 0:00 left",
    ]


def test_work_that_reports_rarely_is_spoken_of_between_its_reports() -> None:
    said: list[str] = []
    now = [0.0]
    progress = ProgressLines(said.append, lambda: now[0])
    progress.tell_if_due()
    for second in range(0, 100, 3):
        now[0] = float(second)
        if second in (0, 60):
            progress("trainings", second // 60, 2)
        progress.tell_if_due()
    assert said == [
        "trainings: 0 of 2 in 0:30",
        "trainings: 1 of 2 in 1:00, about 1:00 left",
        "trainings: 1 of 2 in 1:30, about 0:30 left",
    ]
    # When it is done, something else is under way.
    progress("trainings", 2, 2)
    now[0] = 1000.0
    progress.tell_if_due()
    assert len(said) == 3


def test_the_lines_come_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmbench.cli.progress_lines.EVERY", 0.0)
    monkeypatch.setattr("gmbench.cli.progress_lines._LOOKS_EVERY", 0.001)
    said: Queue[str] = Queue()
    with progress_lines(said.put) as progress:
        progress("trainings", 0, 2)
        assert said.get(timeout=10) == "trainings: 0 of 2 in 0:00"
    assert "progress" not in {one.name for one in threading.enumerate()}


def test_nothing_made_yet_has_no_time_left() -> None:
    assert lines_of([(0.0, "a", 0, 9), (31.0, "a", 0, 9)]) == ["a: 0 of 9 in 0:31"]


def test_without_a_terminal_progress_is_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmbench.cli.progress_lines.EVERY", 0.0)
    output.keep_quiet(False)
    with output.counting() as progress:
        progress("images", 0, 4)
        progress("images", 2, 4)
    assert capsys.readouterr().err.startswith("images: 2 of 4 in 0:00")
    output.keep_quiet(True)
    with output.counting() as progress:
        progress("images", 0, 4)
        progress("images", 2, 4)
    output.keep_quiet(False)
    assert capsys.readouterr().err == ""


def test_quiet_leaves_results_and_errors(tmp_path: Path) -> None:
    made = ("baseline", "median_mode", "-o")
    loud = gmbench(*made, "loud.parquet", cwd=tmp_path)
    quiet = gmbench("--quiet", *made, "quiet.parquet", cwd=tmp_path)
    assert "next: gmbench evaluate" in loud.stderr
    assert quiet.stderr == ""
    assert quiet.stdout.splitlines()[:3] == loud.stdout.splitlines()[:3]
    assert (tmp_path / "quiet.parquet").is_file()
    refused = gmbench("--quiet", *made, "quiet.parquet", cwd=tmp_path, check=False)
    assert refused.stderr.startswith("error: ")
    # The next command speaks again.
    assert gmbench(*made, "again.parquet", cwd=tmp_path).stderr
