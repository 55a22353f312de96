"""Calls that are no plain torch functions: seen all the same, or told of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils.checkpoint import checkpoint

from gmbench.measuring.measure import measure
from tests.measuring.parts import Call, conv, image, weight


def residual(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2) * 1.4


def swish(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


def join(x: Tensor, y: Tensor) -> Tensor:
    return x + y


def shrink(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2)


def grow(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0)


def filtered(x: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(x, kernel, stride=2)


def enlarged(x: Tensor, kernel: Tensor) -> Tensor:
    return F.conv_transpose2d(x, kernel, stride=2)


def standardised(x: Tensor, scale: Tensor) -> Tensor:
    return F.group_norm(F.layer_norm(x, [8, 8]), 4, scale)


def alike(x: Tensor) -> Tensor:
    return F.instance_norm(F.rrelu(F.prelu(F.instance_norm(x), torch.ones(1))))


FUNCTIONS = (residual, swish, join, shrink, grow, filtered, enlarged, standardised, alike)


def using(functions: dict[str, Callable[..., Tensor]]) -> nn.Module:
    """A network that uses all of `FUNCTIONS`, as they are or in another form."""

    def forward(x: Tensor, a: nn.Module, b: nn.Module) -> Tensor:
        y = functions["swish"](a(x))
        y = functions["alike"](functions["join"](x, b(functions["residual"](y))))
        y = functions["standardised"](y, scale)
        y = functions["grow"](functions["shrink"](y))
        return functions["enlarged"](functions["filtered"](y, kernel), kernel)

    kernel, scale = weight(4, 4, 2, 2), weight(4)
    return Call(forward, a=conv(), b=conv())


PLAIN = {function.__name__: function for function in FUNCTIONS}


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", PLAIN)
def test_a_scripted_function_is_seen(name: str) -> None:
    plain = measure(using(PLAIN), image(4, 8))
    scripted = measure(using({**PLAIN, name: torch.jit.script(PLAIN[name])}), image(4, 8))
    assert scripted.values == plain.values
    assert scripted.warnings == plain.warnings == ()


@pytest.mark.slow  # the compiler takes seconds to import
def test_a_compiled_function_is_seen() -> None:
    plain = measure(using(PLAIN), image(4, 8))
    compiled = {name: torch.compile(function) for name, function in PLAIN.items()}
    found = measure(using(compiled), image(4, 8))
    assert found.values == plain.values
    assert found.warnings == ()


@pytest.mark.slow  # the compiler takes seconds to import
@pytest.mark.filterwarnings("ignore")
def test_flexible_attention_is_seen() -> None:
    attention = pytest.importorskip("torch.nn.attention.flex_attention", reason="torch is old")

    def forward(x: Tensor, a: nn.Module) -> Tensor:
        query, key, value = (part.reshape(1, 2, 8, 8) for part in a(x).chunk(3, -1))
        out: Tensor = attention.flex_attention(query, key, value)
        return x + out.transpose(1, 2).reshape(1, 8, 16)

    found = measure(Call(forward, a=nn.Linear(16, 48)), torch.randn(1, 8, 16))
    assert found.class_name("skip_connection") == "yes"
    assert found.warnings == ()


class Passed(torch.autograd.Function):
    @staticmethod
    def forward(_context: Any, x: Tensor) -> Tensor:
        return F.relu(x)

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        return gradient


class Reversed(Passed):
    @staticmethod
    def forward(_context: Any, x: Tensor) -> Tensor:
        return x


OUTSIDE = torch.ones(4, 1, 1)
"""A constant that no network holds."""


@pytest.mark.parametrize(
    "function",
    [
        Passed.apply,
        Reversed.apply,
        torch.ops.aten.relu,
        torch.vmap(F.relu),
        torch.vmap(torch.vmap(lambda x: F.relu(x).exp())),
        lambda x: checkpoint(F.relu, x, use_reentrant=True),
        lambda x: checkpoint(F.relu, x, use_reentrant=False),
        lambda x: x + torch.tensor(1.0) * torch.FloatTensor([2]),
        lambda x: x * torch.from_numpy(torch.ones(4, 1, 1).numpy()),
        lambda x: x + OUTSIDE,
        lambda x: x.clone().requires_grad_(),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_a_way_around_is_found_whatever_is_called(function: Callable[..., Any]) -> None:
    network = Call(lambda x, a, b: x + b(function(a(x))), a=conv(), b=conv())
    found = measure(nn.Sequential(conv(), network, conv()), image(4, 8))
    assert found.class_name("skip_connection") == "yes"
    assert (found.values["blocks"], found.values["layers_per_block"]) == (1, 2)
    assert found.warnings == ()


def foreign(x: Tensor) -> Tensor:
    """Stands for the kernel of an extension: what it does is seen by nobody."""
    with torch._C.DisableTorchFunction(), _disable_current_modes():
        return x * 2


@pytest.mark.parametrize(
    "function",
    [
        foreign,
        lambda x: torch.from_numpy(x.numpy() * 2),
        lambda x: torch.tensor(x.tolist()),
        lambda x: torch.utils.dlpack.from_dlpack(x),
    ],
)
def test_a_tensor_from_no_call_is_told_of(function: Callable[..., Any]) -> None:
    network = nn.Sequential(conv(), Call(function), nn.InstanceNorm2d(4), nn.MaxPool2d(2), conv())
    found = measure(network, image(4, 8))
    (warning,) = found.warnings
    assert "uses a tensor that came from no call that can be seen" in warning
    counted = [found.values[f"{kind}_layers"] for kind in ("conv", "norm", "pool")]
    assert counted == [2, 1, 1]
    assert f"warning: {warning}" in str(found).splitlines()
    assert found.to_dict()["warnings"] == [warning]


def test_weights_of_an_unknown_call_are_told_of() -> None:
    codes = weight(5, 4)
    network = Call(lambda x, a: torch.cdist(a(x).flatten(2).mT, codes), a=conv())
    network.codes = codes
    assert measure(network, image(4, 8)).warnings == (
        "Call calls cdist, which is not counted as a layer, with weights that belong to no layer: "
        "codes: 20.",
    )


@pytest.mark.filterwarnings("ignore")
def test_packed_weights_are_told_of() -> None:
    plain = nn.Sequential(nn.Linear(3, 4))
    packed = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
        plain, {nn.Linear}, dtype=torch.qint8
    )
    assert measure(packed, torch.randn(1, 3)).warnings == (
        "0 (Linear) calls linear_dynamic, which is not counted as a layer, with weights that "
        "belong to no layer: packed ones.",
    )


def test_weights_that_shift_or_scale_or_are_looked_up_are_no_matter() -> None:
    place, scale, table = weight(1, 4, 1, 1), weight(4, 1, 1), weight(3, 4)

    def forward(x: Tensor, a: nn.Module) -> Tensor:
        chosen = F.embedding(torch.zeros(1, dtype=torch.int64), table)
        return torch.cat([a(x + place) * scale, chosen[:, :, None, None].expand(1, 4, 8, 8)], 1)

    found = measure(Call(forward, a=conv()), image(4, 8))
    assert found.warnings == ()
    assert found.values["parameters"] == 148 + 4 + 4 + 12


def test_weights_that_are_no_parameters() -> None:
    kernel = torch.randn(4, 4, 3, 3, requires_grad=True)
    found = measure(Call(lambda x: F.conv2d(x, kernel)), image(4, 8))
    assert (found.values["conv_layers"], found.values["parameters"]) == (1, 144)
    assert found.evidence["parameters"] == ("(not registered): 144",)


@pytest.mark.parametrize(
    ("network", "shape", "name"),
    [
        (lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True)), (1, 5, 4), "other"),
        (lambda x: x * torch.rsqrt(x.pow(2).mean((1, 2), keepdim=True)), (1, 8, 8, 4), "instance"),
        (lambda x: x / x.flatten(2).std(2)[:, :, None, None], (1, 4, 8, 8), "instance"),
        (lambda x: x / x.std((2, 3), keepdim=True), (1, 4, 8, 8), "instance"),
        (lambda x: x / x.norm(dim=1, keepdim=True), (1, 4, 8, 8), "other"),
    ],
)
def test_norms_by_hand(network: Callable[..., Any], shape: tuple[int, ...], name: str) -> None:
    found = measure(Call(network), torch.randn(shape))
    assert (found.values["norm_layers"], found.class_name("normalization")) == (1, name)


def test_global_pooling_where_channels_come_last() -> None:
    found = measure(Call(lambda x: x.mean((1, 2))), torch.randn(1, 8, 8, 4))
    assert found.values["pool_layers"] == 1
