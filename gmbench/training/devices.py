"""Which device a network is trained on, in which precision, and whether it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from gmbench.errors import UnknownNameError
from gmbench.training.config import TrainingError

if TYPE_CHECKING:
    from accelerate import Accelerator

DEVICES: tuple[str, ...] = ("auto", "cpu", "cuda", "mps")

_BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")
"""Those of x86, as torch names them. On ARM nobody has measured whether they pay."""


def device_for(name: str) -> torch.device:
    """Returns the device of a name; `auto` takes the fastest that is there.

    Raises:
        UnknownNameError: There is no device of that name.
        TrainingError: This machine has none.
    """
    if name not in DEVICES:
        raise UnknownNameError("Device", name, DEVICES, f"Take one of {', '.join(DEVICES)}.")
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((one for one, present in there.items() if present), "cpu")
    if not there.get(name, True):
        raise TrainingError(f"This machine has no {name}. Give --device auto or cpu.")
    return torch.device(name)


def precision_for(device: torch.device, wanted: str = "auto") -> str:
    """Returns the precision of a training as accelerate calls it: `no`, `bf16` or `fp16`.

    `auto` is bfloat16 on GPUs and CPUs that compute in it, float16 on older GPUs (with
    accelerate's scaling of the loss), and float32 elsewhere.

    Args:
        device: Where the training runs.
        wanted: `auto`, `fp32`, `bf16` or `fp16`.

    Raises:
        TrainingError: float16 on a device that has no scaling of the loss.
    """
    if wanted == "auto":
        if device.type == "cpu":
            return "bf16" if cpu_has_bf16() else "no"
        if device.type != "cuda":
            return "no"
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if wanted == "fp16" and device.type == "cpu":
        raise TrainingError("A CPU does not train in fp16. Give precision=bf16 or fp32.")
    return "no" if wanted == "fp32" else wanted


def autocast_for(device: torch.device, wanted: str = "auto") -> torch.autocast:
    """Returns the context in which a network predicts in the precision that it was trained in.

    Args:
        device: Where it predicts, maybe another device than the one that it was trained on.
        wanted: As `precision_for` takes it; float16 is float32 on a CPU.
    """
    on_cpu = wanted == "fp16" and device.type == "cpu"
    precision = precision_for(device, "fp32" if on_cpu else wanted)
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    return torch.autocast(device.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None)


def cpu_has_bf16() -> bool:
    """Returns whether this machine's CPU multiplies bfloat16 itself: others are slower with it."""
    # Releases of torch before 2.9 do not tell.
    told: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(told.get(name) for name in _BF16_INSTRUCTIONS)


def accelerator_for(name: str, precision: str = "auto") -> Accelerator:
    """Returns what places a training on its device in its precision.

    Args:
        name: One of `DEVICES`.
        precision: As `precision_for` takes it.

    Raises:
        UnknownNameError: There is no device of that name.
        TrainingError: This machine has none, or it cannot compute in that precision.
    """
    # Here, so that who only parses an image does without it.
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    device = device_for(name)
    # accelerate keeps one device and one precision a process; one training may follow another.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=device.type == "cpu", mixed_precision=precision_for(device, precision))


def compiled(network: nn.Module, device: torch.device, wanted: str = "auto") -> nn.Module:
    """Returns a network as it is trained: compiled on CUDA, where the minute of it pays.

    The weights stay those of the network given.

    Args:
        network: On its device.
        device: Where it is.
        wanted: `auto` or `no`.
    """
    if wanted == "no" or device.type != "cuda":
        return network
    # Batches have two sizes, the last one's and all others': each is compiled for itself.
    return cast(nn.Module, torch.compile(network, dynamic=False))
