"""Where a GM is trained: on a core, or on a GPU that it shares with others.

On a GPU the default device of torch is that GPU for the length of one training, sampling and
measuring, so that the kinds need not speak of devices: what they make lies where they work.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gmbench.data.parallel import all_cores
from gmbench.errors import DatasetError

DEVICES: tuple[str, ...] = ("auto", "cpu", "cuda")

PER_GPU = 4
"""GMs that share a GPU where nobody says how many. The networks are small, so one leaves most of a
GPU idle; that four are best was not measured."""

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def device_for(name: str, engine: str = "local") -> str:
    """Returns where GMs are trained: `cpu` or `cuda`.

    Args:
        name: One of `DEVICES`; `auto` takes the GPU of this machine where there is one.
        engine: Over `ray` other machines do the work, and whether they have GPUs is seen later.

    Raises:
        DatasetError: There is no such device, this machine has no GPU, or `auto` is to speak for
            others.
    """
    if name not in DEVICES:
        # Without a guess: of `gpu` that would be `cpu`.
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
    """Refuses to share GPUs where none is used.

    Args:
        per_gpu: GMs that share a GPU; None where nobody said.
        device: Where GMs are trained.

    Raises:
        DatasetError: They are trained on a CPU, or the number is below 1.
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
        jobs: What was asked for; None for as many as cores and GPUs bear.
        per_gpu: GMs that share a GPU at most; None for `PER_GPU`, or for what `jobs` makes of it.
    """
    if jobs and not per_gpu:
        return jobs
    return min(jobs or all_cores(), (per_gpu or PER_GPU) * len(gpus))


def take_gpu(gpus: Sequence[str], number: int) -> None:
    """Lets this process see one GPU alone; those of a work take them in turn.

    A process that had seen two would hold memory on both. Does nothing where there is no GPU.

    Args:
        gpus: The GPUs of the work.
        number: Which of the work's processes this is, from 0.
    """
    if gpus:
        os.environ[_VISIBLE] = gpus[number % len(gpus)]


@contextmanager
def working_on(device: str) -> Iterator[None]:
    """Lets what torch makes in a block lie on a device, on a CPU as if this were not there.

    Args:
        device: `cpu` or `cuda`, the first GPU that this process sees.
    """
    if device == "cpu":
        yield
        return
    import torch

    # Flows are run backwards: what a shortened product loses would come back enlarged.
    with torch.device(device, 0), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


def check_gpu_fault(error: Exception, name: str) -> None:
    """Stops a build for the GPU's sake, where training again would only fail again.

    Args:
        error: What a training raised.
        name: Of the GM.

    Raises:
        DatasetError: The GPU has no memory left, or has failed under the process.
    """
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
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
