"""Remembers what a network holds, and restores it.

A network holds more than parameters: caches in lists and dictionaries, objects with attributes,
tensors that are not buffers, random number generators. Everything reachable from it is remembered
before a pass. Afterwards only what differs is written, by the methods of the plain types, so that
neither a frozen dictionary nor a property of the network's own can interfere.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import gc
import random
import sys
import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gmbench.errors import one_line

Restore = Callable[[], None]

_SEQUENCES: tuple[type, ...] = (list, deque, bytearray)
_MAPPINGS: tuple[type, ...] = (OrderedDict, dict)
_NAMESPACES = (types.SimpleNamespace, argparse.Namespace)
_FOREIGN = frozenset({*sys.stdlib_module_names, "torch", "numpy"}) - {"__main__"}
_MISSING = object()


class Keeper:
    """Remembers everything that can be reached from a network, and restores it.

    It follows modules, registered or not; lists, dictionaries, sets and tuples; dataclasses,
    namespaces and objects of the packages from which the network's modules come, by their
    attributes and slots; closures, bound methods and partial functions. It keeps the content of
    all these, of tensors and arrays, and the state of random number generators. It does not follow
    classes, imported modules, or objects of Python, torch, NumPy and other packages.

    Attributes:
        modules: All modules that were met, including the network and its registered parts.
        tensors: All tensors that were met.
        refused: The places that could not be restored, each with the reason.
    """

    def __init__(self, module: nn.Module) -> None:
        self.modules: list[nn.Module] = []
        self.tensors: list[Tensor] = []
        self.refused: list[str] = []
        self._packages = {_package(type(part)) for part in module.modules()} - _FOREIGN
        self._met: dict[int, object] = {}
        self._restores: list[tuple[str, Restore]] = []
        self._waiting: list[tuple[str, object]] = [("", module)]
        while self._waiting:
            place, held = self._waiting.pop()
            if id(held) not in self._met:
                self._met[id(held)] = held  # also keeps the id from being reused
                self._keep(place, held)

    def put_back(self) -> None:
        """Writes back what differs."""
        for place, restore in self._restores:
            try:
                restore()
            except Exception as error:  # noqa: BLE001 - all else is restored nevertheless
                self.refused.append(
                    f"{place or 'the network'} ({type(error).__name__}: {one_line(error)})"
                )

    def _keep(self, place: str, held: Any) -> None:
        kind = type(held)
        if issubclass(kind, Tensor):
            self._keep_tensor(place, held)
        elif issubclass(kind, nn.Module):
            self.modules.append(held)
            self._keep_attributes(place, held)
        elif issubclass(kind, (list, dict, set, deque, bytearray)):
            self._keep_content(place, held)
            if _package(kind) not in ("builtins", "collections"):
                self._keep_attributes(place, held)
        elif issubclass(kind, (tuple, frozenset)):
            self._follow(place, enumerate(held))
        elif issubclass(kind, np.ndarray):
            self._keep_array(place, held)
        elif issubclass(kind, torch.Generator):
            self._remember(place, held.set_state, held.get_state())
        elif issubclass(kind, random.Random):
            self._remember(place, held.setstate, held.getstate())
        elif issubclass(kind, np.random.Generator):
            state = held.bit_generator.state
            self._remember(place, functools.partial(setattr, held.bit_generator, "state"), state)
        elif issubclass(kind, np.random.RandomState):
            self._remember(place, held.set_state, held.get_state())
        elif issubclass(kind, types.FunctionType):
            self._follow(place, enumerate(held.__closure__ or ()))
        elif issubclass(kind, types.CellType):
            self._keep_cell(place, held)
        elif issubclass(kind, types.MethodType):
            self._follow(place, [("self", held.__self__)])
        elif issubclass(kind, functools.partial):
            self._follow(place, enumerate((held.func, held.args, held.keywords)))
        elif self._is_own(kind):
            self._keep_attributes(place, held)

    def _is_own(self, kind: type) -> bool:
        """Returns whether objects of a class are the network's to change."""
        if issubclass(kind, (type, types.ModuleType)):
            return False
        return (
            _package(kind) in self._packages
            or issubclass(kind, _NAMESPACES)
            or dataclasses.is_dataclass(kind)
        )

    def _remember(self, place: str, write: Callable[[Any], Any], state: Any) -> None:
        self._restores.append((place, lambda: write(state)))

    def _follow(self, place: str, parts: Iterable[tuple[object, object]]) -> None:
        prefix = f"{place}." if place else ""
        self._waiting.extend((f"{prefix}{name}", part) for name, part in parts)

    def _keep_attributes(self, place: str, held: object) -> None:
        try:
            attributes = object.__getattribute__(held, "__dict__")
        except AttributeError:
            attributes = None
        if type(attributes) is dict:
            self._keep_content(place, attributes)
        slots = [(slot.__name__, slot) for slot in _slots(type(held))]
        values = [(name, slot, _slot_value(slot, held)) for name, slot in slots]
        self._follow(place, [(n, value) for n, _, value in values if value is not _MISSING])
        for name, slot, value in values:
            self._restores.append((f"{place}.{name}", functools.partial(_fill, slot, held, value)))

    def _keep_content(self, place: str, held: Any) -> None:
        """Keeps the content of a container, using the methods of its underlying plain type."""
        if isinstance(held, dict):
            plain = next(kind for kind in _MAPPINGS if isinstance(held, kind))
            items = list(plain.items(held))  # type: ignore[attr-defined]
            self._follow(place, items)
            restore: Restore = functools.partial(_fill_mapping, plain, held, items)
        elif isinstance(held, set):
            members = set(set.__iter__(held))
            self._follow(place, enumerate(members))
            restore = functools.partial(_fill_set, held, members)
        else:
            plain = next(kind for kind in _SEQUENCES if isinstance(held, kind))
            parts = list(plain.__iter__(held))  # type: ignore[attr-defined]
            if plain is not bytearray:
                self._follow(place, enumerate(parts))
            restore = functools.partial(_fill_sequence, plain, held, parts)
        self._restores.append((place, restore))

    def _keep_cell(self, place: str, cell: types.CellType) -> None:
        try:
            value = cell.cell_contents
        except ValueError:
            return  # not filled yet
        self._follow(place, [("", value)])
        self._remember(place, functools.partial(setattr, cell, "cell_contents"), value)

    def _keep_tensor(self, place: str, tensor: Tensor) -> None:
        self.tensors.append(tensor)
        if tensor.grad_fn is None and tensor.grad is not None:
            self._follow(place, [("grad", tensor.grad)])
        # The alias keeps the memory that the tensor has now, should the tensor be given another.
        alias = tensor.data
        value = None if tensor.is_meta else alias.clone()
        flags, gradient = tensor.requires_grad, tensor.grad if tensor.grad_fn is None else None
        self._restores.append(
            (place, functools.partial(_fill_tensor, tensor, alias, value, flags, gradient))
        )
        self._keep_attributes(place, tensor)

    def _keep_array(self, place: str, array: np.ndarray[Any, Any]) -> None:
        if array.dtype.hasobject:
            self._follow(place, enumerate(array.flat))
        value = array.copy()

        def restore() -> None:
            if array.tobytes() != value.tobytes():  # of objects, these are where they lie
                array[...] = value

        self._restores.append((place, restore))


def all_tensors() -> list[Tensor]:
    """Returns every tensor that exists in this process; takes a while."""
    return [held for held in gc.get_objects() if issubclass(type(held), Tensor)]


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _slots(kind: type) -> Iterator[types.MemberDescriptorType]:
    """Yields the slots of a class that was written in Python."""
    for base in kind.__mro__:
        if "__slots__" in vars(base):
            yield from (v for v in vars(base).values() if isinstance(v, types.MemberDescriptorType))


def _slot_value(slot: types.MemberDescriptorType, held: object) -> Any:
    try:
        return slot.__get__(held, type(held))
    except AttributeError:
        return _MISSING


def _fill(slot: types.MemberDescriptorType, held: object, value: object) -> None:
    now = _slot_value(slot, held)
    if value is _MISSING and now is not _MISSING:
        slot.__delete__(held)
    elif value is not now:
        slot.__set__(held, value)


def _fill_mapping(plain: Any, held: Any, items: list[tuple[Any, Any]]) -> None:
    now = list(plain.items(held))
    same = len(now) == len(items) and all(
        a is c and b is d for (a, b), (c, d) in zip(now, items, strict=True)
    )
    if not same:
        plain.clear(held)
        for key, value in items:
            plain.__setitem__(held, key, value)


def _fill_set(held: set[Any], members: set[Any]) -> None:
    if set(set.__iter__(held)) != members:
        set.clear(held)
        set.update(held, members)


def _fill_sequence(plain: Any, held: Any, parts: list[Any]) -> None:
    now = list(plain.__iter__(held))
    if len(now) != len(parts) or any(a is not b for a, b in zip(now, parts, strict=True)):
        plain.clear(held)
        plain.extend(held, parts)


def _fill_tensor(
    tensor: Tensor, alias: Tensor, value: Tensor | None, requires: bool, gradient: Tensor | None
) -> None:
    # Through `data`, so that no change is counted: a graph may await its backward pass.
    if value is not None and _in_parts(value):
        tensor.data = value  # its numbers cannot be compared
        tensor.data.copy_(value)  # sparse rows take no other data
    else:
        if not _shares(tensor.data, alias):
            tensor.data = alias
        if value is not None and not _equal(alias, value):
            alias.copy_(value)
    if tensor.requires_grad != requires:
        tensor.requires_grad_(requires)
    if tensor.grad_fn is None and tensor.grad is not gradient:
        tensor.grad = gradient


def _in_parts(tensor: Tensor) -> bool:
    """Returns whether a tensor is no plain block of numbers, but sparse or quantized."""
    return tensor.layout is not torch.strided or tensor.is_quantized


def _shares(one: Tensor, other: Tensor) -> bool:
    """Returns whether two tensors are the same view of the same memory."""
    facts = [(t.dtype, t.device, t.layout, t.shape) for t in (one, other)]
    if facts[0] != facts[1]:
        return False
    if one.is_meta:
        return True
    return (one.data_ptr(), one.stride()) == (other.data_ptr(), other.stride())


def _equal(one: Tensor, other: Tensor) -> bool:
    """Returns whether two tensors hold the same numbers, with NaN equal to NaN."""
    return torch.equal(one, other) or bool(
        torch.all((one == other) | (one.isnan() & other.isnan()))
    )
