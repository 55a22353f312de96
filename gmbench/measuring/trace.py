"""What a forward pass did: the calls that count, and the places where two streams met.

Calls are numbered. A set of calls is an integer whose bit i stands for call i: finding what one
value passed through and another did not is then a single operation, and that is all that skip
connections and blocks need.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class Kind(StrEnum):
    """What a call is."""

    INPUT = "input"
    CONV = "conv"
    FC = "fc"
    POOL = "pool"
    NORM = "norm"
    RESIZE = "resize"
    NONLINEARITY = "nonlinearity"
    STATISTIC = "statistic"


LAYERS = (Kind.CONV, Kind.FC, Kind.POOL, Kind.NORM)
WEIGHT_LAYERS = (Kind.CONV, Kind.FC)


@dataclass(slots=True)
class Call:
    """A layer, a non-linearity, a change of size or an input of the network.

    Attributes:
        kind: What it is.
        index: Its index in `Trace.calls`.
        where: Dotted name and class of the module that made the call.
        function: Bare name of the torch function.
        family: Class of a norm, family of a non-linearity; empty otherwise.
        filters: Output channels of a convolution; 0 otherwise.
        upsampling: `transposed_conv` or `interpolation` if the call enlarges images.
        downsampling: Whether the call shrinks images by a stride or a factor.
        after: Index of the layer from which its input comes, with nothing joined on the way.
        came: The calls that its input passed through.
    """

    kind: Kind
    index: int
    where: str
    function: str
    family: str = ""
    filters: int = 0
    upsampling: str = ""
    downsampling: bool = False
    after: int | None = None
    came: int = 0

    @property
    def description(self) -> str:
        """One line for locating the call in the source code."""
        channels = f", {self.filters} filters" if self.filters else ""
        return f"{self.where}: {self.function}{channels}"


@dataclass(frozen=True, slots=True)
class Bypass:
    """A value that went around layers and then met their output.

    Attributes:
        where: Dotted name and class of the module that joined the two.
        function: Bare name of the function that joined them.
        concatenated: Whether they were concatenated; otherwise they were added.
        part: Whether only a part of the value went around, as in a coupling layer of a flow.
        from_input: Whether what went around is the network's input, before any weight.
        span: The layers and changes of size on the paths from the fork to the join.
    """

    where: str
    function: str
    concatenated: bool
    part: bool
    from_input: bool
    span: int

    @property
    def description(self) -> str:
        """One line for locating the join in the source code."""
        return f"{self.where}: {self.function}"


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Weights that an activation met in a call that is not a known layer.

    Attributes:
        where: Dotted name and class of the module that made the call.
        function: Bare name of the function.
        weights: Those of its weights that took part in no layer; empty if they are packed in an
            object of compiled code.
    """

    where: str
    function: str
    weights: tuple[Tensor, ...]


@dataclass(slots=True)
class Trace:
    """A forward pass.

    Attributes:
        calls: The calls, in order of first execution. A layer with weights appears once, however
            often it runs; one without weights appears once per run.
        bypasses: The bypasses, in order of execution.
        parameters: The parameters that took part, in order of first use.
        uncounted: Calls with weights that may be layers but are not known ones.
        unseen: Dotted names and classes of the modules that met a tensor from no visible call.
    """

    calls: list[Call] = field(default_factory=list)
    bypasses: list[Bypass] = field(default_factory=list)
    parameters: list[Tensor] = field(default_factory=list)
    uncounted: list[Uncounted] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def chosen(self, *kinds: Kind) -> list[Call]:
        """Returns the calls of the given kinds, in order."""
        return [call for call in self.calls if call.kind in kinds]

    def bits(self, *kinds: Kind) -> int:
        """Returns the set of the calls of the given kinds."""
        return as_bits(call.index for call in self.chosen(*kinds))


def as_bits(indices: Iterable[int]) -> int:
    """Returns the set of the calls with the given indices, which must be distinct."""
    return sum(1 << index for index in indices)
