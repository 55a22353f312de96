"""Options of AR, NF, AA and DM replicas: what their networks have beyond their rows.

`OPTIONS` has one function per kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gmbench.zoo.game_options import CLASSES, FACE_CLASSES
from gmbench.zoo.replica_table import Replica

STEPS: Mapping[str, int] = {
    "fvbn": 400,
    "nade": 300,
    "made": 600,
    "pixelcnn": 350,
    "gated_pixelcnn": 200,
    "pixelcnn_pp": 120,
    "snail": 150,
    "image_transformer": 250,
    "vae_flow": 800,
    "vae_deep": 300,
    "surjective_flow": 300,
    "conditional_flow": 150,
    "residual_classifier": 300,
    "diffusion_unet": 450,
}
"""Training steps of each family, which take about half a minute on one core."""


def autoregressive_options(replica: Replica, row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of an autoregressive GM."""
    if replica.family == "vae_mlp":
        return latent_options(replica, row)
    options: dict[str, Any] = {
        **_classes(row),
        "skip_connection": row["skip_connection"],
        "learning_rate": 2e-3,
        "grid": replica.size,
        "patch": 1,
        "symbols": 8,
    }
    if replica.family == "made":
        return options | {"width": 512, "blocks": row["fc_layers"] - 1}
    if replica.family in ("fvbn", "nade"):
        return options | {"width": 64}
    grey = replica.content == "digits"
    # Squares of 2 x 2 pixels halve all distances.
    return options | {
        "grid": replica.size // 2,
        "patch": 2,
        "symbols": 64 if grey else 192,
        "width": 32,
        # Without skip connections it needs larger steps to make progress.
        "learning_rate": 5e-3 if replica.family == "pixelcnn" else 2e-3,
    }


def latent_options(replica: Replica, row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of a VAE that belongs to another kind than VAE."""
    deep = replica.family == "vae_deep"
    return {
        "last_nonlinearity": row["last_nonlinearity"],
        "width": 24 if deep else 192,
        "latent": 16,
        "kl_weight": 0.5 if deep else 1.0,
    }


def flow_options(replica: Replica, row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of a flow."""
    if replica.family in ("vae_flow", "vae_deep"):
        return latent_options(replica, row)
    width = 24 if replica.size <= 32 else 16
    # A thumbnail leaves little to the noise; without one, little noise means little variety.
    temperature, rate = (0.7, 1e-3) if replica.family == "conditional_flow" else (0.9, 2e-3)
    return {**_classes(row), "width": width, "temperature": temperature, "learning_rate": rate}


def attack_options(replica: Replica, row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of an attack."""
    options = {
        **_classes(row),
        "attack": replica.objective,
        "classes": FACE_CLASSES,
        "learning_rate": 1e-3,
    }
    if replica.objective == "attack_gan":
        tells = replica.start == "image_and_class"
        return options | {"tells_class": tells, "reach": 0.15}
    return options | {"width": 16, "folded": 16} | _ATTACKS[replica.objective]


_ATTACKS: Mapping[str, dict[str, Any]] = {
    "fgsm": {"bound": 12},
    "pgd": {"bound": 12, "attack_steps": 10, "step": 0.2},
    "deepfool": {"attack_steps": 20, "overshoot": 0.1},
    "landmark_flow": {"bound": 4.0, "attack_steps": 12, "step": 0.75, "points": 6},
}
"""Options of attacks on a classifier: bounds in levels of 255, or in pixels."""


def diffusion_options(replica: Replica, row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of a diffusion model."""
    return {
        **_classes(row),
        "classes": CLASSES if replica.start == "class" else 0,
        "width": 24,
        "noise_steps": 100,
        "sampling_steps": 25,
        "learning_rate": 3e-3,
    }


OPTIONS: Mapping[str, Callable[[Replica, Mapping[str, Any]], dict[str, Any]]] = {
    "AR": autoregressive_options,
    "NF": flow_options,
    "AA": attack_options,
    "DM": diffusion_options,
}


def _classes(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("normalization", "last_nonlinearity", "block_nonlinearity")
    return {name: row[name] for name in names}
