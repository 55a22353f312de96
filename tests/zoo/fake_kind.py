"""A kind of GM that costs nothing: noise around the mean of the real images, learnt at once.

Stands in for the real kinds where a test is about the machinery around them. How a GM behaves is
in the options of its specification: `behaviour` is `learns`, `never_learns`, `raises`,
`learns_second_time` (fails with the seed that it was drawn with), `dies` (with its process),
`is_killed` (its process is, once), `needs_memory` (there is none for an array) or
`needs_memory_of_torch` (nor for a tensor).
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from gmbench.zoo.content import load_content
from gmbench.zoo.plan import ZooPlan
from gmbench.zoo.reproducible import reproducible
from gmbench.zoo.specification import Specification

MODULES = dict.fromkeys(("GAN", "VAE", "AR", "AA", "NF", "DM"), __name__)


@dataclass
class FakeGM:
    """Real images, shuffled and with a little noise; without training, noise alone."""

    specification: Specification
    network: nn.Module
    example: tuple[torch.Tensor, ...]
    losses: tuple[str, ...]
    real: torch.Tensor
    history: list[float] = field(default_factory=lambda: [1.0, 0.5])

    def sample(self, n: int, generator: torch.Generator) -> torch.Tensor:
        size = self.specification.size
        noise = torch.randint(0, 256, (n, 3, size, size), generator=generator)
        if not self.specification.steps:
            return noise.to(torch.uint8)
        chosen = self.real[torch.randint(0, len(self.real), (n,), generator=generator)]
        return (chosen.long() * 15 // 16 + noise // 16).to(torch.uint8)


def train(specification: Specification, real: torch.Tensor) -> FakeGM:
    """Makes a network of the wanted width; see the module for the behaviours."""
    options = specification.options
    behaviour = options.get("behaviour", "learns")
    if specification.steps:
        time.sleep(options.get("seconds", 0.0))
        if behaviour == "raises":
            raise RuntimeError("the loss is upside down\nsecond line")
        if behaviour == "dies" and Path(options["trigger"]).exists():
            os._exit(9)
        if behaviour.startswith("needs_memory") and Path(options["trigger"]).exists():
            many = 1 << 50
            torch.empty(many) if behaviour == "needs_memory_of_torch" else np.empty(many)
        if behaviour == "is_killed" and Path(options["trigger"]).exists():
            Path(options["trigger"]).unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        if behaviour == "never_learns" or (
            behaviour == "learns_second_time" and specification.seed == options["first_seed"]
        ):
            specification = Specification(**{**vars_of(specification), "steps": 0})
    with reproducible(specification.seed):
        width = int(options.get("width", 4))
        network = nn.Sequential(
            nn.Linear(8, width), nn.ReLU(), nn.Unflatten(1, (width, 1, 1)),
            nn.ConvTranspose2d(width, 3, specification.size), nn.Tanh(),
        )  # fmt: skip
    return FakeGM(specification, network, (torch.zeros(1, 8),), specification.losses, real)


def vars_of(specification: Specification) -> dict[str, Any]:
    return {name: getattr(specification, name) for name in specification.__dataclass_fields__}


def fake_plan(
    n_gms: int = 6, images_per_gm: int = 5, size: int = 32, seed: int = 0, **options: Any
) -> ZooPlan:
    """Returns the plan of a zoo of fake GMs; `options` are those of every GM."""
    contents = ("digits", "faces")
    kinds = ("GAN", "GAN", "GAN", "VAE", "AR", "AA")
    population = tuple(
        Specification(
            name=f"{kinds[number % 6]}_{number:03d}",
            kind=kinds[number % 6],
            family="fake",
            content=contents[number % 2],
            size=size,
            losses=(("loss_adversarial",), ("loss_l1", "loss_kl"))[number // 2 % 2],
            options={"width": 2 + number, **options},
            steps=10,
            seed=seed * 1000 + number,
        )
        for number in range(n_gms)
    )
    return ZooPlan(
        population=population,
        modules=MODULES,
        contents=tuple(load_content(name, size) for name in contents),
        images_per_gm=images_per_gm,
        seed=seed,
        real_per_content=4,
        attempts=2,
    )
