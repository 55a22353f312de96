"""How long training the parser of known GMs will take, told from some of its images."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from gmbench.benchmark.benchmark import Benchmark, read_benchmark
from gmbench.parsing import expected_training as module
from gmbench.parsing.expected_training import expected_training
from gmbench.parsing.fitting import read_known_images
from tests.commands import gmbench

PACE = 0.01


@pytest.fixture
def known(family_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    """The families, on a machine of two cores that has made no features yet."""
    monkeypatch.setenv("GMBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module, "all_cores", lambda: 2)
    return read_benchmark(family_folder)


def test_it_is_made_of_counts_and_of_the_pace(
    known: Benchmark, family_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_pace", lambda *_: PACE)
    n_gms, n = len(known.gms), sum(known.n_images)
    now = PACE / module._SECONDS_THEN
    for copies in (0, 2):
        # Each GM has fewer than the 16 images that are learnt from at most.
        learnt = (1 + copies) * sum(min(16, own) for own in known.n_images)
        features = (1 + copies) * n * PACE / 2
        grown = learnt * math.log2(1 + learnt) * (module._GROWN / 2 + module._LEARNT)
        said = n * ((1 + copies) * module._SAID + module._COMPARED * n_gms)
        found = expected_training(known, family_folder, (), (), copies, 0)
        assert found == pytest.approx(features + now * (module._BEGUN + grown + said))


def test_features_that_are_there_take_no_time(
    known: Benchmark, family_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_pace", lambda *_: PACE)
    before = expected_training(known, family_folder, (), (), 0, 0)
    read_known_images(known, family_folder)
    after = expected_training(known, family_folder, (), (), 0, 0)
    assert before is not None
    assert after == pytest.approx(before - sum(known.n_images) * PACE / 2)


def test_what_cannot_be_looked_at_stops_nothing(known: Benchmark, tmp_path: Path) -> None:
    assert expected_training(known, tmp_path / "absent", (), (), 0, 0) is None


def test_the_command_says_it(
    known: Benchmark, family_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "expected_training", lambda *_: 4000.0)
    monkeypatch.setattr("gmbench.parsing.train.train_known_gms", stop)
    done = gmbench("train", "known_gms", "--data", str(family_folder), cwd=tmp_path, check=False)
    first = done.stderr.splitlines()[0]
    assert first == "known_gms: about 65 minutes, as some of its images go."
