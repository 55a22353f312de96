"""One call of a torch function, and the marks of the values that went into it."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gmbench.measuring import vocabulary as words
from gmbench.measuring.trace import Call


@dataclass(frozen=True, slots=True)
class Statistic:
    """What a mean, variance or norm was taken of.

    Attributes:
        of: Calls that the reduced value passed through.
        dims: Dimensions over which it was reduced, counted from the front.
        shape: Shape of the reduced value.
        pool: The call that counted it as a global pooling, if any.
    """

    of: int
    dims: tuple[int, ...]
    shape: tuple[int, ...]
    pool: Call | None


@dataclass(frozen=True, slots=True)
class Mark:
    """What a tensor passed through.

    Attributes:
        bits: Inputs, layers and changes of size upstream; 0 for weights and constants.
        weights: Parameters, as a set of their numbers, that it is, or from which it was computed
            without any layer.
        part: Whether it was cut out of an activation, with no layer since.
        last: Index of the layer that produced it; None if streams met.
        statistic: What it is a statistic of, if it is one.
        gate: The call of `vocabulary.GATES` that produced it, up to constants, if any.
    """

    bits: int = 0
    weights: int = 0
    part: bool = False
    last: int | None = None
    statistic: Statistic | None = None
    gate: Call | None = None


CONSTANT = Mark()
"""The mark of a tensor with nothing upstream, such as random numbers."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One call of a torch function: what went in and what came out.

    Attributes:
        name: Bare name of the function.
        function: The function.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        operands: All tensors among the arguments.
        marks: Their marks before the call.
        shapes: Their shapes before the call.
        out: Shape of the first tensor that came out.
    """

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    operands: list[Tensor]
    marks: list[Mark]
    shapes: list[tuple[int, ...]]
    out: tuple[int, ...]

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """Returns an argument, given by position or by name."""
        if len(self.args) > position:
            return self.args[position]
        return self.kwargs.get(name, default)

    @property
    def bits(self) -> int:
        """What the operands passed through, taken together."""
        return union(self.marks)

    @property
    def activations(self) -> list[int]:
        """Indices of the operands that the network computed from its inputs."""
        return [i for i, mark in enumerate(self.marks) if mark.bits]

    @property
    def positions(self) -> tuple[int, int]:
        """Number of spatial positions, such as pixels, before and after the call."""
        digit = re.search(r"([123])d", self.name)
        dims = int(digit[1]) if digit else max(len(self.shapes[0]) - 2, 1)
        return math.prod(self.shapes[0][-dims:]), math.prod(self.out[-dims:])

    @property
    def strided(self) -> bool:
        """Whether a convolution has a stride above 1."""
        stride = self.argument(3, "stride", 1)
        return any(step > 1 for step in (stride if isinstance(stride, (tuple, list)) else [stride]))

    @property
    def layer_weights(self) -> int:
        """Weights of the layer that the call is: all except those that went into its input."""
        first = self.marks[0]
        return weights_of(mark for mark in self.marks if mark is not first or not mark.bits)

    def fc_weights(self) -> Sequence[Tensor]:
        """Returns the weight of each fully connected layer that the call consists of."""
        name = self.name
        if name in words.LINEAR:
            weight = self.argument(2 if name == "bilinear" else 1, "weight")
            learned = any(t is weight and m.weights for t, m in self._operands_with_marks())
            return [weight] if learned else []
        if name in words.PRODUCTS:
            factors = list(self._operands_with_marks())[name in words.PRODUCTS_PLUS :]
            weights = [t for t, m in factors if m.weights and not m.bits]
            return weights[:1] if self.activations else []
        if name in words.RECURRENT_CELLS:
            return [self.argument(2, "w_ih")]
        if name in words.RECURRENT:
            matrices = [
                t
                for t, m in self._operands_with_marks()
                if m.weights and not m.bits and t.dim() == 2
            ]
            # Input and hidden weights alternate; those of an output projection have fewer rows.
            return [t for t in matrices if t.shape[0] == matrices[0].shape[0]][::2]
        if name in words.ATTENTION:
            given = inspect.signature(self.function).bind(*self.args, **self.kwargs).arguments
            names = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
            given_weights = [given.get(name) for name in (*names, "out_proj_weight")]
            return [weight for weight in given_weights if weight is not None]
        return []

    def _operands_with_marks(self) -> Iterable[tuple[Tensor, Mark]]:
        return zip(self.operands, self.marks, strict=True)

    def passed_on(self) -> Mark:
        """Returns the mark of a result that is not a layer's: everything that went in."""
        marks = [mark for mark in self.marks if mark.bits]
        if not marks:
            return Mark(weights=weights_of(self.marks))
        only = marks[0] if len(marks) == 1 else None
        return Mark(
            bits=self.bits,
            weights=weights_of(self.marks),
            part=bool(only and only.part),
            last=marks[0].last if len({mark.last for mark in marks}) == 1 else None,
            statistic=only.statistic if only else None,
        )

    @property
    def reduced_dims(self) -> tuple[int, ...]:
        """Dimensions of the first operand over which a reduction goes, counted from the front."""
        ndim = len(self.shapes[0])
        position = 2 if self.name.endswith("norm") else 1
        dims = self.argument(position, "dim", self.kwargs.get("axis"))
        if isinstance(dims, int) and not isinstance(dims, bool):
            dims = (dims,)
        if not isinstance(dims, (tuple, list)) or not dims:
            return tuple(range(ndim))
        return tuple(sorted(dim % ndim for dim in dims))

    @property
    def norm_class(self) -> str:
        """Class of a norm; group norm with one channel per group is instance norm."""
        groups = self.argument(6 if self.name.startswith("native") else 1, "num_groups")
        if self.name.endswith("group_norm") and groups == self.shapes[0][1]:
            return "instance"
        # Compiled code normalises instances as the channels of one image, by their own statistics.
        if self.name == "native_batch_norm" and self.shapes[0][0] == 1:
            return "batch" if isinstance(self.argument(3, "running_mean"), Tensor) else "instance"
        return words.NORMS[self.name]


def as_written(name: str, args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Returns a call from inside compiled code as it would be written in Python."""
    if name != "convolution" or len(args) < 9:
        return name, args
    pixels, weight, bias, stride, padding, dilation, transposed, more, groups = args[:9]
    dims = weight.dim() - 2
    if transposed:
        order = (pixels, weight, bias, stride, padding, more, groups, dilation)
        return f"conv_transpose{dims}d", order
    return f"conv{dims}d", (pixels, weight, bias, stride, padding, dilation, groups)


def tensors_in(structure: Any) -> Iterator[Tensor]:
    """Yields the tensors in nested tuples, lists and dictionaries."""
    if isinstance(structure, Tensor):
        yield structure
    elif isinstance(structure, (tuple, list)):
        for item in structure:
            yield from tensors_in(item)
    elif isinstance(structure, dict):
        for item in structure.values():
            yield from tensors_in(item)


def union(marks: Iterable[Mark]) -> int:
    """Returns what some values passed through, taken together."""
    bits = 0
    for mark in marks:
        bits |= mark.bits
    return bits


def weights_of(marks: Iterable[Mark]) -> int:
    """Returns the parameters from which some values were computed."""
    bits = 0
    for mark in marks:
        bits |= mark.weights
    return bits


def is_mask(tensor: Tensor) -> bool:
    """Returns whether a tensor consists of zeros and ones and contains both."""
    if tensor.is_meta or tensor.is_complex() or tensor.numel() < 2:
        return False
    zeros, ones = tensor == 0, tensor == 1
    return bool((zeros | ones).all() and zeros.any() and ones.any())


def space(ndim: int) -> tuple[tuple[int, ...], ...]:
    """Returns the spatial dimensions if channels come first, and if they come last."""
    return tuple(range(2, ndim)), tuple(range(1, ndim - 1))
