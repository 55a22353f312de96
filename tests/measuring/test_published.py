"""Networks of published GMs, rebuilt and held against RED116's labels.

Each row of `AGREEMENT` names the parameters in which the measured value differs from the
published one; docs/labels.md says why.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

import torch
from torch import nn

from gmbench.benchmark.catalog import red116
from gmbench.measuring.measure import measure
from gmbench.schema import NAMES
from tests.measuring import adversarial_networks, likelihood_networks

GMS = {gm.name: dict(zip(NAMES, gm.values, strict=True)) for gm in red116()}
DOCS = Path(__file__).parent.parent.parent / "docs" / "labels.md"


class Pair(nn.Module):
    """A generator and the discriminator that it was trained with."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.discriminator = (
            adversarial_networks.dcgan(),
            adversarial_networks.dcgan_discriminator(),
        )

    def forward(self, z: torch.Tensor) -> Any:
        return self.discriminator(self.generator(z))


AGREEMENT: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any], str]] = {
    "CGAN": (
        adversarial_networks.ConditionalMLP,
        lambda: (torch.zeros(1, 100), torch.zeros(1, dtype=torch.int64)),
        "",
    ),
    "WGAN": (adversarial_networks.wgan, lambda: torch.zeros(1, 100, 1, 1), "parameters"),
    "ACGAN": (adversarial_networks.SNGANResNet, lambda: torch.zeros(1, 128), "upsampling"),
    "PIX2PIX": (adversarial_networks.Pix2Pix, lambda: torch.zeros(1, 3, 256, 256), "upsampling"),
    "CYCLEGAN": (
        adversarial_networks.cyclegan,
        lambda: torch.zeros(1, 3, 32, 32),
        "filters upsampling",
    ),
    "PIXELDA": (
        adversarial_networks.PixelDA,
        lambda: (torch.zeros(1, 3, 32, 32), torch.zeros(1, 10)),
        "upsampling skip_connection",
    ),
    "MADE": (
        likelihood_networks.made,
        lambda: torch.zeros(1, 784),
        "block_nonlinearity skip_connection",
    ),
    "DCGAN": (
        adversarial_networks.dcgan,
        lambda: torch.zeros(1, 128),
        "filters parameters skip_connection",
    ),
    "RSGAN_QUAR": (
        adversarial_networks.standard_cnn,
        lambda: torch.zeros(1, 128),
        "layers_per_block blocks skip_connection",
    ),
    "SGAN": (
        adversarial_networks.upsampling_generator,
        lambda: torch.zeros(1, 100),
        "filters upsampling downsampling",
    ),
    "INFOGAN": (
        adversarial_networks.upsampling_generator,
        lambda: torch.zeros(1, 100),
        "filters upsampling downsampling",
    ),
    "EBGAN": (
        lambda: adversarial_networks.upsampling_generator(latent=62, first_norm=False),
        lambda: torch.zeros(1, 62),
        "filters upsampling downsampling",
    ),
    "PIXELCNN": (
        likelihood_networks.pixelcnn,
        lambda: torch.zeros(1, 1, 28, 28),
        "parameters last_nonlinearity block_nonlinearity skip_connection",
    ),
}  # fmt: skip


@pytest.mark.parametrize("gm", AGREEMENT)
def test_agreement(gm: str) -> None:
    make, example, differing = AGREEMENT[gm]
    with torch.device("meta"):  # shapes are enough
        measured = measure(make(), example()).values
    assert [name for name in NAMES[:15] if measured[name] != GMS[gm][name]] == differing.split()


def test_published_filters_count_three_channels_where_the_parameters_count_one() -> None:
    measured = measure(adversarial_networks.upsampling_generator(), torch.zeros(1, 100)).values
    assert measured["parameters"] == GMS["SGAN"]["parameters"]
    assert measured["filters"] + 2 == GMS["SGAN"]["filters"]


def test_published_parameters_of_dcgan_include_the_discriminator() -> None:
    both = measure(Pair(), torch.zeros(1, 128)).values
    assert both["parameters"] == GMS["DCGAN"]["parameters"]


def test_published_parameters_of_the_vaes_include_the_encoder() -> None:
    both = measure(likelihood_networks.BetaVAE(), torch.zeros(1, 1, 32, 32)).values
    assert both["parameters"] == GMS["BETA_B"]["parameters"]


def test_published_filters_of_cyclegan_leave_out_one_convolution_a_block() -> None:
    measured = measure(adversarial_networks.cyclegan(), torch.zeros(1, 3, 32, 32)).values
    assert measured["filters"] - 9 * 256 == GMS["CYCLEGAN"]["filters"]


def test_the_docs_have_this_table() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for gm, (_, _, differing) in AGREEMENT.items():
        names = ", ".join(f"`{name}`" for name in differing.split()) or "none"
        assert f"| {gm} | {15 - len(differing.split())} | {names} |" in text
