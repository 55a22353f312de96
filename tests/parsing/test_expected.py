"""How long a long run will take, told from its first images."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gmbench.data import parallel
from gmbench.parsing import engines, expected
from gmbench.parsing.expanding import names_of
from gmbench.parsing.expected import expectation
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.load import parser_sha256
from gmbench.parsing.long_run import parse_to_folder
from gmbench.parsing.looking import PartOutcome, PartTask
from gmbench.parsing.work import begin
from gmbench.progress import Expectation
from tests.data.image_host import ImageHost
from tests.data.test_image_streams import tar_of
from tests.parsing.mini_images import save_images
from tests.parsing.test_long_run import png_of
from tests.processes import one_after_the_other

A_LOOK = 0.08
"""Seconds that the parser of these tests takes for any number of images."""


@pytest.fixture(autouse=True)
def slow_parser(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def parse_each(parser: KnownGMs, images: list[object]) -> None:
        time.sleep(A_LOOK)

    monkeypatch.setattr(KnownGMs, "parse_each", parse_each)
    monkeypatch.setattr(expected, "_FEW", 0)
    with one_after_the_other(engines, expected):
        yield


def tasks_of(folder: Path, *sources: Path, part_images: int = 10) -> list[PartTask]:
    facts = {"parser_sha256": "", "sources": []}
    work = begin(folder, names_of([str(source) for source in sources]), part_images, facts)
    return [PartTask(folder, part, None, parser_sha256()) for part in work.parts]


@pytest.mark.parametrize(("at_once", "times"), [(1, 1), (2, 2), (9, 3)])
def test_images_and_processes_are_counted(at_once: int, times: int, tmp_path: Path) -> None:
    save_images("MINI_DCGAN", tmp_path / "images", 30)
    seconds = expectation(tasks_of(tmp_path / "out", tmp_path / "images"), at_once).seconds
    # Of each of three parts the first ten images take a look.
    assert seconds is not None
    assert 3 * A_LOOK <= seconds * times < 6 * A_LOOK


def test_a_tar_has_as_many_images_as_go_into_it(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar_of({f"{n}.png": png_of(n) for n in range(16)}))
    (tmp_path / "b.tar").write_bytes(tar_of({f"{n}.png": png_of(n) for n in range(160)}))
    seconds = expectation(
        tasks_of(tmp_path / "out", tmp_path / "a.tar", tmp_path / "b.tar"), 1
    ).seconds
    # 176 images, sixteen of them in a look: files of few bytes are mostly headers of the archive.
    assert seconds is not None
    assert 11 * A_LOOK <= seconds < 11 * A_LOOK * 6


def test_hosts_are_asked_for_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ImageHost() as host:
        (tmp_path / "list.txt").write_text(f"{host.url}/a.png\n")
        facts = {"parser_sha256": "", "sources": []}
        work = begin(tmp_path / "out", names_of([], [tmp_path / "list.txt"]), 10, facts)
        task = PartTask(work.folder, work.parts[0], None, parser_sha256())
        assert expectation([task], 1) == Expectation()  # A single one.
        monkeypatch.setattr(expected, "_FEW_FAR", 0)
        assert expectation([task], 1).unknown == "hosts of the network send them"
        assert expectation([task], None).seconds is None
        assert host.requests == []


def test_few_images_are_not_looked_at_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expected, "_FEW", 4)
    for number, told in ((3, False), (4, True)):
        save_images("MINI_DCGAN", tmp_path / f"images{number}", number)
        tasks = tasks_of(tmp_path / f"out{number}", tmp_path / f"images{number}")
        assert (expectation(tasks, 1).seconds is not None) == told


def test_a_decoder_that_crashes_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expected, "in_processes", parallel.in_processes)
    monkeypatch.setattr(expected, "_first_images", _crash)
    save_images("MINI_DCGAN", tmp_path / "images", 3)
    assert expectation(tasks_of(tmp_path / "out", tmp_path / "images"), 1) == Expectation()


def _crash(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_cannot_be_told_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.tar").write_bytes(tar_of({}))
    assert expectation(tasks_of(tmp_path / "out", tmp_path / "empty.tar"), 1) == Expectation()
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 junk")
    tasks = tasks_of(tmp_path / "damaged", tmp_path / "damaged.parquet")
    assert expectation(tasks, 1) == Expectation()
    assert expectation([], 1) == Expectation()
    (tmp_path / "gone.png").write_bytes(png_of(0))
    tasks = tasks_of(tmp_path / "gone", tmp_path / "gone.png")
    (tmp_path / "gone" / "run" / "images.txt").unlink()
    assert expectation(tasks, 1) == Expectation()


def test_a_run_tells_it_before_its_first_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_images("MINI_DCGAN", tmp_path / "images", 3)
    told: list[Expectation | str] = []
    monkeypatch.setattr("gmbench.parsing.long_run.expectation", lambda *_: Expectation(7.0))

    def parse_parts(*_: object) -> Iterator[PartOutcome]:
        told.append("at work")
        return iter(())

    monkeypatch.setattr("gmbench.parsing.long_run.parse_parts", parse_parts)
    parse_to_folder(names_of([str(tmp_path / "images")]), tmp_path / "out", expected=told.append)
    assert told == [Expectation(7.0), "at work"]


def test_a_gpu_and_a_cluster_are_not_this_process(tmp_path: Path) -> None:
    save_images("MINI_DCGAN", tmp_path / "images", 30)
    tasks = tasks_of(tmp_path / "out", tmp_path / "images")
    alone, cluster = expectation(tasks, 1), expectation(tasks, None)
    assert alone.seconds is not None
    assert cluster.seconds == pytest.approx(alone.seconds, rel=0.5)
    assert (alone.of_one_core, cluster.of_one_core) == (False, True)
    found = expectation([replace(task, device="cuda") for task in tasks], 1)
    assert found == Expectation(unknown="what a GPU does is not measured before")
