"""What each of several processes does in the tests of training over processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from gmbench.benchmark.benchmark import read_benchmark
from gmbench.models.targets import TrainingTargets
from gmbench.training.cache import cached_images
from gmbench.training.config import TrainingConfig
from gmbench.training.launched import is_first
from gmbench.training.loop import train
from gmbench.training.state import weights_of
from gmbench.training.views import Resized
from tests.training.families import SIDE, TINY, targets_of

CONFIGS: dict[str, TrainingConfig] = {
    "plain": TINY.changed({"epochs": 3}),
    "all at once": TINY.changed(
        {"model.dropout": 0.3, "schedule": "cosine", "warmup": 0.2, "clip": 0.5, "accumulate": 2,
         "balanced": True, "weight_decay": 0.01, "batch_size": 21}
    ),
    "graph": TINY.changed(
        {"method": "graph", "model": {"trace_depth": 3, "trace_width": 4, "trunk_widths": [4],
                                      "node_width": 4}}
    ),
    "fewer images than processes": TINY.changed({"batch_size": 95, "epochs": 1}),
}  # fmt: skip


def run(config: TrainingConfig, dataset: Path, cache: Path, folder: Path) -> dict[str, Any]:
    """Trains on the families, with GMs held out, and keeps the weights beside the state."""
    benchmark = read_benchmark(dataset)
    images = cached_images(dataset, Resized(SIDE), jobs=1, cache=cache)
    trained = train(
        config, targets_of(benchmark), images, device="cpu", folder=folder,
        validation=TrainingTargets.of(benchmark, benchmark.test_gms("set_1")),
    )  # fmt: skip
    if is_first():
        save_file(weights_of(trained.network), folder / "weights.safetensors")
    return {"log": list(trained.log), "resumed_at": trained.resumed_at}


if __name__ == "__main__":
    dataset, cache, out = map(Path, sys.argv[1:4])
    torch.set_num_threads(1)
    for name in sys.argv[4:]:
        found = run(CONFIGS[name], dataset, cache, out / name)
        rank = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
        (out / f"{name}-{rank}.json").write_text(json.dumps(found))
