from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from gmbench.training import discriminants
from gmbench.training.discriminants import Discriminants


@pytest.fixture
def images() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    gms = np.repeat(np.arange(5), 40)
    centres = generator.normal(size=(5, 6))
    features = (centres[gms] + generator.normal(0, 0.5, (200, 6))).astype(np.float32)
    return features, gms, np.full(200, 1 / 40)


def test_the_nearest_are_those_of_scikit_learn(
    images: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    features, gms, weights = images
    monkeypatch.setattr(discriminants, "ISOTROPIC", 1e-9)
    monkeypatch.setattr(discriminants, "_FARTHEST", 1e9)
    found = Discriminants.fit(features, gms, weights).shares(features)
    judge = LinearDiscriminantAnalysis(solver="lsqr", priors=np.full(5, 0.2)).fit(features, gms)
    assert (found.argmax(axis=1) == judge.predict(features)).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_arrays_there_and_back(images: tuple[np.ndarray, ...]) -> None:
    fitted = Discriminants.fit(*images)
    again = Discriminants.from_arrays(fitted.to_arrays(), 5)
    np.testing.assert_allclose(again.shares(images[0]), fitted.shares(images[0]), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean", np.zeros(5)),
        ("scale", np.zeros(6)),
        ("directions", np.full((6, 5), np.nan)),
        ("threshold_of_gm", np.zeros(4)),
        ("spread", np.zeros(1)),
    ],
)
def test_arrays_that_do_not_go_together(
    name: str, value: np.ndarray, images: tuple[np.ndarray, ...]
) -> None:
    arrays = Discriminants.fit(*images).to_arrays() | {name: value}
    with pytest.raises(ValueError, match="do not go together"):
        Discriminants.from_arrays(arrays, 5)


def test_a_single_gm_has_all_of_every_image() -> None:
    features = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
    fitted = Discriminants.fit(features, np.zeros(8, int), np.full(8, 1 / 8))
    assert fitted.shares(features).tolist() == [[1.0]] * 8
    assert Discriminants.from_arrays(fitted.to_arrays(), 1).spread == 1


def test_one_image_of_each_gm() -> None:
    features = np.eye(3, 4, dtype=np.float32)
    fitted = Discriminants.fit(features, np.arange(3), np.ones(3))
    assert fitted.shares(features).argmax(axis=1).tolist() == [0, 1, 2]
