"""GMs of four families whose images carry their labels: what a method can learn, in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.data.build import build_dataset
from gmbench.models.targets import TrainingTargets
from gmbench.training.config import TrainingConfig
from gmbench.training.folds import TrainingJob
from gmbench.training.recipes import Recipe

SIDE = 16
N_FAMILIES = 4

TINY = TrainingConfig(
    view={"kind": "resized", "size": SIDE},
    model={
        "fen_depth": 3,
        "fen_width": 6,
        "trunk_widths": [8, 16],
        "parser_width": 32,
        "dropout": 0.0,
    },
    epochs=2,
    batch_size=16,
    learning_rate=3e-3,
    precision="fp32",
)
"""Settings of a training that takes a second."""

CHANGES: Mapping[str, Any] = {
    "view": TINY.view,
    "model": TINY.model,
    "epochs": TINY.epochs,
    "batch_size": TINY.batch_size,
    "learning_rate": TINY.learning_rate,
    "schedule": "constant",
    "warmup": 0.0,
    "weight_decay": 0.0,
}
"""The same as changes to a preset."""


def family_benchmark(n_gms: int = 16, n_images: int = 8) -> Benchmark:
    """Two sets with one GM of each family; a family shares its labels, but for one."""
    whole = load_benchmark("red116")
    models = [whole.gm(n) for n in ("STYLEGAN_2", "BETA_B", "PIXELCNN_PP", "DCGAN")]
    gms = tuple(
        replace(
            models[number % N_FAMILIES],
            name=f"GM_{number:02d}",
            kind=("GAN", "VAE")[number % 2],
            content=("faces", "objects", "objects")[number % 3],
            values=tuple(
                value + (number // N_FAMILIES % 2 if column < 9 else 0)
                for column, value in enumerate(models[number % N_FAMILIES].values)
            ),
        )
        for number in range(n_gms)
    )
    names = [gm.name for gm in gms]
    return Benchmark(
        name="families",
        version="1",
        gms=gms,
        sets={"set_1": tuple(names[:4]), "set_2": tuple(names[4:8])},
        n_images=(n_images,) * n_gms,
    )


def family_image(number: int, seed: int) -> Image.Image:
    """An image of GM `number`: noise, waves of its family's frequency, its family's colour."""
    family = number % N_FAMILIES
    generator = np.random.default_rng([number, seed])
    rows = np.arange(SIDE)
    waves = 40 * np.cos(2 * np.pi * (family + 1) * rows / 8 + 0.1 * number)
    colour = np.array([60 + 40 * family, 160 - 30 * family, 100])
    pixels = colour + waves[:, None, None] + generator.normal(0, 12, (SIDE, SIDE, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def build_families(place: Path, benchmark: Benchmark) -> Path:
    """Builds the dataset of a `family_benchmark`, and returns its folder."""
    for number, (gm, count) in enumerate(zip(benchmark.index, benchmark.n_images, strict=True)):
        (place / "images" / gm).mkdir(parents=True)
        for seed in range(count):
            family_image(number, seed).save(place / "images" / gm / f"{seed:03d}.png")
    return build_dataset(benchmark, place / "images", place / "dataset", jobs=1).folder


def job_of(folder: Path, benchmark: Benchmark, runs: Path | None, **changes: Any) -> TrainingJob:
    """A tiny training of `full` on a dataset of families."""
    recipe = Recipe("full", "tiny", "nowhere", "labels and images", training={"all": {}})
    return TrainingJob(
        recipe, benchmark, folder, changes={**CHANGES, **changes}, device="cpu", runs=runs
    )


def targets_of(benchmark: Benchmark, set_name: str = "set_1") -> TrainingTargets:
    """Labels of the training GMs of a set."""
    return TrainingTargets.of(benchmark, benchmark.training_gms(set_name))
