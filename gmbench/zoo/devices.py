"""Where a GM is trained: on a core, or on a GPU that it shares with others.

A GPU is torch's default device for the duration of one training, sampling and measuring, so the
kinds need not mention devices: their tensors are created where they work.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gmbench.data.parallel import all_cores
from gmbench.errors import DatasetError, first_line

DEVICES: tuple[str, ...] = ("auto", "cpu", "cuda")

PER_GPU = 4
"""Default number of GMs that share a GPU. The networks are small, so one leaves most of a GPU idle;
whether four is the best number was not measured."""

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def device_for(name: str, engine: str = "local") -> str:
    """Returns where GMs are trained: `cpu` or `cuda`.

    Args:
        name: One of `DEVICES`; `auto` takes the GPU of this machine if there is one.
        engine: With `ray`, other machines do the work, and whether they have GPUs is found out
            later.

    Raises:
        DatasetError: There is no such device, this machine has no GPU, or `auto` is given for
            `ray`.
    """
    if name not in DEVICES:
        # No suggestion of a similar name: for `gpu` that would be `cpu`.
        raise DatasetError(f"Device {name!r} is not known. Take one of {', '.join(DEVICES)}.")
    if name == "cpu":
        return name
    if engine == "ray":
        if name == "auto":
            raise DatasetError(
                "--device auto looks at this machine, and over Ray others do the work. Give "
                "--device cpu or --device cuda."
            )
        return name
    there = bool(visible_gpus())
    if name == "cuda" and not there:
        raise DatasetError("This machine has no GPU that torch can use. Give --device cpu.")
    return "cuda" if there else "cpu"


def check_per_gpu(per_gpu: int | None, device: str) -> None:
    """Checks that GPUs are shared only if GPUs are used.

    Args:
        per_gpu: Number of GMs that share a GPU; None if not given.
        device: Where GMs are trained.

    Raises:
        DatasetError: The GMs are trained on a CPU, or the number is below 1.
    """
    if per_gpu is None:
        return
    if per_gpu < 1:
        raise DatasetError(f"{per_gpu} GMs cannot share a GPU. Give --per-gpu of 1 or more.")
    if device != "cuda":
        raise DatasetError(
            f"--per-gpu {per_gpu} is for GPUs, and these GMs are trained on the {device}. Give "
            "--device cuda, or leave --per-gpu out."
        )


def visible_gpus() -> tuple[str, ...]:
    """Returns the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    if not torch.cuda.is_available():
        return ()
    number = torch.cuda.device_count()
    named = [name.strip() for name in os.environ.get(_VISIBLE, "").split(",") if name.strip()]
    return tuple(named[:number] or map(str, range(number)))


def at_once_on(gpus: Sequence[str], jobs: int | None, per_gpu: int | None) -> int:
    """Returns how many GMs are trained side by side on the GPUs of this machine.

    Args:
        gpus: The GPUs.
        jobs: The number requested; None for as many as the cores and GPUs allow.
        per_gpu: Maximum number of GMs that share a GPU; None for `PER_GPU`, or for what follows
            from `jobs`.
    """
    if jobs and not per_gpu:
        return jobs
    return min(jobs or all_cores(), (per_gpu or PER_GPU) * len(gpus))


def take_gpu(gpus: Sequence[str], number: int) -> None:
    """Restricts this process to one GPU; the processes of a build take the GPUs in turn.

    A process that had seen two would hold memory on both. Does nothing if there is no GPU.

    Args:
        gpus: The GPUs of the build.
        number: Number of this process within the build, from 0.
    """
    if gpus:
        os.environ[_VISIBLE] = gpus[number % len(gpus)]


@contextmanager
def working_on(device: str) -> Iterator[None]:
    """Places the tensors that torch creates in a block on a device; for a CPU, does nothing.

    Args:
        device: `cpu`, or `cuda` for the first GPU that this process sees.
    """
    if device == "cpu":
        yield
        return
    import torch

    # Flows are run in reverse, which would amplify what a product in reduced precision loses.
    with torch.device(device, 0), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


def check_device_fault(error: Exception, name: str) -> None:
    """Stops a build because of its machine, on which training again would only fail again.

    Args:
        error: Exception that a training raised.
        name: Name of the GM.

    Raises:
        DatasetError: The machine or its GPU is out of memory, or the GPU has failed.
    """
    text = first_line(error)
    if type(error).__name__ == "OutOfMemoryError" or "CUBLAS_STATUS_ALLOC_FAILED" in text:
        raise DatasetError(
            f"The GPU has no memory left for {name} ({text}). Run it again with fewer --jobs or a "
            "smaller --per-gpu; what is finished is kept."
        ) from None
    if text.startswith(("CUDA error", "cuDNN error", "CUDA driver")):
        raise DatasetError(
            f"The GPU failed while it trained {name} ({text}). Run it again; what is finished is "
            "kept. Where it fails again, give --device cpu."
        ) from None
    if isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error):
        raise DatasetError(
            f"No memory is left for {name} ({text}). Give fewer --jobs; what is finished is kept."
        ) from None
