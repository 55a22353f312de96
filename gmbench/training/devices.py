"""Which device a network runs on, and in which precision."""

from __future__ import annotations

import torch
from accelerate import Accelerator

from gmbench.errors import UnknownNameError
from gmbench.training.config import TrainingError

DEVICES: tuple[str, ...] = ("auto", "cpu", "cuda", "mps")


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


def accelerator_for(name: str, accumulate: int = 1) -> Accelerator:
    """Returns what places a training on its device, in bfloat16 where the device computes in it.

    float16, which older GPUs have instead, is taken with accelerate's scaling of the loss.

    Args:
        name: One of `DEVICES`.
        accumulate: Batches whose gradients make one step.

    Raises:
        UnknownNameError: There is no device of that name.
        TrainingError: This machine has none.
    """
    device = device_for(name)
    precision = "no"
    if device.type == "cuda":
        precision = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return Accelerator(
        cpu=device.type == "cpu",
        mixed_precision=precision,
        gradient_accumulation_steps=accumulate,
    )
