"""Networks counted by hand, and what must not change a count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

from torch import nn

from gmbench.measuring.measure import Measurement, measure
from tests.measuring import adversarial_networks, likelihood_networks
from tests.measuring.parts import NAMES, Functional, Wrapped, image, index, latent


@dataclass(frozen=True)
class Case:
    """A network, what it takes, and its values counted by hand.

    `counts` are layers, conv, fc, pool, norm, filters, layers per block, blocks; `classes` are
    normalization, last and block non-linearity, up-sampling, skip connection, down-sampling.
    """

    make: Callable[[], nn.Module]
    example: Callable[[int], Any]
    counts: tuple[int, ...]
    classes: str


CASES = {
    # fc 110-128-256-512-1024-1024, norms after the three inner ones: (fc, norm) x 3.
    "mlp": Case(
        adversarial_networks.ConditionalMLP,
        lambda n: (latent(100, n), index(n)),
        (8, 0, 5, 0, 3, 0, 2, 3),
        "batch tanh leaky_relu transposed_conv no no",
    ),
    # fc + norm, (deconv + norm) x 3, deconv; filters 256 + 128 + 64 + 3.
    "dcgan": Case(
        adversarial_networks.dcgan,
        lambda n: latent(128, n),
        (9, 4, 1, 0, 4, 451, 2, 3),
        "batch tanh relu transposed_conv no no",
    ),
    # fc, three blocks of (norm conv norm conv + shortcut conv), norm, conv;
    # filters 3 x 3 x 32 + 3.
    "residual": Case(
        lambda: adversarial_networks.SNGANResNet(width=32),
        lambda n: latent(128, n),
        (18, 10, 1, 0, 7, 291, 5, 3),
        "batch tanh relu interpolation yes no",
    ),
    # Five double convolutions with norms, two deconvolutions, a 1x1; one pooling module, called
    # twice; filters 2 x (8 + 16 + 32 + 16 + 8) + 16 + 8 + 3.
    "unet": Case(
        likelihood_networks.UNet,
        lambda n: image(3, 16, n),
        (25, 13, 0, 2, 10, 187, 2, 10),
        "batch sigmoid relu transposed_conv yes yes",
    ),
    # Encoder 3 conv + 3 fc, decoder 3 fc + 3 deconv; filters 5 x 32 + 1.
    # conv and fc cover six layers each: the convolutions run first.
    "vae": Case(
        likelihood_networks.BetaVAE,
        lambda n: image(1, 32, n),
        (12, 6, 6, 0, 0, 161, 1, 6),
        "none sigmoid relu transposed_conv no yes",
    ),
    # fc 10-256-256-512, three deconvolutions; filters 32 + 32 + 1.
    "vae decoder": Case(
        lambda: likelihood_networks.BetaVAE().decoder,
        lambda n: latent(10, n),
        (6, 3, 3, 0, 0, 65, 1, 3),
        "none sigmoid relu transposed_conv no no",
    ),
    "made": Case(
        lambda: likelihood_networks.made(16, 32),
        lambda n: latent(16, n),
        (2, 0, 2, 0, 0, 0, 1, 2),
        "none sigmoid relu transposed_conv no no",
    ),
    # (conv, norm) x 8, conv; filters 8 x 8 + 256. The last non-linearity that runs is a ReLU.
    "pixelcnn": Case(
        lambda: likelihood_networks.pixelcnn(8),
        lambda n: image(1, 12, n),
        (17, 9, 0, 0, 8, 320, 2, 8),
        "batch relu relu transposed_conv no no",
    ),
    # A step: an invertible 1x1 convolution of 12 filters, then a coupling of 16 + 16 + 12.
    # What goes around a coupling is half of the image, so it is no skip connection.
    "glow": Case(
        likelihood_networks.Glow,
        lambda n: image(3, 8, n),
        (16, 16, 0, 0, 0, 4 * 56, 3, 4),
        "none sigmoid relu transposed_conv no yes",
    ),
    # A coupling has two networks of two convolutions; filters 3 x 2 x (8 + 1).
    "realnvp": Case(
        likelihood_networks.RealNVP,
        lambda n: image(1, 8, n),
        (12, 12, 0, 0, 0, 54, 4, 3),
        "none tanh relu transposed_conv no no",
    ),
    # x @ weight, deconv, norm, pooling, conv. ReLU three times would be wrong: it runs twice.
    "functional": Case(
        Functional,
        lambda n: latent(16, n),
        (5, 2, 1, 1, 1, 7, 2, 1),
        "instance tanh relu transposed_conv no no",
    ),
    # conv: first, 2 + 3 + 2 + 2 + 3 in five blocks with time, 2 in the attention, shrink, grow,
    # last. fc: 2 of the time, 1 in each block. norm: 2 in each block, 1 attention, 1 last.
    # filters: 8 + 16 + 48 + 8 + 32 + 64 + 32 + 16 + 24 + 3.
    # Blocks: five with time (norm conv norm conv, two of them with a shortcut), one attention.
    "ddpm": Case(
        likelihood_networks.DDPM,
        lambda n: (image(3, 16, n), index(n)),
        (37, 18, 7, 0, 12, 251, 4, 6),
        "other relu elu interpolation yes yes",
    ),
    # conv: 2 + 2 around, 2 in each of three blocks; norms likewise, none at the end.
    "image to image": Case(
        lambda: adversarial_networks.cyclegan(blocks=3),
        lambda n: image(3, 16, n),
        (23, 12, 0, 0, 11, 64 + 128 + 256 + 6 * 256 + 128 + 64 + 3, 4, 3),
        "instance tanh relu transposed_conv yes yes",
    ),
    # Six dense blocks of five, four in each with 4 filters; first, trunk, two up, high, last.
    "dense residual": Case(
        adversarial_networks.ESRGAN,
        lambda n: image(3, 8, n),
        (36, 36, 0, 0, 0, 6 * 24 + 5 * 8 + 3, 5, 6),
        "none leaky_relu leaky_relu interpolation yes no",
    ),
    # fc: 8 of the mapping, 1 of each AdaIN; norms: 5 AdaIN by hand, the pixel norm of the latent.
    # The blur is a fixed filter. Thirteen fc cover more than five (conv, norm).
    "stylegan": Case(
        adversarial_networks.StyleGAN,
        lambda n: latent(64, n),
        (25, 6, 13, 0, 6, 5 * 32 + 3, 1, 13),
        "instance leaky_relu leaky_relu interpolation no no",
    ),
    # conv, then three residual layers of two; half of each output gates the other half.
    "gated": Case(
        lambda: nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), *[likelihood_networks.GatedResidual(8) for _ in range(3)]
        ),
        lambda n: image(1, 8, n),
        (7, 7, 0, 0, 0, 8 + 3 * 24, 2, 3),
        "none sigmoid sigmoid transposed_conv yes no",
    ),
}  # fmt: skip


def measured(case: Case, batch: int = 1) -> Measurement:
    return measure(case.make(), case.example(batch))


@pytest.mark.parametrize("name", CASES)
def test_counted_by_hand(name: str) -> None:
    case = CASES[name]
    found = measured(case).to_dict()["values"]
    expected = dict(
        zip(NAMES, [*case.counts, found["parameters"], *case.classes.split()], strict=True)
    )
    assert found == expected


@pytest.mark.parametrize("name", CASES)
def test_parameters_are_those_that_take_part(name: str) -> None:
    network = CASES[name].make()
    found = measure(network, CASES[name].example(1)).values["parameters"]
    assert found == sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("change", ["batch", "training", "wrapped", "again", "frozen"])
def test_what_does_not_matter(name: str, change: str) -> None:
    case = CASES[name]
    network = case.make()
    expected = measure(network, case.example(1)).values
    batch = 3 if change == "batch" else 1
    if change == "training":
        network.train()
    if change == "wrapped":
        network = Wrapped(Wrapped(network))
    if change == "frozen":
        network.requires_grad_(False)
    assert measure(network, case.example(batch)).values == expected
