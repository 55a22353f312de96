from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gmbench.applications.attribution import _job, attribute
from gmbench.applications.attribution_data import (
    AttributionData,
    ClassImages,
    benchmark_classes,
    chosen_gms,
    folder_classes,
)
from gmbench.applications.attribution_methods import METHODS, noise_residuals
from gmbench.benchmark.benchmark import MINI116, load_benchmark
from gmbench.data.real_images import read_real_images
from gmbench.errors import BenchmarkError, SourceError, UnknownNameError
from gmbench.models.settings import SettingError
from gmbench.training.options import RunOptions, hashed_name
from gmbench.training.views import Resized
from tests.applications.toys import OPTIONS, PLAIN, SIDE, noise


def toy(waves: Mapping[str, float], n: int = 16) -> AttributionData:
    """Classes whose images have stripes of a strength; two real images show one person."""
    classes = {}
    for seed, (name, wave) in enumerate(waves.items()):
        pixels = noise(n, seed, wave)
        units = [f"{name}/{number // (2 if name == 'real' else 1)}" for number in range(n)]
        classes[name] = ClassImages(pixels, pixels[:, 0], tuple(units))
    return AttributionData("toy", classes, "real")


@pytest.mark.parametrize("method", [name for name in METHODS if name != "prnu"])
def test_separable_classes_are_told(method: str) -> None:
    found = attribute(toy({"real": 0.0, "A": 40.0, "B": 90.0}), PLAIN, [method])
    result = found.methods[method]
    assert result.accuracy.value > 0.95
    assert result.accuracy.ci is not None
    assert result.accuracy.ci[0] > found.chance == pytest.approx(1 / 3)
    assert [sum(row) for row in result.confusion] == [16, 16, 16]
    assert np.trace(result.confusion) == pytest.approx(48 * result.accuracy.value)
    assert found.n_images == 48
    # Eight persons, and each generated image for itself.
    assert result.accuracy.n_sources == 8 + 16 + 16
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_prnu_tells_patterns_that_images_of_a_class_share() -> None:
    side, classes = 32, {}
    slope = np.linspace(60, 190, side)[:, None, None]
    for seed, name in enumerate(("real", "A", "B")):
        generator = np.random.default_rng(seed)
        pattern = generator.normal(0, 6, (side, side, 3))
        noisy = slope + pattern + generator.normal(0, 6, (16, side, side, 3))
        whole = noisy.round().clip(0, 255).astype(np.uint8)
        units = tuple(f"{name}/{number}" for number in range(16))
        classes[name] = ClassImages(noise(16, seed), whole, units)
    found = attribute(AttributionData("toy", classes, "real"), OPTIONS, ["prnu"])
    assert found.methods["prnu"].accuracy.value > 0.95


@pytest.mark.parametrize("method", ["eigenface", "fingerprint"])
def test_classes_that_are_alike_are_guessed(method: str) -> None:
    found = attribute(toy({"real": 0.0, "A": 0.0, "B": 0.0}, 40), OPTIONS, [method])
    ci = found.methods[method].accuracy.ci
    assert ci is not None
    assert ci[0] < found.chance < ci[1]


def test_one_fold_is_a_part_and_differences_are_to_ours() -> None:
    data = toy({"real": 0.0, "A": 40.0, "B": 90.0})
    # A method that is named twice is run once, and its images count once.
    found = attribute(data, OPTIONS, ["knn", "fingerprint", "knn"], tested_folds=1)
    assert (found.folds, found.n_images) == ((1, 4), 12)
    ours, other = found.methods["fingerprint"], found.methods["knn"]
    assert ours.less_ours is None
    assert other.less_ours is not None
    assert other.less_ours.value == pytest.approx(other.accuracy.value - ours.accuracy.value)


def test_settings_have_folders_of_their_own() -> None:
    options = RunOptions(runs=Path("runs"))
    changed = replace(options, changes={"model.fen_depth": 3})
    jobs = [_job("fingerprint", 0, "toy", one) for one in (options, changed)]
    jobs += [
        _job("fingerprint", 0, "toy", replace(one, preset="paper")) for one in (options, changed)
    ]
    jobs += [_job("gan_fingerprint", 0, "toy", changed)]
    small, paper = (
        hashed_name(preset, jobs[number].config.sha256)
        for preset, number in (("small", 1), ("paper", 3))
    )
    assert [str(job.folder).removeprefix("runs/attribute/toy/") for job in jobs] == [
        "fingerprint/seed_0/fold_1",
        f"fingerprint/{small}/seed_0/fold_1",
        "fingerprint/paper/seed_0/fold_1",
        f"fingerprint/{paper}/seed_0/fold_1",
        # Changes of the fingerprint network do not apply to it.
        "gan_fingerprint/seed_0/fold_1",
    ]


@pytest.mark.parametrize(
    ("name", "other"), [("fingerprint", "gan_fingerprint"), ("gan_fingerprint", "classifier")]
)
def test_no_network_takes_the_place_of_another(name: str, other: str) -> None:
    with pytest.raises(SettingError, match=r"method is .* in what is compared here"):
        _job(name, 0, "toy", RunOptions(changes={"method": other}))


def test_the_papers_gms_and_real_faces_of_mini116(own_cache: Path) -> None:
    benchmark = load_benchmark("mini116")
    gms = chosen_gms(benchmark, (), "faces")
    assert [gm.name for gm in gms] == [
        "MINI_SNGAN", "MINI_MMD_GAN", "MINI_CRAMER_GAN", "MINI_PROG_GAN",
    ]  # fmt: skip
    data = benchmark_classes(benchmark, MINI116, gms, read_real_images(MINI116), Resized(SIDE))
    assert list(data.classes) == ["real", *(gm.name for gm in gms)]
    assert all(one.whole.shape == (48, 64, 64, 3) for one in data.classes.values())
    assert len(set(data.classes["real"].units)) == 8
    assert data.notes == ()
    assert data.folder == "faces_4"
    others = chosen_gms(benchmark, ["MINI_LAPGAN", "mini-biggan-512"], "faces")
    mixed = benchmark_classes(benchmark, MINI116, others, read_real_images(MINI116), Resized(SIDE))
    assert mixed.classes["MINI_BIGGAN_512"].whole.shape == (48, 32, 32, 3)
    assert "several sizes (32, 64)" in mixed.notes[0]
    assert mixed.folder == hashed_name("photos_2", "MINI_LAPGAN", "MINI_BIGGAN_512")
    assert {gm.content for gm in chosen_gms(benchmark, (), "photos")} == {"photos"}
    assert len(chosen_gms(benchmark, ["all"], "faces")) == 123
    assert chosen_gms(benchmark, (), "all") == benchmark.gms


def test_gms_that_cannot_be_told_apart() -> None:
    benchmark = load_benchmark("mini116")
    with pytest.raises(UnknownNameError, match="Did you mean MINI_SNGAN"):
        chosen_gms(benchmark, ["MINI_SNGANN", "MINI_LAPGAN"], "faces")
    with pytest.raises(BenchmarkError, match="needs two GMs at least"):
        chosen_gms(benchmark, ["MINI_SNGAN"], "faces")
    with pytest.raises(BenchmarkError, match="Name them with --gm"):
        chosen_gms(benchmark, (), "icons")
    few = toy({"real": 0.0, "A": 45.0})
    three = replace(few.classes["A"], units=("a", "b", "c", "c") * 4)
    with pytest.raises(BenchmarkError, match="The class A has 3 images, persons or pictures"):
        attribute(replace(few, classes={**few.classes, "A": three}), OPTIONS, ["knn"])
    with pytest.raises(UnknownNameError, match="Did you mean knn"):
        attribute(few, OPTIONS, ["knnn"])
    with pytest.raises(BenchmarkError, match="Give 1 to 4"):
        attribute(few, OPTIONS, ["knn"], tested_folds=5)


def folders(place: Path, sizes: Mapping[str, int], n: int = 4) -> Path:
    for name, side in sizes.items():
        (place / name).mkdir(parents=True)
        for number in range(n):
            Image.new("RGB", (side, side), (number, 0, 0)).save(place / name / f"{number}.png")
    return place


def test_folders_of_a_users(tmp_path: Path) -> None:
    data = folder_classes(folders(tmp_path / "own", {"real": 20, "MY_GAN": 20}), Resized(SIDE))
    assert (data.name, data.genuine, list(data.classes)) == ("own", "real", ["MY_GAN", "real"])
    assert data.classes["MY_GAN"].units[0] == "MY_GAN/0.png"
    assert data.notes == ()
    mixed = folder_classes(folders(tmp_path / "mixed", {"a": 20, "b": 24}), Resized(SIDE))
    assert mixed.notes == (
        "images of several sizes (20 x 20, 24 x 24): kNN, Eigenface and PRNU see them resized to "
        "64 x 64, networks cropped as they are.",
        "there is no class real: the constraints hold for all fingerprints.",
    )


def test_folders_that_will_not_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not there"):
        folder_classes(tmp_path / "nowhere", Resized(SIDE))
    one = folders(tmp_path / "one", {"real": 8})
    with pytest.raises(SourceError, match=r"has 1 class \(real\).*two classes at least"):
        folder_classes(one, Resized(SIDE))
    (one / "empty").mkdir()
    with pytest.raises(SourceError, match="no image in empty"):
        folder_classes(one, Resized(SIDE))
    (one / "empty" / "a.png").write_bytes(b"no image")
    with pytest.raises(SourceError, match=r"a\.png cannot be parsed"):
        folder_classes(one, Resized(SIDE))


def test_the_residual_is_the_noise() -> None:
    generator = np.random.default_rng(0)
    smooth = np.tile(np.linspace(60, 190, 64)[:, None, None], (1, 64, 3))
    added = generator.normal(0, 12, smooth.shape)
    noisy = (smooth + added).round().clip(0, 255).astype(np.uint8)
    residual = noise_residuals(noisy[None])[0]
    assert np.corrcoef(residual.ravel(), added.ravel())[0, 1] > 0.9
    flat = noise_residuals(np.full((1, 16, 16, 3), 100, np.uint8))
    assert np.abs(flat).max() < 1e-6
