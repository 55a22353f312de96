from __future__ import annotations

import numpy as np
import pytest
import torch

from gmbench.benchmark.benchmark import Benchmark
from gmbench.models.settings import SettingError
from gmbench.models.targets import class_counts
from gmbench.training.cache import CachedImages
from gmbench.training.fingerprints import fingerprint_similarity
from gmbench.training.loop import train
from gmbench.training.methods import build_network
from tests.training.families import TINY, targets_of

CPU = torch.device("cpu")


def test_by_a_slow_way(families: Benchmark, family_images: CachedImages) -> None:
    torch.manual_seed(0)
    network = build_network("parser", TINY.model, class_counts(families)).eval()
    gms = ("GM_02", "GM_00", "GM_05")
    found = fingerprint_similarity(network, family_images, gms, CPU)
    prints = []
    for gm in gms:
        pixels = torch.from_numpy(family_images.pixels(gm)[:, 0] / 255.0).float()
        with torch.no_grad():
            prints.append(network.fen(pixels.permute(0, 3, 1, 2)).flatten(1).numpy())  # type: ignore[operator]
    for i, first in enumerate(prints):
        for j, second in enumerate(prints):
            cosines = [
                np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)
                for m, a in enumerate(first)
                for n, b in enumerate(second)
                if (i, m) != (j, n)
            ]
            assert found.matrix[i, j] == pytest.approx(np.mean(cosines), abs=1e-5)
    assert found.within == pytest.approx(np.diag(found.matrix).mean())
    assert found.between == pytest.approx(found.matrix[[0, 0, 1], [1, 2, 2]].mean())


def test_fingerprints_of_a_gm_are_more_alike_than_those_of_two(
    families: Benchmark, family_images: CachedImages
) -> None:
    """Figure 5 of the paper: after training, on GMs that were not trained on as well."""
    config = TINY.changed({"epochs": 8, "schedule": "cosine"})
    network = train(config, targets_of(families), family_images, device="cpu").network
    for gms in (families.training_gms("set_1"), families.test_gms("set_1")):
        found = fingerprint_similarity(network, family_images, gms, CPU)
        assert found.within > found.between + 0.05


def test_a_network_without_fingerprints(families: Benchmark, family_images: CachedImages) -> None:
    settings = {**TINY.model, "fingerprint": False}
    network = build_network("parser", settings, class_counts(families))
    with pytest.raises(SettingError, match="has no fingerprints"):
        fingerprint_similarity(network, family_images, ["GM_00"], CPU)
