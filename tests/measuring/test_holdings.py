"""What a network holds beside its parameters and buffers is afterwards as it was."""

from __future__ import annotations

import functools
import random
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

import torch
from torch import Tensor, nn

from gmbench.measuring.measure import measure
from tests.measuring.parts import Call, conv, image


class Frozen(OrderedDict[str, Any]):
    """A configuration that refuses every change, as that of diffusers does."""

    def __init__(self, **entries: Any) -> None:
        super().__init__(entries)
        self._frozen = True

    def refuse(self, *_arguments: Any, **_named: Any) -> Any:
        raise TypeError("This configuration is frozen.")

    def __setitem__(self, key: str, value: Any) -> None:
        if hasattr(self, "_frozen"):
            self.refuse()
        super().__setitem__(key, value)

    update = pop = setdefault = __delitem__ = clear = refuse


@dataclass(frozen=True)
class Record:
    steps: list[int] = field(default_factory=lambda: [1])


class Slotted:
    __slots__ = ("first", "later")
    first: int
    later: int

    def __init__(self) -> None:
        self.first = 1

    def get(self) -> int:
        return self.first


class Guarded(nn.Module):
    """A module whose attributes cannot be set from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["calls"] = 0

    @property
    def rate(self) -> int:
        return int(self.__dict__["calls"])

    @functools.cached_property
    def once(self) -> int:
        return 3

    def __setattr__(self, name: str, value: Any) -> None:
        if "_modules" in self.__dict__ and name != "training":
            raise AttributeError("no")
        super().__setattr__(name, value)


def counter() -> tuple[Callable[[], int], Callable[[], int]]:
    """A function that counts its calls, and one that tells how many there were."""
    calls = 0

    def count() -> int:
        nonlocal calls
        calls += 1
        return calls

    return count, lambda: calls


def holding(held: Any) -> Any:
    network = Call(lambda x, body: body(x), body=conv())
    network.held = held
    return network


def changed_slots(held: Slotted) -> None:
    held.first, held.later = 2, 3


def unfreeze(held: Record) -> None:
    object.__setattr__(held, "steps", [2])


# What is held, how a pass changes it, and what there is to see of it.
HOLDINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "list in a list": (lambda: [[1]], lambda h: h[0].append(2), repr),
    "dictionary in a tuple": (lambda: ({"a": 1},), lambda h: h[0].update(b=2), repr),
    "default dictionary": (lambda: defaultdict(list, a=[1]), lambda h: h["b"], repr),
    "ordered dictionary": (
        lambda: OrderedDict(a=1, b=2),
        lambda h: h.move_to_end("a"),
        lambda h: list(h),
    ),
    "queue": (lambda: deque([1, 2], maxlen=2), lambda h: h.append(3), repr),
    "set": (lambda: {1}, lambda h: h.add(2), sorted),
    "namespace": (lambda: SimpleNamespace(a=[1]), lambda h: setattr(h, "a", 2), repr),
    "frozen dataclass": (Record, unfreeze, repr),
    "list in a dataclass": (Record, lambda h: h.steps.append(2), repr),
    "slots": (Slotted, changed_slots, lambda h: (h.first, hasattr(h, "later"))),
    "closure": (counter, lambda h: h[0](), lambda h: h[1]()),
    "bound method": (
        lambda: Slotted().get,
        lambda h: setattr(h.__self__, "first", 2),
        lambda h: h(),
    ),
    "partial function": (
        lambda: functools.partial(sorted, [2, 1]),
        lambda h: h.args[0].append(3),
        lambda h: h(),
    ),
    "guarded module": (
        lambda: [Guarded()],
        lambda h: (h[0].__dict__.update(calls=1), h[0].once),
        lambda h: (h[0].rate, "once" in vars(h[0])),
    ),
    "tensor": (lambda: torch.zeros(2), lambda h: h.add_(1), lambda h: h.tolist()),
    "tensors in a dictionary": (
        lambda: {"cache": [torch.zeros(2)]},
        lambda h: h["cache"][0].fill_(1),
        lambda h: h["cache"][0].tolist(),
    ),
    "not a number": (
        lambda: torch.tensor([float("nan"), 1]),
        lambda h: h.zero_(),
        lambda h: repr(h),
    ),
    "array": (lambda: np.zeros(2), lambda h: h.fill(1), lambda h: h.tolist()),
    "array of objects": (
        lambda: np.array([1, None], dtype=object),
        lambda h: h.fill(2),
        lambda h: h.tolist(),
    ),
    "sparse tensor": (
        lambda: torch.eye(2).to_sparse(),
        lambda h: h.mul_(2),
        lambda h: h.to_dense().tolist(),
    ),
    "sparse rows": (
        lambda: torch.eye(2).to_sparse_csr(),
        lambda h: h.values().mul_(2),
        lambda h: h.to_dense().tolist(),
    ),
    "quantized tensor": (
        lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8),
        lambda h: h.copy_(torch.quantize_per_tensor(torch.zeros(2), 0.1, 0, torch.quint8)),
        lambda h: h.int_repr().tolist(),
    ),
    "module in a list": (
        lambda: [nn.BatchNorm2d(3)],
        lambda h: (h[0].train(), h[0](torch.randn(2, 3, 4, 4))),
        lambda h: (h[0].training, repr(h[0].state_dict())),
    ),
    "generator of torch": (
        lambda: torch.Generator().manual_seed(1),
        lambda h: torch.rand(1, generator=h),
        lambda h: torch.rand(1, generator=h.clone_state()).item(),
    ),
    "generator of NumPy": (
        lambda: np.random.default_rng(1),
        lambda h: h.random(),
        lambda h: h.bit_generator.state,
    ),
    "generator of Python": (
        lambda: random.Random(1),
        lambda h: h.random(),
        lambda h: h.getstate(),
    ),
    "memory of a parameter": (
        lambda: nn.Parameter(torch.ones(2)),
        lambda h: setattr(h, "data", torch.zeros(3, dtype=torch.float64)),
        lambda h: (h.data_ptr(), h.tolist()),
    ),
    "flags of a parameter": (
        lambda: nn.Parameter(torch.ones(2)),
        lambda h: (h.requires_grad_(False), vars(h).update(note=1)),
        lambda h: (h.requires_grad, vars(h)),
    ),
}  # fmt: skip


RAN: list[Any] = []
"""What a pass saw; no network holds it."""


@pytest.mark.filterwarnings("ignore:Sparse CSR")
@pytest.mark.parametrize("name", HOLDINGS)
def test_holding(name: str) -> None:
    make, change, shown = HOLDINGS[name]
    network = holding(make())
    held, before = network.held, shown(network.held)
    body = network.body
    RAN.clear()

    def forward(x: Tensor, body: nn.Module) -> Any:
        change(network.held)
        RAN.append(shown(network.held))
        return body(x)

    network.function = forward
    found = measure(network, image(4, 8))
    assert RAN[0] != before
    assert network.held is held
    assert shown(network.held) == before
    assert network.body is body
    assert (found.values["conv_layers"], found.warnings) == (1, ())


def test_a_frozen_configuration() -> None:
    network = holding(Frozen(width=4, blocks=(1, 2)))
    network.flag = [1]
    assert measure(network, image(4, 8)).values["conv_layers"] == 1
    assert network.held == {"width": 4, "blocks": (1, 2)}
    assert vars(network.held) == {"_frozen": True}
    assert (network.training, network.flag) == (True, [1])


def test_gradients() -> None:
    network: Any = Call(lambda x, body: (body.zero_grad(), body(x))[1], body=conv())
    network.body(image(4, 8)).sum().backward()
    gradient = network.body.weight.grad
    before = gradient.clone()
    measure(network, image(4, 8))
    assert network.body.weight.grad is gradient
    assert torch.equal(gradient, before)


def test_all_else_is_put_back_where_one_thing_refuses() -> None:
    network = holding(np.zeros(2))
    network.first, network.last = [1], [1]

    def forward(x: Tensor, body: nn.Module) -> Any:
        network.held += 1
        network.held.flags.writeable = False
        network.first.append(2)
        network.last.append(2)
        return body(x)

    network.function = forward
    found = measure(network, image(4, 8))
    assert (network.first, network.last, network.training) == ([1], [1], True)
    (warning,) = found.warnings
    assert warning.startswith("Not put back as it was: held (ValueError: ")
    assert found.to_dict()["warnings"] == [warning]


def test_a_train_method_of_its_own_is_not_called() -> None:
    class Trainer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.BatchNorm2d(4)

        def train(self, epochs: int) -> None:  # type: ignore[override]
            raise RuntimeError("training")

        def forward(self, x: Tensor) -> Any:
            assert not self.body.training
            return self.body(x)

    network = Trainer()
    assert measure(network, image(4, 8)).values["norm_layers"] == 1
    assert network.training
    assert network.body.training


def test_modes_of_torch() -> None:
    def forward(x: Tensor, body: nn.Module) -> Any:
        out = body(x)
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float64)
        torch.set_autocast_enabled("cpu", True)
        torch.set_autocast_dtype("cpu", torch.float16)
        torch.use_deterministic_algorithms(True)
        torch.set_float32_matmul_precision("medium")
        torch.autograd.set_detect_anomaly(True)
        torch.set_num_threads(3)
        return out

    def modes() -> list[Any]:
        return [
            torch.is_grad_enabled(), torch.get_default_dtype(), torch.is_autocast_enabled("cpu"),
            torch.get_autocast_dtype("cpu"), torch.are_deterministic_algorithms_enabled(),
            torch.get_float32_matmul_precision(), torch.is_anomaly_enabled(),
            torch.get_num_threads(),
        ]  # fmt: skip

    before = modes()
    measure(Call(forward, body=conv()), image(4, 8))
    assert modes() == before
