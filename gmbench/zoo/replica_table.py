"""The table of replicas: its columns, their vocabulary, and how it is read.

`tables/replicas.csv` states for each published GM who published it, which network and objective it
has, what it starts from, and what is smaller here (docs/replicas.md).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gmbench.benchmark import catalog
from gmbench.benchmark.catalog import GM
from gmbench.benchmark.splits import PREFIX
from gmbench.errors import BenchmarkError
from gmbench.schema import LOSSES, get_parameter

DOUBTFUL: tuple[str, ...] = ("upsampling", "skip_connection")
"""Columns that may be swapped in the published arrays (docs/labels.md)."""

FAMILIES: Mapping[str, str] = {
    "mlp": "fully connected layers",
    "dcgan": "a fully connected layer or none, then convolutions that enlarge",
    "resnet_gan": "residual blocks that enlarge",
    "biggan": "residual blocks whose norms are set by class and noise, and attention",
    "progressive": "two convolutions a resolution, each with an output of its own",
    "style": "a mapping network sets the style of each convolution",
    "laplacian": "a small image, then what each larger one adds to it",
    "unet_translator": "image to image, with connections past the middle",
    "resnet_translator": "image to image, residual blocks in the middle",
    "style_translator": "image to image, content and style apart",
    "encoder_decoder": "image to image through a code, without connections past it",
    "super_resolution": "residual or dense blocks of convolutions, then enlarged",
    "vae_mlp": "encoder and decoder of fully connected layers",
    "vae_conv": "encoder and decoder of convolutions",
    "vae_deep": "latents at every resolution",
    "vae_flow": "a VAE whose latents pass through an autoregressive flow",
    "fvbn": "logistic regressions of each pixel on those before it",
    "nade": "one hidden layer, shared by all pixels",
    "made": "masked fully connected layers",
    "pixelcnn": "masked convolutions",
    "gated_pixelcnn": "masked convolutions in two stacks, with gates",
    "pixelcnn_pp": "gated convolutions, down and up again, mixtures of logistics",
    "snail": "gated convolutions and attention",
    "image_transformer": "masked attention",
    "surjective_flow": "couplings, and surjections where it pools",
    "conditional_flow": "couplings that are set by a small image",
    "residual_classifier": "what an attack is on: residual blocks down to classes",
    "diffusion_unet": "a U-Net that is told the time",
}
"""The networks that make the images; critics and encoders follow from the objective."""

_NO_OTHER_SIZE = ("upsampling", "downsampling")

FIXED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("mlp", "vae_mlp", "vae_flow", "nade", "made"), _NO_OTHER_SIZE),
    "fvbn": ("block_nonlinearity", *_NO_OTHER_SIZE),
    **dict.fromkeys(("vae_deep", "surjective_flow"), _NO_OTHER_SIZE),
    "conditional_flow": ("downsampling",),
    **dict.fromkeys(("pixelcnn", "gated_pixelcnn", "pixelcnn_pp", "snail"), ("upsampling",)),
    **dict.fromkeys(("image_transformer", "residual_classifier"), ("upsampling",)),
}
"""Parameters that the networks of a family have no choice of, whatever the row says."""

OBJECTIVES: Mapping[str, tuple[str, ...]] = {
    "standard": ("loss_adversarial",),
    "non_saturating": ("loss_adversarial",),
    "relativistic": ("loss_adversarial",),
    "boundary_seeking": ("loss_adversarial",),
    "softmax": ("loss_adversarial",),
    "unrolled": ("loss_adversarial",),
    "infogan": ("loss_adversarial",),
    "auxiliary_classifier": ("loss_adversarial", "loss_ce"),
    "mode_regularized": ("loss_mse", "loss_adversarial"),
    "ls": ("loss_ls",),
    "hinge": ("loss_hinge",),
    "wgan": ("loss_wgan",),
    "wgan_gp": ("loss_wgan",),
    "wgan_dragan": ("loss_wgan",),
    "cramer": ("loss_wgan",),
    "mmd": ("loss_mmd",),
    "characteristic": ("loss_mmd",),
    "f_gan": ("loss_adversarial",),
    "f_kl": ("loss_kl",),
    "f_neyman": ("loss_adversarial",),
    "f_pearson": ("loss_ls",),
    "energy": ("loss_hinge",),
    "began": ("loss_l1",),
    "magan": ("loss_mse",),
    "elbo": ("loss_kl",),
    "beta_elbo": ("loss_kl",),
    "capacity_elbo": ("loss_kl",),
    "tc_elbo": ("loss_kl",),
    "factor_elbo": ("loss_kl",),
    "feature_elbo": ("loss_l2", "loss_kl"),
    "vae_gan": ("loss_adversarial", "loss_kl"),
    "adversarial_autoencoder": ("loss_adversarial",),
    "adversarial_latent": ("loss_mse", "loss_adversarial"),
    "nll": ("loss_ce",),
    "dequantized_nll": ("loss_kl", "loss_ce"),
    "fgsm": ("loss_ce",),
    "pgd": ("loss_ce",),
    "deepfool": ("loss_l2", "loss_ce"),
    "landmark_flow": ("loss_ce",),
    "attack_gan": ("loss_adversarial",),
    "denoising": ("loss_mse",),
}
"""The objectives, each with the schema's losses that it always has; a GM's row may add others."""

STARTS: Mapping[str, str] = {
    "noise": "noise alone",
    "class": "noise and a class",
    "edges": "the edges of a real image",
    "grey": "a real image without its colours",
    "mask": "a real image with a square cut out",
    "mirror": "a real image, seen in a mirror",
    "thumbnail": "a real image, scaled down",
    "unpaired": "a real image of another content (`source`)",
    "image_and_class": "a real image, and the class to change it to",
    "image": "a real image, to be perturbed",
}
"""What a GM makes its images from."""

IDENTIFIED: tuple[str, ...] = ("certain", "likely")
"""How certain it is that a published name belongs to the paper listed with it."""

CONTENTS: Mapping[str, tuple[str, ...]] = {
    "mnist": ("digits",),
    "cifar10": ("photos", "textures"),
    "faces": ("faces",),
    "other": ("photos", "textures", "letters", "icons"),
}
"""What a replica is trained on, by the published content."""

SIZES: Mapping[str, int] = {"mnist": 32, "cifar10": 32, "faces": 64, "other": 64}
"""Height and width of a replica's images in pixels, by the published content."""


@dataclass(frozen=True, slots=True)
class Replica:
    """How a published GM is reproduced on a small scale.

    Attributes:
        gm: Name of the published GM, such as `DCGAN`.
        kind: Its kind.
        authors: Who published it.
        year: Year of publication.
        title: Title of the paper.
        identified: How certain it is that the name belongs to that paper, one of `IDENTIFIED`.
        family: The network, one of `FAMILIES`.
        objective: The objective that is trained, one of `OBJECTIVES`.
        published_objective: The method's own objective; differs where the row's losses are
            another's.
        start: What its images are made from, one of `STARTS`.
        source: Content of the images that it starts from if they are unpaired; empty otherwise.
        content: What it is trained on and makes.
        size: Height and width of its images in pixels.
        upsampling: The method's class of `upsampling`.
        skip_connection: The method's class of `skip_connection`.
        losses: Names of the schema's losses that it is trained with, in the schema's order.
        smaller: What is smaller than in the original, in words.
        objective_of: Name of the published GM whose objective it has in all details; empty for that
            of its own name.
    """

    gm: str
    kind: str
    authors: str
    year: int
    title: str
    identified: str
    family: str
    objective: str
    published_objective: str
    start: str
    source: str
    content: str
    size: int
    upsampling: str
    skip_connection: str
    losses: tuple[str, ...]
    smaller: str
    objective_of: str = ""

    @property
    def name(self) -> str:
        """Name of the replica, such as `MINI_DCGAN`."""
        return PREFIX + self.gm


@cache
def published_gms() -> Mapping[str, GM]:
    """Returns the 116 GMs of red116 and the seven diffusion models, by name."""
    return {gm.name: gm for gm in (*catalog.red116(), *catalog.diffusion7())}


def read_replicas(path: Path) -> tuple[Replica, ...]:
    """Reads a table of replicas and checks it: vocabulary, names, and one row for every GM.

    Args:
        path: A CSV file with the columns of `Replica`.

    Raises:
        BenchmarkError: A row is missing, duplicated or invalid; for an invalid row, the message
            names the line.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [_from_row(row, f"{path}, line {n}") for n, row in enumerate(rows, start=2)]
    names = [one.gm for one in found]
    missing = [name for name in published_gms() if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if missing or twice:
        raise BenchmarkError(
            f"{path}: every published GM has one row. Missing: {', '.join(missing) or 'none'}; "
            f"more than once: {', '.join(twice) or 'none'}."
        )
    return tuple(sorted(found, key=lambda one: list(published_gms()).index(one.gm)))


def _from_row(row: Mapping[str, str], place: str) -> Replica:
    try:
        published = published_gms()[row["gm"]]
        losses = tuple(row["losses"].split())
        allowed: dict[str, Iterable[str]] = {
            "kind": (published.kind,),
            "identified": IDENTIFIED,
            "family": FAMILIES,
            "objective": OBJECTIVES,
            "published_objective": (*OBJECTIVES, ""),
            "start": STARTS,
            "source": CONTENTS["other"] if row["start"] == "unpaired" else ("",),
            "content": CONTENTS[published.content],
            "size": (str(SIZES[published.content]),),
            **{name: get_parameter(name).classes for name in DOUBTFUL},
        }
        wrong = [name for name, words in allowed.items() if row[name] not in words]
        if wrong:
            raise BenchmarkError(
                f"{place}: {row['gm']} has {row[wrong[0]]!r} in {wrong[0]}, which takes "
                f"{', '.join(word or 'nothing' for word in allowed[wrong[0]])}."
            )
        if list(losses) != [loss.name for loss in LOSSES if loss.name in losses]:
            raise BenchmarkError(f"{place}: losses are names of the schema's, in its order.")
        if not set(OBJECTIVES[row["objective"]]) <= set(losses):
            raise BenchmarkError(
                f"{place}: the objective {row['objective']} of {row['gm']} has the losses "
                f"{', '.join(OBJECTIVES[row['objective']])}. Add them."
            )
        return Replica(
            gm=row["gm"],
            kind=row["kind"],
            authors=row["authors"],
            year=int(row["year"]),
            title=row["title"],
            identified=row["identified"],
            family=row["family"],
            objective=row["objective"],
            published_objective=row["published_objective"] or row["objective"],
            start=row["start"],
            source=row["source"],
            content=row["content"],
            size=int(row["size"]),
            upsampling=row["upsampling"],
            skip_connection=row["skip_connection"],
            losses=losses,
            smaller=row["smaller"],
        )
    except (KeyError, ValueError) as error:
        raise BenchmarkError(f"{place}: {type(error).__name__}: {error}.") from error
