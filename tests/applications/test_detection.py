from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gmbench.applications.detection import NUMBERS, SIMPLE, VARIANTS, detect
from gmbench.applications.parsers import read_parsers
from gmbench.applications.sources import DetectionFold, benchmark_folds
from gmbench.benchmark.benchmark import MINI116, load_benchmark
from gmbench.data.real_images import read_real_images
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.models.settings import SettingError
from gmbench.parsing.load import SHIPPED
from gmbench.training.cache import CachedImages, cached_images
from gmbench.training.classify import classifier_config
from gmbench.training.folds import predict_with_networks
from gmbench.training.options import hashed_name
from gmbench.training.parser_place import CheckpointError
from gmbench.training.views import Resized
from tests.applications.toys import OPTIONS, SIDE, TINY, fold, source
from tests.training.families import build_families, family_benchmark, job_of


def test_separable_fakes_are_told_and_alike_ones_are_not() -> None:
    found = detect([fold(60.0)], "toy", OPTIONS, ["image_fingerprint_phase"])
    detector = found.detectors["image_fingerprint_phase"]
    assert detector.auc.value == 1.0
    assert detector.auc.ci == (1.0, 1.0)
    assert set(detector.sources.values()) == {1.0}
    assert found.detectors[SIMPLE].auc.value == 1.0
    assert (found.n_fake, found.n_real, found.n_images) == (6, 6, 72)
    assert json.dumps(found.to_dict(), allow_nan=False)
    alike = detect(
        [fold(0.0, str(seed), seed) for seed in range(3)], "toy", OPTIONS, ["image_fingerprint"]
    )
    ci = alike.detectors["image_fingerprint"].auc.ci
    assert ci is not None
    assert ci[0] < 0.5 < ci[1]


def test_a_gain_is_over_one_number() -> None:
    found = detect([fold(0.0)], "toy", OPTIONS, ["fingerprint"])
    one, simple = found.detectors["fingerprint"], found.detectors[SIMPLE]
    assert one.gain.value == pytest.approx(one.auc.value - simple.auc.value)
    assert simple.gain.ci == (0.0, 0.0)


def test_the_numbers_of_the_trivial_baseline_by_hand() -> None:
    pixels = np.zeros((1, 1, 3, 3, 3), np.uint8)
    pixels[0, 0, 1, 1] = (9, 9, 18)
    assert NUMBERS["colour"](pixels) == pytest.approx([1.0])
    assert NUMBERS["sharpness"](pixels) == pytest.approx([48.0])
    assert NUMBERS["contrast"](pixels) == pytest.approx([np.std([9, 9, 18] + [0] * 24)])


def test_a_fold_holds_the_protocol() -> None:
    real, fake = source("r", False, 0), source("f", True, 1)
    other, further = source("r2", False, 2), source("f2", True, 3)
    with pytest.raises(BenchmarkError, match="has no real images to train on"):
        DetectionFold("x", (fake,), (other, further))
    with pytest.raises(BenchmarkError, match="has no fake images to test on"):
        DetectionFold("x", (real, fake), (other,))
    with pytest.raises(BenchmarkError, match=r"has in training what it tests on: f\. Put"):
        DetectionFold("x", (real, fake), (other, fake))
    twin = replace(further, units=frozenset(["f2", "r"]))
    with pytest.raises(BenchmarkError, match="tests on: r"):
        DetectionFold("x", (real, fake), (other, twin))


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> CachedImages:
    gms = [gm.name for gm in load_benchmark("mini116").gms if gm.content in ("faces", "icons")]
    cache = tmp_path_factory.mktemp("cache")
    return cached_images(MINI116, Resized(SIDE), gms=gms, jobs=1, cache=cache)


def test_folds_of_mini116_share_no_gm_and_no_person(faces: CachedImages) -> None:
    benchmark, real = load_benchmark("mini116"), read_real_images(MINI116)
    folds = benchmark_folds(benchmark, faces, real, "faces")
    assert [one.name for one in folds] == list(benchmark.sets)
    persons: list[str] = []
    for one in folds:
        test = {source.name for source in one.test if source.fake}
        assert test == {
            gm for gm in benchmark.test_gms(one.name) if benchmark.gm(gm).content == "faces"
        }
        held = {unit for source in one.test if not source.fake for unit in source.units}
        learnt = {unit for source in one.train if not source.fake for unit in source.units}
        assert len(held) == 2
        assert len(learnt) == 6
        assert not held & learnt
        assert not test & {source.name for source in one.train}
        persons += held
    assert len(set(persons)) == len(persons) == 8
    # All GMs of icons are in one set: none is left to train on.
    with pytest.raises(BenchmarkError, match="set_3 has no fake images to train on"):
        benchmark_folds(benchmark, faces, real, "icons")
    with pytest.raises(BenchmarkError, match="no GMs with real images of cats beside them"):
        benchmark_folds(benchmark, faces, real, "cats")


def test_from_a_parser(tmp_path: Path, own_cache: Path) -> None:
    benchmark = family_benchmark()
    folder = build_families(tmp_path, benchmark)
    job = job_of(folder, benchmark, tmp_path / "runs", epochs=1)
    predict_with_networks(job)
    path = job.place("set_1")
    assert path is not None
    given = read_parsers(benchmark, [path / "model"], ["set_1"])["set_1"]
    assert given.changes == {"model.fen_depth": 3, "model.fen_width": 6}
    found = detect([fold(60.0, "set_1")], "toy", OPTIONS, ["model_parsing"], {"set_1": given})
    assert found.detectors["model_parsing"].auc.value > 0.9
    # Detectors that begin with another parser have a folder of their own.
    runs = tmp_path / "detectors"
    options = replace(OPTIONS, runs=runs, changes={**OPTIONS.changes, "steps": 2})
    other = replace(given, choice=("another",))
    for one in (given, other, replace(given, choice=())):
        detect([fold(60.0, "set_1")], "toy", options, ["model_parsing"], {"set_1": one})
    made = sorted(path.name for path in (runs / "detect" / "toy").iterdir())
    assert len(given.choice[0]) == 64
    assert made == sorted(
        ["model_parsing", *(hashed_name("model_parsing", *one.choice) for one in (given, other))]
    )
    with pytest.raises(CheckpointError, match="has seen none of the test GMs of set_2"):
        read_parsers(benchmark, [path / "model"], ["set_1", "set_2"])
    with pytest.raises(CheckpointError, match="was trained on families, not on mini116"):
        read_parsers(load_benchmark("mini116"), [path / "model"], ["set_1"])


def test_parsers_that_will_not_do() -> None:
    with pytest.raises(CheckpointError, match="is a parser without a network"):
        read_parsers(load_benchmark("mini116"), [SHIPPED], ["set_1"])
    with pytest.raises(BenchmarkError, match=r"fold has none\. Give one with --parser"):
        detect([fold(0.0)], "toy", OPTIONS, ["model_parsing"])
    with pytest.raises(UnknownNameError, match="Did you mean fingerprint"):
        detect([fold(0.0)], "toy", OPTIONS, ["fingerprints"])


def test_no_variant_takes_the_place_of_another() -> None:
    options = replace(OPTIONS, changes={**TINY, "model.inputs": "image"})
    with pytest.raises(SettingError, match=r"model\.inputs is 'fingerprint' in what is compared"):
        detect([fold(0.0)], "toy", options, ["fingerprint"])


def test_trainings_go_on_where_they_were(tmp_path: Path) -> None:
    options = replace(OPTIONS, runs=tmp_path, changes={**TINY, "steps": 4})
    first = detect([fold(60.0)], "toy: one", options, ["fingerprint"])
    states = list(tmp_path.rglob("state.safetensors"))
    config = classifier_config("small", VARIANTS["fingerprint"], options.changes)
    name = hashed_name("small", config.sha256)
    assert [one.relative_to(tmp_path).as_posix() for one in states] == [
        f"detect/toy_one/fingerprint/{name}/seed_0/fold/state.safetensors"
    ]
    again = detect([fold(60.0)], "toy: one", options, ["fingerprint"])
    assert again.to_dict() == first.to_dict()


def test_other_settings_leave_a_training_as_it_is(tmp_path: Path) -> None:
    options = replace(OPTIONS, runs=tmp_path, changes={**TINY, "steps": 4})
    detect([fold(60.0)], "toy", options, ["fingerprint"])
    (state,) = tmp_path.rglob("state.safetensors")
    before = state.read_bytes()
    quick = replace(options, changes={**TINY, "steps": 2})
    detect([fold(60.0)], "toy", quick, ["fingerprint"])
    assert len(list(tmp_path.rglob("state.safetensors"))) == 2
    assert state.read_bytes() == before
