from __future__ import annotations

import numpy as np
import pytest

from gmbench.applications.similarity import (
    gm_similarities,
    pair_similarities,
    parsed_vectors,
    similarity_matrix,
    unit_vectors,
)


def test_unit_vectors_give_the_cosine() -> None:
    generator = np.random.default_rng(0)
    raw = generator.normal(size=(5, 2, 3, 4))
    raw[3] = 0
    vectors = unit_vectors(raw)
    found = similarity_matrix(vectors, vectors)
    for one in range(5):
        for other in range(5):
            a, b = raw[one].ravel(), raw[other].ravel()
            length = np.linalg.norm(a) * np.linalg.norm(b)
            expected = a @ b / length if length else 0
            assert found[one, other] == pytest.approx(expected, abs=1e-6)


def test_the_papers_similarity_by_hand() -> None:
    generator = np.random.default_rng(1)
    continuous = generator.random((6, 9))
    classes = generator.integers(0, 3, (6, 16))
    vectors = parsed_vectors(continuous, classes)
    first, second = np.triu_indices(6)
    found = pair_similarities(vectors, first, second)
    for value, one, other in zip(found, first, second, strict=True):
        a, b = continuous[one], continuous[other]
        cosine = sum(a * b) / np.sqrt(sum(a**2) * sum(b**2))
        share = np.mean([c == d for c, d in zip(classes[one], classes[other], strict=True)])
        assert value == pytest.approx((cosine + share) / 2, abs=1e-6)


def test_similarities_of_many_numbers_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = unit_vectors(np.random.default_rng(2).normal(size=(9, 7)))
    first, second = np.arange(9), np.arange(9)[::-1]
    whole = pair_similarities(vectors, first, second)
    monkeypatch.setattr("gmbench.applications.similarity._AT_ONCE", 14)
    assert np.array_equal(pair_similarities(vectors, first, second), whole)


def test_means_over_all_pairs_of_images() -> None:
    gms = np.array([0, 0, 0, 1, 1, 2])
    vectors = np.random.default_rng(3).normal(size=(6, 4)).astype(np.float32)
    found = gm_similarities(vectors, gms)
    for one in range(2):
        for other in range(3):
            products = [
                float(vectors[i] @ vectors[j])
                for i in np.flatnonzero(gms == one)
                for j in np.flatnonzero(gms == other)
                if i != j
            ]
            assert found[one, other] == pytest.approx(np.mean(products), abs=1e-5)
    assert np.isnan(found[2, 2])
    assert np.allclose(found, found.T, equal_nan=True)
