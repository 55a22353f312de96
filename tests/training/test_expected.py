"""How long baselines will take, from results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.benchmark.cross_validation import with_sets
from gmbench.training.expected import Expected, expected_time
from gmbench.training.options import RunOptions
from gmbench.training.recipes import find_recipe, find_recipes

OPTIONS = RunOptions(device="cpu")


@pytest.fixture
def mini116() -> Benchmark:
    return load_benchmark("mini116")


@pytest.fixture
def baselines(tmp_path: Path, mini116: Benchmark) -> Path:
    """Results of three networks, one of them of a GPU and not timed, and of trees in two rounds."""
    save(tmp_path, "slow", mini116, seconds=1200.0)
    save(tmp_path, "quick", mini116, seconds=400.0)
    save(tmp_path, "gpu", mini116, seconds=None, machine="a GPU")
    save(tmp_path, "trees", mini116, seconds=80.0, preset=None)
    return tmp_path


def save(folder: Path, name: str, benchmark: Benchmark, more: str = "", **run: Any) -> None:
    place = folder / name / "results"
    place.mkdir(parents=True)
    training = "" if run.get("preset", "") is None else "training: {all: {}}\n"
    predictor = "" if training else "predictor: a:b\n"
    (folder / name / "recipe.yaml").write_text(
        f"name: {name}\nsummary: s\npaper: p\nneeds: labels and images\n{training}{predictor}"
        + more
    )
    usual = {"preset": "small", "changes": {}, "extra": [], "machine": "2 cores", "repeats": 1}
    whole = {**usual, **run}
    text = json.dumps({"benchmark": benchmark.name, "sets": dict(benchmark.sets), "run": whole})
    (place / f"{benchmark.name}.json").write_text(text)
    (place / "damaged.json").write_text(text[:-9])


def asked(baselines: Path, benchmark: Benchmark, *names: str, **changed: Any) -> Expected | None:
    known = find_recipes(baselines)
    set_name = changed.pop("set_name", None)
    options = RunOptions(**{"device": "cpu", **changed})
    chosen = [known[name] for name in names]
    return expected_time(chosen, benchmark, options, set_name=set_name, results=baselines)


def test_what_was_measured_is_expected(baselines: Path, mini116: Benchmark) -> None:
    assert asked(baselines, mini116, "slow") == Expected(1200.0, "2 cores", ())
    assert asked(baselines, mini116, "slow", "trees") == Expected(1280.0, "2 cores", ())
    assert asked(baselines, mini116, "slow", set_name="set_2") == Expected(300.0, "2 cores", ())


@pytest.mark.parametrize(("measured", "seconds"), [(1, 40.0), (3, 120.0)])
def test_a_baseline_with_repeats_takes_as_many_times_as_long(
    measured: int, seconds: float, baselines: Path, mini116: Benchmark
) -> None:
    save(baselines, "thrice", mini116, "repeats: 3\n", seconds=seconds, repeats=measured)
    assert asked(baselines, mini116, "thrice") == Expected(120.0, "2 cores", ())
    assert asked(baselines, mini116, "thrice", set_name="set_2") == Expected(10.0, "2 cores", ())


def test_a_network_that_was_not_timed_is_like_the_others(
    baselines: Path, mini116: Benchmark
) -> None:
    assert asked(baselines, mini116, "gpu") == Expected(800.0, "2 cores", ())


def test_what_is_not_known_is_said(baselines: Path, mini116: Benchmark) -> None:
    (baselines / "trees" / "results" / "mini116.json").unlink()
    assert asked(baselines, mini116, "trees") is None
    assert asked(baselines, mini116, "trees", "quick") == Expected(400.0, "2 cores", ("trees",))


@pytest.mark.parametrize(
    "changed", [{"preset": "paper"}, {"changes": {"epochs": 1}}, {"device": "mps"}]
)
def test_what_was_run_otherwise_tells_nothing(
    changed: dict[str, Any], baselines: Path, mini116: Benchmark
) -> None:
    assert asked(baselines, mini116, "slow", **changed) is None
    assert asked(baselines, with_sets(mini116, "cv10"), "slow") is None


def test_the_projects_own_results_tell(mini116: Benchmark) -> None:
    expected = expected_time([find_recipe("spectral")], mini116, OPTIONS)
    assert expected is not None
    assert 10 < expected.seconds < 60
