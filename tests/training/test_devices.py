from __future__ import annotations

from typing import cast

import pytest
import torch

from gmbench.errors import UnknownNameError
from gmbench.models.objective import Objective, ObjectiveConfig
from gmbench.models.parsing import ModelParser
from gmbench.training.config import TrainingError
from gmbench.training.devices import (
    accelerator_for,
    autocast_for,
    compiled,
    device_for,
    precision_for,
)
from tests.models.fake_targets import SMALL, fake_targets

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("there", "device"), [((), "cpu"), (("mps",), "mps"), (("cuda", "mps"), "cuda")]
)
def test_auto_takes_the_fastest(
    there: tuple[str, ...], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in there)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in there)
    assert device_for("auto").type == device
    assert device_for("cpu").type == "cpu"
    for name in {"cuda", "mps"} - set(there):
        with pytest.raises(TrainingError, match=f"This machine has no {name}. Give --device auto"):
            device_for(name)


def test_unknown_device() -> None:
    with pytest.raises(UnknownNameError, match="Take one of auto, cpu, cuda, mps"):
        device_for("gpu")


@pytest.mark.parametrize(("has_bf16", "precision"), [(True, "bf16"), (False, "fp16")])
def test_a_gpu_computes_in_half(
    has_bf16: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bf16)
    assert precision_for(CUDA) == precision
    assert precision_for(CUDA, "fp32") == "no"
    assert precision_for(CUDA, "bf16") == "bf16"


@pytest.mark.parametrize(
    ("told", "precision"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bf16"),
        ({"amx_bf16": True}, "bf16"),
        ({"avx512_bf16": False, "avx2": True}, "no"),
        ({}, "no"),
    ],
)
def test_a_cpu_computes_in_what_it_has(
    told: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert precision_for(CPU) == precision
    assert precision_for(CPU, "fp32") == "no"
    assert precision_for(CPU, "bf16") == "bf16"
    with pytest.raises(TrainingError, match="Give precision=bf16 or fp32"):
        precision_for(CPU, "fp16")


@pytest.mark.parametrize(
    ("wanted", "has_bf16", "dtype"),
    [
        ("auto", True, torch.bfloat16),
        ("auto", False, None),
        ("bf16", False, torch.bfloat16),
        ("fp32", True, None),
        # Trained on an older GPU, parsed on a CPU.
        ("fp16", True, None),
    ],
)
def test_a_network_predicts_as_it_was_trained(
    wanted: str, has_bf16: bool, dtype: torch.dtype | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmbench.training.devices.cpu_has_bf16", lambda: has_bf16)
    with autocast_for(CPU, wanted):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (dtype or torch.float32)


def test_an_older_torch_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert precision_for(CPU) == "no"


def test_one_training_may_follow_another_in_another_precision() -> None:
    for precision in ("fp32", "bf16", "fp32"):
        accelerator = accelerator_for("cpu", precision)
        assert accelerator.device.type == "cpu"
        with accelerator.autocast():
            product = torch.rand(2, 2) @ torch.rand(2, 2)
        expected = torch.bfloat16 if precision == "bf16" else torch.float32
        assert product.dtype == expected


def test_nothing_is_compiled_on_a_cpu() -> None:
    network = ModelParser(SMALL)
    assert compiled(network, CPU) is network
    assert compiled(network, CPU, "no") is network
    assert compiled(network, CUDA, "no") is network


@pytest.mark.slow
def test_what_is_compiled_computes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the compiler's front end, which is what may stumble over the network's code."""
    compiler = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda network, **o: compiler(network, backend="eager", **o)
    )
    torch.manual_seed(0)
    network, objective = ModelParser(SMALL), Objective(ObjectiveConfig(), fake_targets())
    network.eval()
    called = compiled(network, CUDA)
    assert called is not cast(object, network)
    for n_images in (4, 3):
        images, gms = torch.rand(n_images, 3, 16, 16), torch.arange(n_images)
        found = torch.autograd.grad(
            objective(called(images), gms)["total"], list(network.parameters())
        )
        expected = torch.autograd.grad(
            objective(network(images), gms)["total"], list(network.parameters())
        )
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other)
