"""GANs: generators from noise and from images, trained against a critic.

Families: `mlp`, `dcgan`, `residual` (from noise) and `image_to_image` (from a degraded real image,
with a reconstruction term). Objectives are in `gan_losses`, networks in `gan_networks`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from gmbench.errors import require_known
from gmbench.zoo.kinds.draw import Draw
from gmbench.zoo.kinds.gan_losses import GAMES
from gmbench.zoo.kinds.gan_networks import draw_generator
from gmbench.zoo.kinds.gan_training import GameTraining
from gmbench.zoo.kinds.trained import SamplingGM
from gmbench.zoo.layers import DOWNSAMPLINGS
from gmbench.zoo.losses import in_schema_order
from gmbench.zoo.reproducible import reproducible
from gmbench.zoo.specification import Specification, TrainedGM

FAMILIES: tuple[str, ...] = ("mlp", "dcgan", "residual", "image_to_image")

#: The games to draw from; the others are for GMs whose game is given.
DRAWN_GAMES: tuple[str, ...] = (
    "standard",
    "ls",
    "wgan",
    "wgan_gp",
    "hinge",
    "f_kl",
    "mmd",
    "moment_matching",
    "classes",
)

#: Training steps per family: 10 to 20 s on one core at 32 pixels.
STEPS: dict[str, int] = {"mlp": 400, "dcgan": 300, "residual": 260, "image_to_image": 200}

#: Weights of a distance between images, and between mean features of a batch, in the objective.
PIXEL_WEIGHTS: tuple[float, ...] = (5.0, 10.0, 20.0)
FEATURE_WEIGHTS: tuple[float, ...] = (0.5, 1.0, 2.0)

#: Losses that an objective may have besides its game; image-to-image GMs always have some.
TERMS: tuple[tuple[str, ...], ...] = (
    (),
    (),
    ("loss_l1",),
    ("loss_l2",),
    ("loss_mse",),
    ("loss_l1", "loss_mse"),
    ("loss_l1", "loss_l2"),
)

#: Degradations of a real image that a generator restores.
DEGRADATIONS: tuple[str, ...] = ("edges", "noise", "mask", "blur")


def draw_options(
    family: str, size: int, generator: np.random.Generator
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Draws the architecture and the objective of a GAN.

    Args:
        family: One of `FAMILIES`.
        size: Height and width of its images in pixels.
        generator: Source of all randomness.

    Returns:
        Options (JSON values) and the names of the schema's losses that follow from them.
    """
    require_known("Family", FAMILIES, family)
    draw = Draw(generator)
    one, between = draw.one, draw.between
    options: dict[str, Any] = {
        "latent": one(16, 32, 64),
        **(_draw_translator if family == "image_to_image" else draw_generator)(family, size, draw),
        "game": one(*DRAWN_GAMES),
        "terms": {},
        "classes": 0,
        "critic_width": between(16, 24),
        "batch": 32,
    }
    if options["game"] == "moment_matching" and family in ("dcgan", "residual"):
        # Without a critic, pixels are compared in place, from which convolutions learn little.
        options["game"] = "mmd"
    if options["game"] == "moment_matching":
        # Two samples are compared, so they must be large; without a critic, this is cheap.
        options["batch"] = 64
    if family == "image_to_image":
        chosen = one(*TERMS[2:])
        options["terms"] = {name: one(*PIXEL_WEIGHTS) for name in chosen}
    elif options["game"] != "moment_matching":
        options["terms"] = {name: one(*FEATURE_WEIGHTS) for name in one(*TERMS)}
    with_classes = GAMES[options["game"]].critic is not None and one(False, False, True)
    if options["game"] == "classes" or with_classes:
        options["classes"] = between(4, 10)
    return options, losses_of(options)


def _draw_translator(_: str, size: int, draw: Draw) -> dict[str, Any]:
    """Draws the options of a generator that starts from an image."""
    one, between = draw.one, draw.between
    options: dict[str, Any] = {
        "width": between(8, 16 if size <= 32 else 8),
        "blocks": between(0, 4),
        "layers_per_block": between(1, 3),
        "fc_layers": 0,
        "pool_layers": 0,
        "resolutions": between(1, 3),
        **draw.classes("normalization", "last_nonlinearity", "block_nonlinearity", "upsampling"),
        "skip_connection": one("no", "yes"),
        "downsampling": one("no", *DOWNSAMPLINGS),
        "degradation": one(*DEGRADATIONS),
        "input_size": size,
    }
    if options["downsampling"] == "no":
        # A thumbnail to enlarge; at 4 pixels, nothing would be left of a digit.
        options |= {"degradation": "thumbnail", "resolutions": between(1, 2)}
        options["input_size"] = size // 2 ** options["resolutions"]
        if options["skip_connection"] == "yes":
            options["blocks"] = max(1, options["blocks"])  # the skips are there
    return options


def losses_of(options: dict[str, Any]) -> tuple[str, ...]:
    """Returns the schema's losses that follow from the options, in the schema's order."""
    games = [name for name in (options["game"], *options.get("further_games", {})) if name]
    names = {*(GAMES[name].loss for name in games), *options["terms"]}
    if options["classes"] and games and not options.get("projects"):
        names.add("loss_ce")
    if options.get("encoder") in ("kl", "code"):
        names.add("loss_kl")
    return in_schema_order(names)


def train(
    specification: Specification, real: torch.Tensor, source: torch.Tensor | None = None
) -> TrainedGM:
    """Trains a GAN.

    Args:
        specification: What to train; its family is one of `FAMILIES`.
        real: Real images of the content, shape (images, 3, size, size), uint8.
        source: Such images of another content, from which a generator of unpaired images starts.

    Returns:
        The trained GAN; its network is the whole generator.
    """
    with reproducible(specification.seed) as generator:
        training = GameTraining(specification, real, generator, source)
        network, history = training.run(specification.steps)
        example, losses = training.example(), training.sum.recorded
        return SamplingGM(network, example, losses, history, training.make)
