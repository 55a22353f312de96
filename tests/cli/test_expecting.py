"""How long work will take, said before it begins."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gmbench.cli.expecting import expect, rough
from gmbench.progress import Expectation
from tests.commands import gmbench
from tests.parsing.mini_images import save_images
from tests.zoo.fake_kind import fake_plan


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (31.0, "30 seconds"),
        (88.0, "90 seconds"),
        (95.0, "2 minutes"),
        (400.0, "7 minutes"),
        (24.2 * 60, "25 minutes"),
        (89 * 60, "90 minutes"),
        (95 * 60, "1.5 hours"),
        (9.4 * 3600, "9.5 hours"),
        (30.4 * 3600, "30 hours"),
        (40 * 3600, "2 days"),
        (1.1e9, "12,731 days"),
    ],
)
def test_an_estimate_has_no_false_precision(seconds: float, said: str) -> None:
    assert rough(seconds) == said


def test_what_is_short_or_not_known_is_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    expect("images", None)
    expect("images", 29.0)
    assert capsys.readouterr().err == ""
    expect("images", 400.0)
    expect("images", 400.0, "as the first ones go")
    expect("images", Expectation())
    expect("images", Expectation(29.0, of_one_core=True))
    expect("images", Expectation(400.0, of_one_core=True), "as the first ones go")
    expect("images", Expectation(unknown="hosts of the network send them"), "as the first ones go")
    assert capsys.readouterr().err.splitlines() == [
        "images: about 7 minutes.",
        "images: about 7 minutes, as the first ones go.",
        "images: about 7 minutes of one core, as the first ones go; how many work on it is up to "
        "Ray.",
        "images: how long they take shows with the first ones: hosts of the network send them.",
    ]


@pytest.fixture(autouse=True)
def ctrl_c_as_before() -> Iterator[None]:
    """A command that was interrupted leaves Ctrl-C without effect, as its process ends."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def _first_line(*arguments: str, cwd: Path) -> str:
    return gmbench(*arguments, cwd=cwd, check=False).stderr.splitlines()[0]


def _stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_baselines_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmbench.training.suite.run_one", _stop)
    one = _first_line("baseline", "best", cwd=tmp_path)
    assert one == "best: about 60 seconds, as on 2 cores, x86_64, less what is trained already."
    two = _first_line("baseline", "lgpn", "best", "mean_mode", "--device", "cpu", cwd=tmp_path)
    assert two.startswith("3 baselines: about 25 minutes, as on 2 cores, x86_64")
    assert "interrupted" in _first_line("baseline", "mean_mode", cwd=tmp_path)


def test_train_says_it_of_one_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmbench.training.folds.read_images", _stop)
    words = ("train", "lgpn", "--device", "cpu")
    assert _first_line(*words, cwd=tmp_path) == (
        "lgpn for set_1: about 5 minutes, as on 2 cores, x86_64, less what is trained already."
    )
    # What was changed was not measured.
    assert "interrupted" in _first_line(*words, "--change", "epochs=1", cwd=tmp_path)


def test_zoo_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmbench.zoo.plan.plan_zoo", lambda *_, **__: fake_plan(n_gms=20))
    monkeypatch.setattr("gmbench.zoo.build.train_all", _stop)
    monkeypatch.setattr("gmbench.zoo.expected.CORE_SECONDS", {32: 30.0})
    words = ("zoo", "build", "--out", "zoo", "--jobs")
    assert _first_line(*words, "1", cwd=tmp_path).startswith("GMs: about 10 minutes")
    assert _first_line(*words, "4", cwd=tmp_path).startswith("GMs: about 2 minutes")
    # How many cores a cluster has is its own to say.
    assert _first_line(*words[:-1], "--engine", "ray", cwd=tmp_path) == (
        "GMs: about 10 minutes of one core, as builds of many went; how many work on it is up to "
        "Ray."
    )
    assert _first_line(*words, "2", "--engine", "ray", "--device", "cuda", cwd=tmp_path) == (
        "GMs: how long they take shows with the first ones: it was measured on no GPU yet."
    )


def test_parse_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_images("MINI_DCGAN", tmp_path / "images", 4)
    monkeypatch.setattr("gmbench.parsing.long_run.expectation", lambda *_: Expectation(4000.0))
    monkeypatch.setattr("gmbench.parsing.engines.in_processes", _stop)
    assert _first_line("parse", "images", "--out", "out", cwd=tmp_path) == (
        "images: about 65 minutes, as the first ones go."
    )
