"""The device and precision that a network is trained with, and whether it is compiled."""

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
"""Those of x86, as torch names them. Whether those of ARM pay off has not been measured."""


def device_for(name: str) -> torch.device:
    """Returns the device of a name; `auto` selects the fastest available one.

    Raises:
        UnknownNameError: There is no device of that name.
        TrainingError: The device is not available.
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
    """Returns the precision of a training by accelerate's name: `no`, `bf16` or `fp16`.

    `auto` is bfloat16 on GPUs and CPUs that compute in it, float16 on older GPUs (with
    accelerate's loss scaling), and float32 elsewhere.

    Args:
        device: The device of the training.
        wanted: `auto`, `fp32`, `bf16` or `fp16`.

    Raises:
        TrainingError: float16 is requested on a CPU.
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
        device: The device of the prediction, possibly not the one that it was trained on.
        wanted: As for `precision_for`; on a CPU, float16 becomes float32.
    """
    on_cpu = wanted == "fp16" and device.type == "cpu"
    precision = precision_for(device, "fp32" if on_cpu else wanted)
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    return torch.autocast(device.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None)


def cpu_has_bf16() -> bool:
    """Returns whether the CPU multiplies bfloat16 natively: other CPUs are slower with it."""
    # Releases of torch before 2.9 do not report capabilities.
    told: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(told.get(name) for name in _BF16_INSTRUCTIONS)


def accelerator_for(name: str, precision: str = "auto") -> Accelerator:
    """Returns the accelerator that runs a training on a device in a precision.

    Args:
        name: One of `DEVICES`.
        precision: As for `precision_for`.

    Raises:
        UnknownNameError: There is no device of that name.
        TrainingError: The device is not available, or does not train in that precision.
    """
    # Imported here, so that parsing an image does not need it.
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    device = device_for(name)
    # accelerate keeps one device and precision per process, but trainings may follow one another.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=device.type == "cpu", mixed_precision=precision_for(device, precision))


def compiled(network: nn.Module, device: torch.device, wanted: str = "auto") -> nn.Module:
    """Returns a network ready to train: compiled on CUDA, where the minute that takes pays off.

    The weights remain those of the given network.

    Args:
        network: The network, on its device.
        device: That device.
        wanted: `auto` or `no`.
    """
    if wanted == "no" or device.type != "cuda":
        return network
    # Batches have two sizes, the last one's and all others': each is compiled separately.
    return cast(nn.Module, torch.compile(network, dynamic=False))
