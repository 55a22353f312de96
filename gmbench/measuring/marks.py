"""The mark of each tensor of a pass, and the number of each weight."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from gmbench.measuring.seen import CONSTANT, Mark


class Marks:
    """The marks of tensors: of weights and constants from before the pass, and of its results."""

    def __init__(self, before: Iterable[Tensor]) -> None:
        self._before = {id(tensor): tensor for tensor in before}
        self._trainable = {i for i, t in self._before.items() if t.requires_grad and t.is_leaf}
        self._marks = WeakTensorKeyDictionary()
        self._weights: dict[int, tuple[int, Tensor]] = {}

    def of(self, tensor: Tensor) -> Mark | None:
        """Returns the mark of a tensor; None if its origin is unknown."""
        tensor = _plain(tensor)
        mark: Mark | None = self._marks.get(tensor)  # type: ignore[no-untyped-call]
        if mark is not None:
            return mark
        if self.is_weight(tensor):
            number, _ = self._weights.setdefault(id(tensor), (len(self._weights), tensor))
            return Mark(weights=1 << number)
        return CONSTANT if id(tensor) in self._before else None

    def give(self, tensor: Tensor, mark: Mark) -> None:
        """Marks a result; a weight stays a weight, whatever is done to it."""
        if not self.is_weight(tensor):
            self._marks[_plain(tensor)] = mark

    def is_weight(self, tensor: Tensor) -> bool:
        """Returns whether a tensor is a parameter, or trained like one."""
        return isinstance(tensor, nn.Parameter) or id(tensor) in self._trainable

    def weights(self, bits: int) -> tuple[Tensor, ...]:
        """Returns the weights whose numbers are in a set."""
        return tuple(weight for number, weight in self._weights.values() if bits >> number & 1)


def _plain(tensor: Tensor) -> Tensor:
    """Returns the tensor that a transform such as `vmap` has wrapped, or the tensor itself."""
    functorch = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(tensor):
        tensor = functorch.get_unwrapped(tensor)
    return tensor
