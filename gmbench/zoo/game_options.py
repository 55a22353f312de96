"""Options of GAN and VAE replicas beyond their rows: start, objective and further terms.

What is minimised is the objective as published, with the row's further losses as terms of it.
`OPTIONS` has one function per kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gmbench.zoo.replica_table import OBJECTIVES, Replica

CLASSES, FACE_CLASSES = 10, 4
"""Classes that a generator is given or a critic predicts, and kinds of faces to change to."""

#: The game of an objective, where their names differ.
_GAMES: Mapping[str, str] = {
    "auxiliary_classifier": "standard",
    "infogan": "standard",
    "mode_regularized": "standard",
    "adversarial_autoencoder": "standard",
    "adversarial_latent": "standard",
    "vae_gan": "standard",
    "elbo": "",
}
#: The game of a further loss, and its weight beside the first game. The Wasserstein game is the one
#: with a penalty, since clipped weights would constrain the first game too.
_FURTHER: Mapping[str, str] = {
    "loss_adversarial": "standard",
    "loss_hinge": "hinge",
    "loss_ls": "ls",
    "loss_wgan": "wgan_gp",
}
_FURTHER_WEIGHT = 0.5
#: Weights of distances, by what they compare.
_WEIGHTS: Mapping[str, float] = {
    "pixels": 10.0,
    "cycle": 10.0,
    "rebuilt": 10.0,
    "features": 1.0,
    "code": 1.0,
    "consistency": 1.0,
}
_COMPARES: Mapping[str, str] = {
    "infogan": "code",
    "adversarial_latent": "code",
    "mode_regularized": "rebuilt",
    "elbo": "pixels",
    "CRGAN_C": "consistency",
    "CRGAN_P": "consistency",
    "ICRGAN_C": "consistency",
    "ICRGAN_P": "consistency",
    "DISCOGAN": "cycle",
    "DUALGAN": "cycle",
    "MUNIT": "cycle",
}
"""What the distances of an objective or of a GM compare, where the start does not decide it."""

_OF_NOISE: tuple[str, ...] = ("code", "rebuilt")
"""What can be compared only where images are made from noise."""

_OF_IMAGES: tuple[str, ...] = ("cycle",)
"""What can be compared only where images are made from images."""


def gan_options(replica: Replica, row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of a GAN, or of a VAE that is trained as one."""
    game = _GAMES.get(replica.objective, replica.objective)
    losses = set(replica.losses) - {*OBJECTIVES.get(game, ()), "loss_kl"}
    compares = _compared(replica)
    weight = _WEIGHTS[compares]
    distances = {"loss_l1": weight, "loss_l2": weight, "loss_mse": 2.0 * weight, "loss_mmd": 1.0}
    options: dict[str, Any] = {
        "latent": 64,
        "last_nonlinearity": row["last_nonlinearity"],
        "game": game,
        "further_games": {
            name: _FURTHER_WEIGHT for loss, name in _FURTHER.items() if loss in losses
        },
        "terms": {loss: weight for loss, weight in distances.items() if loss in losses},
        "compares": compares,
        "classes": 0,
        "critic_width": 16 if replica.size <= 32 else 12,
        "batch": _batch(replica, game),
        **_start(replica),
        **_classes(replica),
    }
    if replica.objective == "mode_regularized" and _from_noise(replica):
        options["encoder"] = "mode"
    elif replica.objective == "elbo":
        options |= {"encoder": "kl", "noise_maps": True, "latent": 8}
    elif replica.objective == "vae_gan":
        options["encoder"] = "code"
    return options


def vae_options(replica: Replica, row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of a VAE."""
    if replica.objective not in _VAE_OBJECTIVES or replica.start != "noise":
        return gan_options(replica, row)
    weights = {"loss_l1": 10.0, "loss_ce": 4.0, "loss_l2": 10.0, "loss_mse": 50.0}
    pixels = set(replica.losses) - set(OBJECTIVES[replica.objective])
    return {
        "decoder": replica.family,
        "latent": 32,
        "last_nonlinearity": row["last_nonlinearity"],
        "encoder_width": 16,
        "objective": _VAE_OBJECTIVES[replica.objective],
        "kl_weight": 4.0 if replica.objective == "beta_elbo" else 1.0,
        "mmd_weight": 0.0,
        "reconstruction": {loss: w for loss, w in weights.items() if loss in pixels},
    }


_VAE_OBJECTIVES: Mapping[str, str] = {
    "elbo": "elbo",
    "beta_elbo": "elbo",
    "capacity_elbo": "capacity",
    "tc_elbo": "tc",
    "factor_elbo": "factor",
    "feature_elbo": "feature",
    "vae_gan": "vae_gan",
    "adversarial_autoencoder": "adversarial",
}

STEPS: Mapping[str, int] = {"mlp": 1000, "vae_mlp": 1000, "vae_conv": 500, "dcgan": 500}
"""Training steps of families that are cheap to train; those of the others depend on the size."""

OPTIONS: Mapping[str, Callable[[Replica, Mapping[str, Any]], dict[str, Any]]] = {
    "GAN": gan_options,
    "VAE": vae_options,
}
"""The function of each kind that returns the options of a replica, except its `row`."""


def _from_noise(replica: Replica) -> bool:
    return replica.start in ("noise", "class")


def _compared(replica: Replica) -> str:
    # A GM may have the objective of one with another start, or the name: without noise, there is
    # none to recover and none to rebuild images from, and without an image, none to lead back to.
    impossible = _OF_IMAGES if _from_noise(replica) else _OF_NOISE
    for name in (replica.objective, replica.objective_of or replica.gm):
        if name in _COMPARES and _COMPARES[name] not in impossible:
            return _COMPARES[name]
    if _from_noise(replica):
        return "features"
    return "cycle" if replica.start in ("unpaired", "image_and_class") else "pixels"


def _batch(replica: Replica, game: str) -> int:
    """Returns the batch size: large where samples are compared, small where they are expensive."""
    if replica.size <= 32:
        return 64 if game in ("mmd", "characteristic") else 32
    return 32 if _from_noise(replica) and game not in ("began", "magan") else 16


def _start(replica: Replica) -> dict[str, Any]:
    """Returns the options that say what the generator starts from."""
    if _from_noise(replica):
        return {}
    whole = replica.start in ("unpaired", "image_and_class")
    return {
        "degradation": "nothing" if whole else replica.start,
        "input_size": replica.size // 4 if replica.start == "thumbnail" else replica.size,
    }


def _classes(replica: Replica) -> dict[str, Any]:
    """Returns the options that say which network is given a class and which predicts it."""
    tells = replica.start in ("class", "image_and_class")
    if not tells and "loss_ce" not in replica.losses:
        return {}
    options: dict[str, Any] = {
        "classes": FACE_CLASSES if replica.start == "image_and_class" else CLASSES,
        "tells_class": tells,
        "projects": "loss_ce" not in replica.losses,
    }
    # Codes take a class's place: without one, the critic would predict what no image shows.
    if replica.objective == "infogan" and replica.start == "class":
        options |= {"codes": True, "classified": "made"}
    elif replica.start == "unpaired":
        options["classified"] = "made"
    elif replica.start == "noise":
        options["classified"] = "real"
    return options
