from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from scipy.ndimage import gaussian_filter

from gmbench.predictions.checks import Status
from gmbench.zoo import quality
from gmbench.zoo.quality import (
    Quality,
    diversity,
    features,
    frechet_distance,
    judge,
    sharpness,
)

Images = NDArray[np.uint8]


@pytest.fixture(scope="module")
def real() -> Images:
    """Smooth shapes of many colours with a little noise."""
    generator = np.random.default_rng(0)
    coarse = generator.uniform(0, 255, (300, 3, 32, 32))
    smooth = gaussian_filter(coarse, (0, 0, 3, 3))
    smooth = (smooth - 127) * 6 + 127 + generator.normal(0, 4, smooth.shape)
    return np.asarray(np.clip(smooth, 0, 255), dtype=np.uint8)


@pytest.fixture(scope="module")
def noise() -> Images:
    return np.random.default_rng(1).integers(0, 256, (64, 3, 32, 32), dtype=np.uint8)


def failed(result: Quality) -> set[str]:
    return {check.name for check in result.checks.failures}


def test_real_images_pass(real: Images, noise: Images) -> None:
    result = judge("GAN", [2.0, 1.0], real[:64], real[64:], noise)
    assert result.checks.ok
    assert result.fault == ""
    assert result.figures["last_loss"] == 1.0
    assert [check.name for check in result.checks] == [
        "finite_loss", "diversity", "sharpness", "frechet", "perturbed",
    ]  # fmt: skip
    assert result.checks.checks[-1].status is Status.SKIPPED
    assert result.to_dict()["ok"] is True


@pytest.mark.parametrize("history", [[], [1.0, float("nan")], [float("inf"), 1.0]])
def test_loss_must_be_finite(history: list[float], real: Images, noise: Images) -> None:
    result = judge("GAN", history, real[:64], real[64:], noise)
    assert failed(result) == {"finite_loss"}
    assert all(v is None or np.isfinite(v) for v in result.figures.values())


def test_collapse_is_seen(real: Images, noise: Images) -> None:
    assert failed(judge("VAE", [1.0], np.repeat(real[:1], 64, 0), real, noise)) == {"diversity"}


def test_flat_images_fail(real: Images, noise: Images) -> None:
    flat = np.full((64, 3, 32, 32), 127, np.uint8)
    assert {"diversity", "sharpness"} <= failed(judge("AR", [1.0], flat, real, noise))


def test_noise_fails(real: Images, noise: Images) -> None:
    assert failed(judge("NF", [1.0], noise, real, noise)) == {"sharpness", "frechet"}


def test_no_better_than_untrained_fails(real: Images) -> None:
    shifted = np.clip(real[:64].astype(int) + 40, 0, 255).astype(np.uint8)
    result = judge("GAN", [1.0], shifted, real, shifted)
    assert failed(result) == {"frechet"}
    assert result.fault == "frechet 1, outside 0 to 0.95"


def test_attack_must_change_images_but_little(real: Images) -> None:
    signs = np.random.default_rng(2).choice([-4, 4], (64, 3, 32, 32))
    attacked = np.clip(real[:64].astype(int) + signs, 0, 255).astype(np.uint8)
    result = judge("AA", [1.0], attacked, real, None)
    assert result.checks.ok
    assert result.figures["perturbation"] == pytest.approx(4, abs=0.1)
    status = {check.name: check.status for check in result.checks}
    assert (status["frechet"], status["perturbed"]) == (Status.SKIPPED, Status.OK)
    assert failed(judge("AA", [1.0], real[:64], real, None)) == {"perturbed"}
    assert "perturbed" in failed(judge("AA", [1.0], 255 - real[:64], real, None))


def test_diversity_by_hand() -> None:
    images = np.zeros((2, 3, 16, 16), np.uint8)
    images[1] = 100
    # Every thumbnail pixel is 0 or 100: variance 2500, distance root(2 * 2500).
    assert diversity(images) == pytest.approx(np.sqrt(5000))


def test_sharpness_by_hand() -> None:
    image = np.zeros((1, 3, 16, 16), np.uint8)
    image[:, :, 8, 8] = 200
    # Laplacian 800 at the point and -200 at four neighbours, over 14 x 14 inner pixels.
    assert sharpness(image) == pytest.approx((800 + 4 * 200) / 14**2)


def test_features_are_finite_for_any_image() -> None:
    images = np.stack([np.full((3, 32, 32), value, np.uint8) for value in (0, 127, 255)])
    found = features(images)
    assert found.shape == (3, 60)
    assert np.isfinite(found).all()


def test_frechet_distance_agrees_with_scipy() -> None:
    generator = np.random.default_rng(0)
    real = generator.normal(0, 5, (400, 60)) @ generator.normal(0, 1, (60, 60))
    sample = generator.normal(1, 6, (100, 60)) @ generator.normal(0, 1, (60, 60))
    scale = np.maximum(real.std(0), quality._LEAST_SPREAD)
    a, b = sample / scale, real / scale
    s, t = (0.9 * np.cov(x.T) + 0.1 * np.diag(np.diag(np.cov(x.T))) for x in (a, b))
    shift = a.mean(0) - b.mean(0)
    expected = shift @ shift + np.trace(s + t - 2 * sqrtm(s @ t).real)
    assert frechet_distance(sample, real) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-6)


def test_blur_is_nearer_than_noise(real: Images, noise: Images) -> None:
    blurred = gaussian_filter(real[:64].astype(float), (0, 0, 1, 1)).astype(np.uint8)
    known = features(real[64:])
    order = [frechet_distance(features(x), known) for x in (real[:64], blurred, noise)]
    assert order == sorted(order)
