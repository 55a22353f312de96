"""The method can learn what it is shown, to the last image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gmbench.benchmark.benchmark import read_benchmark
from gmbench.models.targets import TrainingTargets
from gmbench.training.cache import cached_images
from gmbench.training.config import PRESETS
from gmbench.training.loop import train
from gmbench.training.predict import parse_images
from gmbench.training.views import view_from_dict
from tests.training.families import build_families, family_benchmark


@pytest.mark.slow
def test_full_learns_64_images_of_4_gms(tmp_path: Path, own_cache: Path) -> None:
    folder = build_families(tmp_path, family_benchmark(n_gms=8, n_images=16))
    benchmark = read_benchmark(folder)
    config = PRESETS["small"].changed(
        {"view": {"kind": "resized", "size": 16}, "epochs": 150, "batch_size": 16,
         "model.fen_depth": 4, "model.fen_width": 8, "learning_rate": 3e-3,
         "model.trunk_widths": [32, 64, 96], "schedule": "cosine",
         "model.dropout": 0.0, "weight_decay": 0.0}
    )  # fmt: skip
    targets = TrainingTargets.of(benchmark, benchmark.training_gms("set_1"))
    images = cached_images(folder, view_from_dict(config.view), jobs=1)
    assert sum(len(images.image_ids(gm)) for gm in targets.names) == 64
    network = train(config, targets, images, device="cpu").network
    parsed = parse_images(network, images, targets.names, torch.device("cpu"))
    truth = np.repeat(np.arange(4), 16)
    l1 = np.abs(parsed.continuous - targets.continuous[truth]).mean()
    assert l1 < 0.03
    assert (parsed.classes == targets.discrete[truth]).mean() > 0.98
