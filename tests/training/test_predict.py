from __future__ import annotations

import numpy as np
import pytest
import torch

from gmbench.benchmark.benchmark import Benchmark
from gmbench.models.targets import class_counts
from gmbench.training.cache import CachedImages
from gmbench.training.methods import build_network
from gmbench.training.parsed import ParsedImages, join
from gmbench.training.predict import parse_images, parse_pixels
from tests.training.families import TINY

CPU = torch.device("cpu")


@pytest.fixture
def network(families: Benchmark) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_network("parser", TINY.model, class_counts(families)).train()


def test_by_a_slow_way(network: torch.nn.Module, crops: CachedImages) -> None:
    """Crops: an image's answer is the mean over its views, of numbers and of probabilities."""
    pixels = crops.pixels("DCGAN")[:5]
    found = parse_pixels(network, pixels, CPU)
    assert not network.training
    for number in range(5):
        continuous, probabilities = [], []
        for view in range(pixels.shape[1]):
            image = torch.from_numpy(pixels[number, view].astype(np.float32) / 255)
            with torch.no_grad():
                parsed = network(image.permute(2, 0, 1)[None]).final()
            continuous.append(parsed.continuous[0].numpy())
            probabilities.append(parsed.probabilities[0].numpy())
        np.testing.assert_allclose(
            found.continuous[number], np.mean(continuous, axis=0), rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(
            found.probabilities[number], np.mean(probabilities, axis=0), rtol=1e-4, atol=1e-5
        )


def test_heads_and_classes(network: torch.nn.Module, family_images: CachedImages) -> None:
    found = parse_images(network, family_images, ["GM_03", "GM_01"], CPU)
    assert found.continuous.shape == (16, 9)
    assert [head.shape[1] for head in found.by_head] == list(found.n_classes)
    for number, head in enumerate(found.by_head):
        np.testing.assert_array_equal(found.classes[:, number], head.argmax(axis=1))
    np.testing.assert_array_equal(found.loss_scores[:, 3], found.by_head[9][:, 1])
    first = parse_images(network, family_images, ["GM_03"], CPU)
    np.testing.assert_array_equal(found.continuous[:8], first.continuous)


def test_many_images_go_in_parts(
    network: torch.nn.Module, family_images: CachedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = family_images.pixels("GM_00")
    whole = parse_pixels(network, pixels, CPU)
    monkeypatch.setattr("gmbench.training.predict._AT_ONCE", 3)
    parts = parse_pixels(network, pixels, CPU)
    np.testing.assert_allclose(whole.probabilities, parts.probabilities, atol=1e-6)


def test_bfloat16_is_near_and_the_heads_stay_in_float32(
    network: torch.nn.Module, family_images: CachedImages
) -> None:
    pixels = family_images.pixels("GM_00")
    exact = parse_pixels(network, pixels, CPU)
    fast = parse_pixels(network, pixels, CPU, "bf16")
    assert not np.array_equal(fast.continuous, exact.continuous)
    np.testing.assert_allclose(fast.continuous, exact.continuous, atol=0.05)
    np.testing.assert_allclose(fast.probabilities, exact.probabilities, atol=0.05)
    as_bfloat16 = torch.from_numpy(fast.continuous).bfloat16().double().numpy()
    assert not np.array_equal(as_bfloat16, fast.continuous)


def test_join_keeps_the_order() -> None:
    parts = [ParsedImages(np.full((n, 9), n), np.full((n, 4), n), (2, 2)) for n in (1, 2)]
    joined = join(parts)
    assert joined.continuous[:, 0].tolist() == [1, 2, 2]
    assert joined.probabilities[:, 0].tolist() == [1, 2, 2]
    assert joined.n_classes == (2, 2)
