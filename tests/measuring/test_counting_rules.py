"""The rules of counting, each on one small network."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from gmbench.measuring.measure import measure
from tests.measuring import adversarial_networks, likelihood_networks
from tests.measuring.parts import NAMES, Call, conv, image, latent, weight


def values(*layers: nn.Module, shape: tuple[int, ...] = (1, 4, 8, 8)) -> dict[str, Any]:
    found: dict[str, Any] = measure(nn.Sequential(*layers), torch.randn(shape)).to_dict()["values"]
    return found


@pytest.mark.parametrize(
    ("norm", "name"),
    [
        (lambda: nn.BatchNorm2d(4), "batch"),
        (lambda: nn.InstanceNorm2d(4), "instance"),
        (lambda: nn.GroupNorm(2, 4), "other"),
        (lambda: nn.GroupNorm(4, 4), "instance"),
        (lambda: nn.LayerNorm([4, 8, 8]), "other"),
        (lambda: nn.LocalResponseNorm(2), "other"),
        (adversarial_networks.PixelNorm, "other"),
        (lambda: Call(lambda x: x / torch.linalg.norm(x, dim=1, keepdim=True)), "other"),
    ],
)
def test_norms(norm: Callable[[], nn.Module], name: str) -> None:
    found = values(conv(), norm(), conv(), norm(), conv())
    assert (found["norm_layers"], found["normalization"]) == (2, name)
    assert (found["layers_per_block"], found["blocks"], found["pool_layers"]) == (2, 2, 0)


@pytest.mark.parametrize(
    "wrap",
    [
        parametrizations.spectral_norm,
        parametrizations.weight_norm,
        nn.utils.spectral_norm,
    ],
)
def test_norms_of_weights_are_not_layers(wrap: Callable[[nn.Module], nn.Module]) -> None:
    network = nn.Sequential(
        wrap(conv()), nn.ReLU(), wrap(conv()), nn.Flatten(), wrap(nn.Linear(256, 3))
    )
    found = measure(network, image(4, 8))
    plain = measure(
        nn.Sequential(conv(), nn.ReLU(), conv(), nn.Flatten(), nn.Linear(256, 3)), image(4, 8)
    )
    different = {n for n in NAMES if found.values[n] != plain.values[n]} - {"parameters"}
    assert not different
    assert found.class_name("normalization") == "none"


@pytest.mark.parametrize(
    ("up", "name"),
    [
        (lambda: nn.Upsample(scale_factor=2), "interpolation"),
        (lambda: nn.ConvTranspose2d(4, 4, 4, 2, 1), "transposed_conv"),
        (lambda: nn.Sequential(nn.Conv2d(4, 16, 1), nn.PixelShuffle(2)), "transposed_conv"),
        (
            lambda: Call(lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3)),
            "interpolation",
        ),
        (nn.Identity, "transposed_conv"),
    ],
)
def test_upsampling(up: Callable[[], nn.Module], name: str) -> None:
    assert values(conv(), up(), conv())["upsampling"] == name


@pytest.mark.parametrize(
    ("down", "name"),
    [
        (lambda: conv(stride=2), "yes"),
        (lambda: nn.MaxPool2d(2), "yes"),
        (lambda: nn.Upsample(scale_factor=0.5), "yes"),
        (lambda: nn.PixelUnshuffle(2), "yes"),
        (lambda: nn.AvgPool2d(3, stride=1, padding=1), "no"),
        (lambda: nn.AdaptiveAvgPool2d(1), "no"),
        (lambda: nn.ConvTranspose2d(4, 4, 4, 2, 1), "no"),
        (lambda: nn.Conv2d(4, 4, 3), "no"),
        (nn.Identity, "no"),
    ],
)
def test_downsampling(down: Callable[[], nn.Module], name: str) -> None:
    assert values(conv(), down())["downsampling"] == name


@pytest.mark.parametrize(
    ("function", "skips"),
    [
        (lambda x, a, b: x + a(x), "yes"),
        (lambda x, a, b: b(a(x)).add_(x), "yes"),
        (lambda x, a, b: x - b(a(x)), "yes"),
        (lambda x, a, b: torch.cat([x, b(a(x))], dim=1), "yes"),
        (lambda x, a, b: torch.cat([x, b(a(x))], axis=1), "yes"),  # type: ignore[call-arg]
        (lambda x, a, b: a(x) + b(a(x) * 0.1), "yes"),
        (lambda x, a, b: a(x) + b(x), "no"),  # parallel branches
        (lambda x, a, b: torch.cat([a(x), b(x)], dim=1), "no"),
        (lambda x, a, b: torch.cat([F.max_pool2d(x, 3, 1, 1), b(a(x))], dim=1), "no"),
        (lambda x, a, b: torch.cat([x, b(a(x))], dim=0), "no"),  # a longer batch
        (lambda x, a, b: b(a(x)) + torch.randn_like(x), "no"),
        (lambda x, a, b: b(a(x)) * torch.sigmoid(x), "no"),
        (lambda x, a, b: b(a(x) + x.mean()), "no"),
        (lambda x, a, b: b(F.relu(x) + x), "no"),  # nothing but a non-linearity on the way
    ],
)  # fmt: skip
def test_skip_connections(function: Callable[..., Any], skips: str) -> None:
    network = Call(function, a=conv(), b=conv())
    assert measure(network, image(4, 8)).class_name("skip_connection") == skips


def test_a_sum_around_the_whole_network_is_a_skip_connection_but_no_block() -> None:
    body = [part for _ in range(3) for part in (conv(), nn.BatchNorm2d(4), nn.ReLU())]
    network = Call(lambda x, body: x - body(x), body=nn.Sequential(*body, conv()))
    found = measure(network, image(4, 8))
    assert found.class_name("skip_connection") == "yes"
    assert (found.values["layers_per_block"], found.values["blocks"]) == (2, 3)


def test_a_time_that_is_added_to_vectors_is_no_skip_connection() -> None:
    def forward(x: Tensor, t: Tensor, **fc: nn.Module) -> Tensor:
        time = F.silu(fc["time"](t))
        x = F.relu(fc["one"](x) + fc["time_one"](time))
        out: Tensor = fc["two"](x) + fc["time_two"](time)
        return out

    names = ("time", "one", "time_one", "two", "time_two")
    network = Call(forward, **{name: nn.Linear(4, 4) for name in names})
    assert measure(network, (latent(4), latent(4))).class_name("skip_connection") == "no"


@pytest.mark.parametrize(
    ("layers", "last", "blocks"),
    [
        ([conv(), nn.ReLU(), conv(), nn.Tanh()], "tanh", "relu"),
        ([conv(), nn.GELU(), conv()], "relu", "elu"),
        ([conv(), nn.ELU(), conv(), nn.ELU(), conv(), nn.Sigmoid()], "sigmoid", "elu"),
        ([conv(), nn.PReLU(), conv(), nn.LeakyReLU(), conv()], "leaky_relu", "leaky_relu"),
        ([conv(), nn.ReLU6(), conv(), nn.Hardtanh()], "tanh", "relu"),
        ([conv(), nn.Tanh(), conv(), nn.Softmax(dim=1)], "sigmoid", "sigmoid"),
        ([conv(), Call(likelihood_networks.swish), conv()], "relu", "elu"),
        ([conv(), Call(lambda x: 0.5 * x * (1 + torch.tanh(0.8 * (x + 0.04 * x**3)))), conv()],
         "relu", "elu"),
        ([conv(), Call(lambda x: x * 0.5 * (1 + torch.erf(x / 2**0.5))), conv()], "relu", "elu"),
        ([conv(), Call(lambda x: x * torch.tanh(F.softplus(x))), conv()], "relu", "elu"),
        ([conv(), Call(lambda x: 2 * torch.tanh(x) + 1), conv()], "tanh", "sigmoid"),
        ([conv(), nn.ReLU(), conv(), nn.SiLU(), conv()], "relu", "elu"),  # a tie
        ([conv(), nn.LogSigmoid(), conv(), nn.Softmin(dim=1)], "sigmoid", "sigmoid"),
        ([conv()], "relu", "elu"),  # none
    ],
)  # fmt: skip
def test_nonlinearities(layers: list[nn.Module], last: str, blocks: str) -> None:
    found = values(*layers)
    assert (found["last_nonlinearity"], found["block_nonlinearity"]) == (last, blocks)


def test_a_layer_with_weights_counts_once_and_pooling_at_every_call() -> None:
    shared, pool = conv(), nn.MaxPool2d(3, 1, 1)
    found = values(shared, pool, shared, pool, shared, nn.MaxPool2d(2))
    assert (found["conv_layers"], found["filters"], found["parameters"]) == (1, 4, 4 * 36 + 4)
    assert found["pool_layers"] == 3


def test_a_module_that_is_given_its_weights_is_a_layer_for_each() -> None:
    class Scaled(nn.Module):
        def forward(self, x: Tensor, kernel: Tensor) -> Tensor:
            return F.conv2d(x, kernel * 0.5, padding=1)

    one, two = weight(4, 4, 3, 3), weight(4, 4, 3, 3)
    network = Call(lambda x, scaled: scaled(scaled(scaled(x, one), two), one), scaled=Scaled())
    found = measure(network, image(4, 8))
    assert (found.values["conv_layers"], found.values["parameters"]) == (2, 2 * 144)


def test_what_a_product_adds_is_no_factor() -> None:
    shift, one, two = weight(4), weight(4, 4), weight(4, 4)
    network = Call(lambda z: torch.addmm(shift, torch.addmm(shift, z, one), two))
    assert measure(network, latent(4)).values["fc_layers"] == 2
    network = Call(lambda x: torch.baddbmm(shift, x, x.mT))
    assert measure(network, torch.randn(1, 4, 4)).values["fc_layers"] == 0


def test_what_does_not_run_is_not_counted() -> None:
    network = Call(
        lambda x, used, idle: used(x), used=conv(), idle=nn.Sequential(conv(), nn.Tanh())
    )
    found = measure(network, image(4, 8))
    assert found.values == measure(conv(), image(4, 8)).values


def test_modules_in_a_plain_list_count() -> None:
    network = Call(lambda x: hidden[1](F.relu(hidden[0](x))))
    hidden = [conv(), conv()]
    found = measure(network, image(4, 8))
    assert (found.values["conv_layers"], found.values["parameters"]) == (2, 2 * 148)
    assert "(not registered) (Conv2d)" in found.evidence["conv_layers"][0]


def test_attention_and_transformers() -> None:
    # A layer: in-projection, out-projection, norm; fc, fc, norm. Two of them.
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=False
    )
    found = measure(encoder, torch.randn(1, 5, 8))
    assert (found.values["fc_layers"], found.values["norm_layers"]) == (8, 4)
    assert found.class_name("skip_connection") == "yes"
    assert found.values["parameters"] == sum(p.numel() for p in encoder.parameters())
    # Sums come before the norms here, so that a block is what stands between two norms.
    assert (found.values["blocks"], found.values["layers_per_block"]) == (4, 2)


def test_recurrent_networks() -> None:
    # Two layers in both directions.
    found = measure(nn.LSTM(4, 5, num_layers=2, bidirectional=True), torch.randn(3, 1, 4))
    assert found.values["fc_layers"] == 4
    normed = nn.LSTM(4, 5, num_layers=2)
    for name in ("weight_ih_l0", "weight_ih_l1"):
        parametrizations.weight_norm(normed, name)
    assert measure(normed, torch.randn(3, 1, 4)).values["fc_layers"] == 2
    cell = Call(lambda x, cell: cell(x[:, 1], cell(x[:, 0])), cell=nn.GRUCell(4, 5))
    assert measure(cell, torch.randn(1, 2, 4)).values["fc_layers"] == 1
    start = weight(1, 5), weight(1, 5)
    cell = Call(lambda x, cell: cell(x[:, 1], cell(x[:, 0], start)), cell=nn.LSTMCell(4, 5))
    assert measure(cell, torch.randn(1, 2, 4)).values["fc_layers"] == 1


def test_global_pooling_by_a_mean_over_space() -> None:
    network = Call(lambda x, a, b: b(a(x).mean((2, 3))), a=conv(), b=nn.Linear(4, 2))
    found = measure(network, image(4, 8))
    assert found.values["pool_layers"] == 1
    assert found.class_name("downsampling") == "no"


def test_squeeze_and_excitation_stays_a_pooling() -> None:
    network = Call(
        lambda x, a, b: a(x) * torch.sigmoid(b(a(x).mean((2, 3), keepdim=True))),
        a=conv(), b=nn.Conv2d(4, 4, 1),
    )  # fmt: skip
    found = measure(network, image(4, 8))
    assert (found.values["pool_layers"], found.values["norm_layers"]) == (1, 0)


def test_fixed_filters_are_no_layers() -> None:
    blur = torch.full((4, 1, 3, 3), 1 / 9)
    network = Call(lambda x, a: F.conv2d(a(x), blur, stride=2, padding=1, groups=4), a=conv())
    found = measure(network, image(4, 8))
    assert found.values["conv_layers"] == 1
    assert found.class_name("downsampling") == "yes"


def test_a_network_that_draws_its_own_noise() -> None:
    fc = nn.Linear(4, 4)
    network = Call(lambda fc: torch.tanh(fc(torch.randn(1, 4))), fc=fc)
    assert measure(network, ()).values["fc_layers"] == 1


def test_named_inputs() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, *, z: Tensor, scale: float = 1.0) -> Tensor:
            out: Tensor = self.fc(z) * scale
            return out

    assert measure(Named(), {"z": latent(3), "scale": 2.0}).values["fc_layers"] == 1


# Nesting.

LAYERS: dict[str, Callable[[], nn.Module]] = {
    "conv": conv,
    "deconv": lambda: nn.ConvTranspose2d(4, 4, 3, padding=1),
    "batch": lambda: nn.BatchNorm2d(4),
    "instance": lambda: nn.InstanceNorm2d(4),
    "relu": nn.ReLU,
    "pool": lambda: nn.MaxPool2d(3, 1, 1),
    "residual": lambda: adversarial_networks.ResidualBlock(4),
}


@settings(max_examples=40)
@given(st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=8), st.randoms())
def test_nesting_does_not_matter(names: list[str], chance: random.Random) -> None:
    layers = [LAYERS[name]() for name in names]
    flat = measure(nn.Sequential(*layers), image(4, 8)).values
    while len(layers) > 1:
        start = chance.randrange(len(layers))
        end = chance.randrange(start, len(layers)) + 1
        layers[start:end] = [nn.Sequential(*layers[start:end])]
        if chance.random() < 0.3:
            break
    assert measure(nn.Sequential(*layers), image(4, 8)).values == flat
