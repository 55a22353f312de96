"""The places of Figure 3 that are kept are those of the labels as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from gmbench.benchmark.benchmark import NAMED, Benchmark, load_benchmark
from gmbench.figures.label_places import PARTS, computed_places, label_places
from gmbench.models.targets import TrainingTargets
from gmbench.schema import N_LOSSES


@pytest.mark.parametrize("name", NAMED)
def test_kept_places_have_like_labels_side_by_side(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python docs/label_places.py` writes them anew where labels have changed."""
    monkeypatch.delattr("gmbench.figures.label_places.computed_places")
    benchmark = load_benchmark(name)
    places = label_places(benchmark)
    vectors = TrainingTargets.of(benchmark, benchmark.index).vectors()
    losses = 2 * N_LOSSES
    parts = (vectors[:, :-losses], vectors[:, -losses:], vectors)
    assert tuple(places) == PARTS
    for of, place in zip(parts, places.values(), strict=True):
        assert place.shape == (len(benchmark.gms), 2)
        assert trustworthiness(of, place, n_neighbors=5) > 0.9
        wrong = np.roll(place, 7, axis=0)
        assert trustworthiness(of, wrong, n_neighbors=5) < 0.7


def test_other_labels_and_other_seeds_are_computed(benchmark: Benchmark) -> None:
    few = replace(benchmark, gms=benchmark.gms[:12], n_images=benchmark.n_images[:12])
    first, again, other = (label_places(few, seed) for seed in (0, 0, 1))
    computed = computed_places(few, 0)
    for part in PARTS:
        assert np.array_equal(first[part], again[part])
        assert np.array_equal(first[part], computed[part])
        assert first[part].shape == other[part].shape == (12, 2)


def test_gms_that_have_the_same_losses_are_in_one_place(benchmark: Benchmark) -> None:
    losses = benchmark.gms[0].values[-N_LOSSES:]
    alike = [replace(gm, values=(*gm.values[:-N_LOSSES], *losses)) for gm in benchmark.gms[:8]]
    few = replace(benchmark, gms=tuple(alike), n_images=benchmark.n_images[:8])
    places = computed_places(few, 0)
    assert not places["losses"].any()
    assert len(np.unique(places["architecture"], axis=0)) > 1
