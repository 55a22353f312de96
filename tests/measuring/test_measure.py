"""Networks counted by hand, and what must not change a count."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from gmbench.errors import NetworkError
from gmbench.measuring.measure import Measurement, measure
from gmbench.schema import CONTINUOUS, DISCRETE
from tests.measuring import networks

NAMES = [parameter.name for parameter in (*CONTINUOUS, *DISCRETE)]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def image(channels: int, size: int, batch: int = 1) -> Tensor:
    return torch.randn(batch, channels, size, size)


def latent(size: int, batch: int = 1) -> Tensor:
    return torch.randn(batch, size)


def index(batch: int = 1) -> Tensor:
    return torch.zeros(batch, dtype=torch.int64)


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
        networks.ConditionalMLP,
        lambda n: (latent(100, n), index(n)),
        (8, 0, 5, 0, 3, 0, 2, 3),
        "batch tanh leaky_relu transposed_conv no no",
    ),
    # fc + norm, (deconv + norm) x 3, deconv; filters 256 + 128 + 64 + 3.
    "dcgan": Case(
        networks.dcgan,
        lambda n: latent(128, n),
        (9, 4, 1, 0, 4, 451, 2, 3),
        "batch tanh relu transposed_conv no no",
    ),
    # fc, three blocks of (norm conv norm conv + shortcut conv), norm, conv;
    # filters 3 x 3 x 32 + 3.
    "residual": Case(
        lambda: networks.SNGANResNet(width=32),
        lambda n: latent(128, n),
        (18, 10, 1, 0, 7, 291, 5, 3),
        "batch tanh relu interpolation yes no",
    ),
    # Five double convolutions with norms, two deconvolutions, a 1x1; one pooling module, called
    # twice; filters 2 x (8 + 16 + 32 + 16 + 8) + 16 + 8 + 3.
    "unet": Case(
        networks.UNet,
        lambda n: image(3, 16, n),
        (25, 13, 0, 2, 10, 187, 2, 10),
        "batch sigmoid relu transposed_conv yes yes",
    ),
    # Encoder 3 conv + 3 fc, decoder 3 fc + 3 deconv; filters 5 x 32 + 1.
    # conv and fc cover six layers each: the convolutions run first.
    "vae": Case(
        networks.BetaVAE,
        lambda n: image(1, 32, n),
        (12, 6, 6, 0, 0, 161, 1, 6),
        "none sigmoid relu transposed_conv no yes",
    ),
    # fc 10-256-256-512, three deconvolutions; filters 32 + 32 + 1.
    "vae decoder": Case(
        lambda: networks.BetaVAE().decoder,
        lambda n: latent(10, n),
        (6, 3, 3, 0, 0, 65, 1, 3),
        "none sigmoid relu transposed_conv no no",
    ),
    "made": Case(
        lambda: networks.made(16, 32),
        lambda n: latent(16, n),
        (2, 0, 2, 0, 0, 0, 1, 2),
        "none sigmoid relu transposed_conv no no",
    ),
    # (conv, norm) x 8, conv; filters 8 x 8 + 256. The last non-linearity that runs is a ReLU.
    "pixelcnn": Case(
        lambda: networks.pixelcnn(8),
        lambda n: image(1, 12, n),
        (17, 9, 0, 0, 8, 320, 2, 8),
        "batch relu relu transposed_conv no no",
    ),
    # A step: an invertible 1x1 convolution of 12 filters, then a coupling of 16 + 16 + 12.
    # What goes around a coupling is half of the image, so it is no skip connection.
    "glow": Case(
        networks.Glow,
        lambda n: image(3, 8, n),
        (16, 16, 0, 0, 0, 4 * 56, 3, 4),
        "none sigmoid relu transposed_conv no yes",
    ),
    # A coupling has two networks of two convolutions; filters 3 x 2 x (8 + 1).
    "realnvp": Case(
        networks.RealNVP,
        lambda n: image(1, 8, n),
        (12, 12, 0, 0, 0, 54, 4, 3),
        "none tanh relu transposed_conv no no",
    ),
    # x @ weight, deconv, norm, pooling, conv. ReLU three times would be wrong: it runs twice.
    "functional": Case(
        networks.Functional,
        lambda n: latent(16, n),
        (5, 2, 1, 1, 1, 7, 2, 1),
        "instance tanh relu transposed_conv no no",
    ),
    # conv: first, 2 + 3 + 2 + 2 + 3 in five blocks with time, 2 in the attention, shrink, grow,
    # last. fc: 2 of the time, 1 in each block. norm: 2 in each block, 1 attention, 1 last.
    # filters: 8 + 16 + 48 + 8 + 32 + 64 + 32 + 16 + 24 + 3.
    # Blocks: five with time (norm conv norm conv, two of them with a shortcut), one attention.
    "ddpm": Case(
        networks.DDPM,
        lambda n: (image(3, 16, n), index(n)),
        (37, 18, 7, 0, 12, 251, 4, 6),
        "other relu elu interpolation yes yes",
    ),
    # conv: 2 + 2 around, 2 in each of three blocks; norms likewise, none at the end.
    "image to image": Case(
        lambda: networks.cyclegan(blocks=3),
        lambda n: image(3, 16, n),
        (23, 12, 0, 0, 11, 64 + 128 + 256 + 6 * 256 + 128 + 64 + 3, 4, 3),
        "instance tanh relu transposed_conv yes yes",
    ),
    # Six dense blocks of five, four in each with 4 filters; first, trunk, two up, high, last.
    "dense residual": Case(
        networks.ESRGAN,
        lambda n: image(3, 8, n),
        (36, 36, 0, 0, 0, 6 * 24 + 5 * 8 + 3, 5, 6),
        "none leaky_relu leaky_relu interpolation yes no",
    ),
    # fc: 8 of the mapping, 1 of each AdaIN; norms: 5 AdaIN by hand, the pixel norm of the latent.
    # The blur is a fixed filter. Thirteen fc cover more than five (conv, norm).
    "stylegan": Case(
        networks.StyleGAN,
        lambda n: latent(64, n),
        (25, 6, 13, 0, 6, 5 * 32 + 3, 1, 13),
        "instance leaky_relu leaky_relu interpolation no no",
    ),
    # conv, then three residual layers of two; half of each output gates the other half.
    "gated": Case(
        lambda: nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), *[networks.GatedResidual(8) for _ in range(3)]
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
        network = networks.Wrapped(networks.Wrapped(network))
    if change == "frozen":
        network.requires_grad_(False)
    assert measure(network, case.example(batch)).values == expected


# ----------------------------------------------------------------------------- single questions


def values(*layers: nn.Module, shape: tuple[int, ...] = (1, 4, 8, 8)) -> dict[str, Any]:
    found: dict[str, Any] = measure(nn.Sequential(*layers), torch.randn(shape)).to_dict()["values"]
    return found


def conv(inner: int = 4, outer: int = 4, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(inner, outer, 3, padding=1, **options)


@pytest.mark.parametrize(
    ("norm", "name"),
    [
        (lambda: nn.BatchNorm2d(4), "batch"),
        (lambda: nn.InstanceNorm2d(4), "instance"),
        (lambda: nn.GroupNorm(2, 4), "other"),
        (lambda: nn.GroupNorm(4, 4), "instance"),
        (lambda: nn.LayerNorm([4, 8, 8]), "other"),
        (lambda: nn.LocalResponseNorm(2), "other"),
        (networks.PixelNorm, "other"),
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


class Call(nn.Module):
    """A network that is a function."""

    def __init__(self, function: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*inputs, **dict(self.named_children()))


@pytest.mark.parametrize(
    ("function", "skips"),
    [
        (lambda x, a, b: x + a(x), "yes"),
        (lambda x, a, b: b(a(x)).add_(x), "yes"),
        (lambda x, a, b: x - b(a(x)), "yes"),
        (lambda x, a, b: torch.cat([x, b(a(x))], dim=1), "yes"),
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
        ([conv(), Call(networks.swish), conv()], "relu", "elu"),
        ([conv(), nn.ReLU(), conv(), nn.SiLU(), conv()], "relu", "elu"),  # a tie
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
    cell = Call(lambda x, cell: cell(x[:, 1], cell(x[:, 0])), cell=nn.GRUCell(4, 5))
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


# ----------------------------------------------------------------------------- nesting

LAYERS: dict[str, Callable[[], nn.Module]] = {
    "conv": conv,
    "deconv": lambda: nn.ConvTranspose2d(4, 4, 3, padding=1),
    "batch": lambda: nn.BatchNorm2d(4),
    "instance": lambda: nn.InstanceNorm2d(4),
    "relu": nn.ReLU,
    "pool": lambda: nn.MaxPool2d(3, 1, 1),
    "residual": lambda: networks.ResidualBlock(4),
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


# ----------------------------------------------------------------------------- no trace left


class Moody(nn.Module):
    """Changes everything that a forward pass can change."""

    average: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            parametrizations.spectral_norm(conv()), nn.BatchNorm2d(4), nn.Dropout(), nn.ReLU(True)
        )
        self.register_buffer("average", torch.zeros(4))
        self.scale = nn.Parameter(torch.ones(4))
        self.seen: list[float] = []
        self.ready = False

    def forward(self, x: Tensor) -> Tensor:
        self.scale.data.mul_(2)
        self.average.add_(x.mean((0, 2, 3)))
        self.average = self.average + random.random() + float(np.random.rand())  # noqa: NPY002
        self.seen.append(float(self.average[0]))
        self.ready = True
        x.mul_(3)
        self.register_forward_hook(lambda *_: None)
        out: Tensor = self.body(x * self.scale[:, None, None] + torch.randn_like(x))
        return out


@pytest.mark.parametrize("training", [True, False])
def test_the_network_stays_as_it_was(training: bool) -> None:
    network = Moody().train(training)
    network.body[2].train(not training)
    example = image(4, 8)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    identities = {name: id(value) for name, value in network.state_dict(keep_vars=True).items()}
    flags = {name: part.training for name, part in network.named_modules()}
    hooks = len(network._forward_hooks)
    shown = example.clone()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    expected = random.random(), np.random.rand(), torch.rand(3).tolist()  # noqa: NPY002
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002

    measure(network, example)

    assert (random.random(), np.random.rand(), torch.rand(3).tolist()) == expected  # noqa: NPY002
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    kept = {name: id(value) for name, value in network.state_dict(keep_vars=True).items()}
    assert kept == identities
    assert {name: part.training for name, part in network.named_modules()} == flags
    assert (network.seen, network.ready) == ([], False)
    assert len(network._forward_hooks) == hooks
    assert torch.equal(example, shown)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_backward_pass_that_waits_stays_possible() -> None:
    network, example = networks.ResidualBlock(4), image(4, 8)
    loss = network(example).sum()
    measure(network, example)
    loss.backward()


def test_the_network_stays_as_it_was_when_it_fails() -> None:
    network = networks.ResidualBlock(4).train()
    with pytest.raises(NetworkError):
        measure(network, image(3, 8))
    assert network.training
    assert not nn.modules.module._global_forward_hooks
    assert not nn.modules.module._global_forward_pre_hooks


# ----------------------------------------------------------------------------- errors


def test_not_a_network() -> None:
    with pytest.raises(NetworkError, match=r"type int is no torch\.nn\.Module"):
        measure(3, latent(1))  # type: ignore[arg-type]


def test_a_shape_that_does_not_fit() -> None:
    with pytest.raises(NetworkError) as caught:
        measure(nn.Linear(100, 3), torch.zeros(1, 64))
    assert str(caught.value) == (
        "The forward pass of Linear fails on (1, 64) float32: RuntimeError: mat1 and mat2 shapes "
        "cannot be multiplied (1x64 and 100x3). It takes (input). Shapes begin with the batch: "
        "(1, 100) for a latent, (1, 3, 64, 64) for an image."
    )


def test_an_input_that_is_missing_or_of_another_dtype() -> None:
    with pytest.raises(NetworkError, match=r"It takes \(z, digit\). Give one input for each"):
        measure(networks.ConditionalMLP(), latent(100))
    with pytest.raises(NetworkError, match="another dtype, such as int64"):
        measure(networks.ConditionalMLP(), (latent(100), latent(1)))


def test_networks_that_cannot_be_looked_into() -> None:
    with pytest.raises(NetworkError, match=r"1 \(LazyLinear\) has no weights yet"):
        measure(nn.Sequential(nn.ReLU(), nn.LazyLinear(3)), latent(4))
    scripted = torch.jit.ScriptModule()
    with pytest.raises(NetworkError, match="TorchScript"):
        measure(nn.Sequential(scripted), latent(2))


# ----------------------------------------------------------------------------- the result


def test_result() -> None:
    found = measure(networks.dcgan(), latent(128))
    assert list(found.values) == list(found.evidence) == NAMES
    assert found.labels == tuple(found.values.values())
    assert found.evidence["layers"] == ("4 conv + 1 fc + 0 pool + 4 norm",)
    assert found.evidence["conv_layers"][0] == "4 (ConvTranspose2d): conv_transpose2d, 256 filters"
    assert found.evidence["layers_per_block"] == ("3 of 2",)
    assert found.evidence["parameters"][0] == f"0.weight: {128 * 8192:,}"
    counted = [name for name in NAMES if name.endswith("_layers")]
    assert all(len(found.evidence[name]) == found.values[name] for name in counted)
    assert len(found.evidence["blocks"]) == found.values["blocks"]
    assert str(found).splitlines()[9].split()[:2] == ["normalization", "batch"]
    assert len(found.rows(full=True)[1][2].splitlines()) == 4
