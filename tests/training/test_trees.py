from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gmbench.data.build import build_dataset
from gmbench.errors import BenchmarkError
from gmbench.training.feature_table import FeatureTable, read_features
from gmbench.training.spectral_features import (
    BLOCK,
    N_FEATURES,
    features_of,
    features_with_size_and_colour,
    luminance_blocks,
)
from gmbench.training.trees import predict_with_trees, spectral
from tests.evaluation.populations import small_benchmark
from tests.training.families import family_benchmark


@pytest.mark.parametrize("shape", [(28, 28), (32, 32), (33, 70), (8, 200), (256, 256)])
def test_every_size_has_the_same_finite_features(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    features = features_of(pixels)
    assert features.shape == (N_FEATURES,)
    assert np.isfinite(features).all()


def test_flat_images_are_finite() -> None:
    assert np.isfinite(features_of(np.zeros((32, 32, 3), np.uint8))).all()


def test_blocks_are_cut_at_native_resolution() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    blocks = luminance_blocks(pixels)
    assert blocks.shape == (6, BLOCK, BLOCK)
    grey = np.asarray(Image.fromarray(pixels).convert("L")) / 255
    np.testing.assert_array_equal(blocks[1], grey[:32, 32:64])


def test_traces_of_upsampling_show() -> None:
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    doubled = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)
    plain = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    spectra = [features_of(p)[: 32 * 17].reshape(32, 17) for p in (doubled, plain)]
    # Repeated pixels have no energy at the highest frequency.
    assert spectra[0][16, 16] < spectra[1][16, 16] - 3


def test_size_and_colour_stand_apart() -> None:
    generator = np.random.default_rng(0)
    colour = generator.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    grey = np.repeat(colour[..., :1], 3, axis=2)
    found = [features_with_size_and_colour(pixels) for pixels in (colour, grey)]
    for pixels, features in zip((colour, grey), found, strict=True):
        np.testing.assert_array_equal(features[:-20], features_of(pixels))
        np.testing.assert_allclose(features[-20:-16], [40, 60, 40 / 60, np.log(2400)])
        np.testing.assert_allclose(features[-15:-12], pixels.mean(axis=(0, 1)) / 255)
    assert [features[-16] for features in found] == [0, 1]
    # A grey image has no chroma, and no difference between its channels.
    assert not found[1][-9:-1].any()
    assert found[1][-1] == 1


def test_learns_from_training_gms_alone_and_not_from_shuffled_labels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gmbench.training.trees.TREES", 30)
    benchmark = small_benchmark(2)
    generator = np.random.default_rng(0)
    gms = np.repeat(np.arange(len(benchmark.gms)), 2)
    truth = benchmark.normalise(benchmark.labels[:, :9])
    clues = np.hstack([truth, benchmark.labels[:, 9:]])[gms]
    features = clues + generator.normal(0, 0.01, clues.shape)
    order = generator.permutation(len(benchmark.gms))
    errors = {}
    for name, labels in (("true", benchmark.labels), ("shuffled", benchmark.labels[order])):
        made = predict_with_trees(benchmark, FeatureTable(features, gms, labels), seed=0)
        predicted = benchmark.normalise(made.values.continuous)
        errors[name] = np.abs(predicted - truth[made.gms]).mean()
    assert errors["true"] < 0.09
    assert errors["shuffled"] > 0.14


def test_features_are_those_of_the_rgb_pixels(tmp_path: Path) -> None:
    """16 bits do not saturate, a transparent pixel is white."""
    images = tmp_path / "images"
    values = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    clear = np.dstack([values, values, values, np.where(values > 200, 0, 255)]).astype(np.uint8)
    white = np.where(values > 200, 255, values).astype(np.uint8)
    benchmark = family_benchmark(n_gms=4, n_images=1)
    shown = (values, values * np.uint16(257), clear, white)
    for gm, pixels in zip(benchmark.index, shown, strict=True):
        (images / gm).mkdir(parents=True)
        Image.fromarray(pixels).save(images / gm / "0.png")
    folder = build_dataset(
        replace(benchmark, sets={"set_1": ("GM_00",)}), images, tmp_path / "dataset", jobs=1
    ).folder
    eight, sixteen, transparent, opaque = read_features(benchmark, folder).features
    np.testing.assert_array_equal(sixteen, eight)
    np.testing.assert_array_equal(transparent, opaque)
    assert not np.array_equal(eight, opaque)


def test_needs_a_folder() -> None:
    with pytest.raises(BenchmarkError, match="Give the folder of a dataset"):
        spectral(small_benchmark(1), 0, None)
