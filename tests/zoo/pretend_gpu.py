"""A GPU that is not there: tensors on the CPU that are kept apart as if some lay on a GPU.

Numbers are real, so whole trainings run, with `.item()` and all. A tensor counts as one of the GPU
where Python made it with `device="cuda"`, as all do in a block `with torch.device("cuda")`, or
where it came of such tensors. What torch refuses where a GPU is, is refused here: an operation on
tensors of both, `.numpy()` of one on the GPU, and a generator of the one for tensors of the other.
Sterner than torch, single numbers of the CPU are refused too: each would wait for the GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.utils import clip_grad
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

CPU, GPU, EITHER = "cpu", "cuda", "either"
"""Where a tensor lies. Torch makes some for itself, each where it needs it: `EITHER`."""

_FIRST_GPU = torch.device(GPU, 0)

_CROSSING = {"aten::copy_", "aten::_to_copy"}
"""Operations that are there to cross from one to the other."""

_INDEXING = {"aten::index", "aten::index_put_", "aten::index_put", "aten::_index_put_impl_"}
"""A tensor on a GPU takes positions that lie on the CPU."""


class _Places:
    """Where the memory of each tensor lies."""

    def __init__(self) -> None:
        # The weak reference keeps the address from being given to another memory.
        self._known: dict[int, tuple[StorageWeakRef, str]] = {}

    def of(self, tensor: torch.Tensor) -> str:
        """Returns where a tensor lies; one that was made before lies on the CPU.

        The numbers of `mask[0] = 1` are tensors of torch's own.
        """
        unknown = CPU if tensor.ndim else EITHER
        return self._known.get(tensor.untyped_storage()._cdata, (None, unknown))[1]

    def knows(self, tensor: torch.Tensor) -> bool:
        return tensor.untyped_storage()._cdata in self._known

    def put(self, tensor: torch.Tensor, place: str) -> None:
        storage = tensor.untyped_storage()
        self._known[storage._cdata] = (StorageWeakRef(storage), place)  # type: ignore[no-untyped-call]


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses operations on tensors of both, and remembers where results lie."""

    def __init__(self, places: _Places) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._places = places

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = func._schema.name
        tensors = list(_tensors((args, kwargs or {})))
        found = {self._places.of(tensor) for tensor in tensors} - {EITHER}
        if name in _INDEXING and self._places.of(tensors[0]) == GPU:
            found = {GPU}
        if len(found) > 1 and name not in _CROSSING:
            shapes = [(tuple(t.shape), self._places.of(t)) for t in tensors[-3:]]
            raise RuntimeError(f"Expected all tensors to be on the same device: {name} of {shapes}")
        result = func(*args, **(kwargs or {}))
        place = self._places.of(tensors[0]) if len(found) > 1 else next(iter(found), EITHER)
        for tensor in _tensors(result):
            if not self._places.knows(tensor) or self._places.of(tensor) == EITHER:
                self._places.put(tensor, place)
        return result


class _Functions(TorchFunctionMode):
    """Tells what lies where, and makes what is asked of the GPU on the CPU."""

    def __init__(self, places: _Places) -> None:
        super().__init__()
        self._places = places

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.device:
            return func(*args, **kwargs)
        if func in (torch.Tensor.device.__get__, torch.Tensor.is_cuda.__get__):  # type: ignore[attr-defined]
            on_gpu = self._places.of(args[0]) == GPU
            is_cuda = func is torch.Tensor.is_cuda.__get__  # type: ignore[attr-defined]
            return on_gpu if is_cuda else (_FIRST_GPU if on_gpu else torch.device(CPU))
        if func is torch.Tensor.numpy and self._places.of(args[0]) == GPU:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        wanted = self._wanted(func, args, kwargs)
        moved = (tree_map(_on_cpu, part) for part in (tuple(args), kwargs))
        args, kwargs = moved
        result = func(*args, **kwargs)
        if wanted:
            given = {tensor.untyped_storage()._cdata for tensor in _tensors(args)}
            if isinstance(result, torch.Tensor) and self._places.of(result) != wanted:
                shared = result.untyped_storage()._cdata in given
                result = result.clone() if shared else result
                self._places.put(result, wanted)
        self._check_generator(func, kwargs.get("generator"), result)
        return result

    def _wanted(
        self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> str:
        """Returns where the result is asked to lie; empty where that follows from tensors."""
        named = [kwargs.get("device"), *(args[1:] if func is torch.Tensor.to else ())]
        for device in named:
            if isinstance(device, torch.device) or (
                isinstance(device, str) and device in (CPU, GPU)
            ):
                return torch.device(device).type
        if func in (torch.Tensor.cpu, torch.Tensor.cuda):
            return CPU if func is torch.Tensor.cpu else GPU
        # `zeros_like` and the like go where their tensor is.
        makes = func in _device_constructors() and not list(_tensors((args, kwargs)))
        return CPU if makes else ""

    def _check_generator(self, func: Callable[..., Any], generator: Any, result: Any) -> None:
        if generator is None:
            return
        place = GPU if isinstance(generator, _Generator) and generator.on_gpu else CPU
        if any(self._places.of(tensor) not in (place, EITHER) for tensor in _tensors(result)):
            raise RuntimeError(f"{func} expected another device for its generator than {place!r}")


class _Generator(torch.Generator):
    """A generator of either device."""

    on_gpu: bool

    def __new__(cls, device: Any = CPU) -> _Generator:
        made: _Generator = super().__new__(cls)
        made.on_gpu = torch.device(device).type == GPU
        return made


@contextmanager
def pretended_gpu() -> Iterator[Callable[[torch.Tensor], str]]:
    """Lets torch pretend in a block that there is a GPU.

    Yields:
        Tells where a tensor lies.
    """
    places, fork = _Places(), torch.random.fork_rng
    name = "_group_tensors_by_device_and_dtype"
    grouped: Callable[..., dict[Any, Any]] = getattr(clip_grad, name)

    def grouped_by_place(tensors: list[list[torch.Tensor]]) -> dict[Any, Any]:
        # It asks below Python where gradients lie; here all lie where the first one does.
        place = torch.device(places.of(tensors[0][0]))
        return {(place, dtype): found for (_, dtype), found in grouped(tensors).items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "Generator", _Generator)
        # Draws come from the CPU, whose state alone is to be put back.
        patch.setattr(torch.random, "fork_rng", lambda devices=(), **_: fork(devices=[]))
        patch.setattr(clip_grad, name, grouped_by_place)
        with _Functions(places), _Operations(places):
            yield places.of


def _on_cpu(value: Any) -> Any:
    if isinstance(value, torch.device) and value.type == GPU:
        return torch.device(CPU)
    return CPU if isinstance(value, str) and value == GPU else value


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    return (value for value in tree_iter(values) if isinstance(value, torch.Tensor))
