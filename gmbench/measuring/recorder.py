"""Runs a network once and records what happened.

Every call of a torch function is seen, whether made by a module or by a line of the forward method.
Each value that the network computes carries a `Mark`: what it passed through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.overrides import TorchFunctionMode

from gmbench.measuring import vocabulary as words
from gmbench.measuring.inside import Inside
from gmbench.measuring.marks import Marks
from gmbench.measuring.seen import (
    CONSTANT,
    Mark,
    Seen,
    Statistic,
    as_written,
    is_mask,
    space,
    tensors_in,
    union,
    weights_of,
)
from gmbench.measuring.trace import WEIGHT_LAYERS, Bypass, Call, Kind, Trace, Uncounted, as_bits


def record(
    module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], before: Iterable[Tensor]
) -> Trace:
    """Runs `module(*args, **kwargs)` without gradients and returns what happened.

    Args:
        module: The network, as it is: its mode is not changed and its state is not protected.
        args: Positional arguments of the forward pass.
        kwargs: Keyword arguments of the forward pass.
        before: Tensors that exist before the pass, and so come from no call of it.
    """
    recorder = _Recorder({id(part): name for name, part in module.named_modules()}, before)
    recorder.mark_inputs((args, kwargs))
    # Global hooks, so that no module is touched.
    hooks = (
        register_module_forward_pre_hook(recorder.enter),
        register_module_forward_hook(recorder.leave, always_call=True),
    )
    try:
        with torch.no_grad(), recorder, Inside():  # type: ignore[no-untyped-call]
            module(*args, **kwargs)
    finally:
        for hook in hooks:
            hook.remove()
    return recorder.finished()


_PACKED = -1
"""Represents weights inside an object of compiled code, such as those of a quantized layer."""


@dataclass(slots=True)
class _Frame:
    """A module that is running, and how many layers it has called itself so far."""

    module: nn.Module | None
    where: str
    layers: int = 0


class _Recorder(TorchFunctionMode):
    """Sees every call of a torch function, records those that count, and marks their results."""

    def __init__(self, names: dict[int, str], before: Iterable[Tensor]) -> None:
        super().__init__()
        self.trace = Trace()
        self._names = names
        self._marks = Marks(before)
        self._frames = [_Frame(None, "forward")]
        self._layer_of: dict[object, Call] = {}
        self._taking_part: set[int] = set()
        self._weights_in_layers = 0
        self._elsewhere: dict[tuple[str, str], int] = {}
        self._left = False
        self._layer_bits = 0
        self._weight_bits = 0
        self._input_bits = 0

    def enter(self, module: nn.Module, _inputs: Any) -> None:
        """Notes that a module starts."""
        name, kind = self._names.get(id(module), "(not registered)"), type(module).__name__
        self._frames.append(_Frame(module, f"{name} ({kind})" if name else kind))

    def leave(self, _module: nn.Module, _inputs: Any, _output: Any) -> None:
        """Notes that a module ends."""
        self._frames.pop()

    def mark_inputs(self, example: Any) -> None:
        """Gives each input of the network a call of its own."""
        for tensor in tensors_in(example):
            self._marks.give(tensor, self._input("input"))

    def finished(self) -> Trace:
        """Returns the trace, including the weights that took part in no layer."""
        for (where, function), bits in self._elsewhere.items():
            packed = bits == _PACKED
            weights = () if packed else self._marks.weights(bits & ~self._weights_in_layers)
            if weights or packed:
                self.trace.uncounted.append(Uncounted(where, function, weights))
        return self.trace

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Runs a torch function, and marks its results."""
        kwargs = kwargs or {}
        name = words.bare_name(func)
        operands = list(tensors_in((args, kwargs)))
        marks = [self._mark(tensor, name) for tensor in operands]
        shapes = [tuple(tensor.shape) for tensor in operands]
        result = func(*args, **kwargs)
        results = operands[:1] if name == "setitem" else list(tensors_in(result))
        if name in words.WAYS_OUT and any(mark.bits for mark in marks):
            self._left = True
        if any(isinstance(argument, torch.ScriptObject) for argument in args):
            self._elsewhere[self._frames[-1].where, name] = _PACKED
        mark = CONSTANT
        if operands and results:
            self._note_parameters(operands)
            out = tuple(results[0].shape)
            name, args = as_written(name, args)
            mark = self._understand(Seen(name, func, args, kwargs, operands, marks, shapes, out))
        # Numbers that become tensors are constants, unless values left the network before.
        if self._left and name in words.WAYS_IN and results[0].numel() > 1 and not mark.bits:
            mark = self._unseen()
        for tensor in results:
            self._marks.give(tensor, mark)
        return result

    def _input(self, function: str) -> Mark:
        call = self._write(Kind.INPUT, function)
        self._input_bits |= 1 << call.index
        return Mark(bits=1 << call.index)

    def _mark(self, tensor: Tensor, taken_by: str = "") -> Mark:
        mark = self._marks.of(tensor)
        if mark is not None:
            return mark
        if taken_by in words.WAYS_IN:
            return CONSTANT
        mark = self._unseen()
        self._marks.give(tensor, mark)
        return mark

    def _unseen(self) -> Mark:
        where = self._frames[-1].where
        if where not in self.trace.unseen:
            self.trace.unseen.append(where)
        return self._input("unseen call")

    def _note_parameters(self, operands: list[Tensor]) -> None:
        for tensor in operands:
            if self._marks.is_weight(tensor) and id(tensor) not in self._taking_part:
                self._taking_part.add(id(tensor))
                self.trace.parameters.append(tensor)

    def _understand(self, seen: Seen) -> Mark:
        """Records what a call is, if it counts, and returns the mark of its results."""
        name = seen.name
        if name in words.CONVOLUTIONS or name in words.TRANSPOSED_CONVOLUTIONS:
            return self._convolution(seen)
        weights = seen.fc_weights()
        if weights:
            layers = [self._layer(Kind.FC, seen, weight) for weight in weights]
            # Attention and recurrent modules are several layers in one call.
            return replace(layers[-1], bits=union(layers))
        if words.takes_shape_alone(name):
            return CONSTANT
        if words.takes_first_alone(name):
            return replace(seen.marks[0], gate=None)
        if not seen.activations:
            return seen.passed_on()
        if words.POOL.fullmatch(name):
            # A pooling that leaves one position summarises an image; it does not scale it.
            before, after = seen.positions
            return self._layer(Kind.POOL, seen, downsampling=1 < after < before)
        if name in words.NORMS:
            weight = next((t for t in seen.operands[1:] if self._marks.is_weight(t)), None)
            return self._layer(Kind.NORM, seen, weight, family=seen.norm_class)
        if name in words.NONLINEARITIES or name in words.SOFTMAX:
            return self._nonlinearity(seen)
        if name in words.RESIZERS and len(seen.out) > 2:
            return self._resize(seen, "interpolation")
        if name in words.SHUFFLERS:
            return self._resize(seen, "transposed_conv")
        if name in words.STATISTICS or name in words.SPATIAL_REDUCTIONS:
            return self._reduction(seen)
        if name in words.SUMS or name in words.SCALINGS:
            return self._arithmetic(seen)
        if name in words.CONCATENATIONS:
            return self._concatenation(seen)
        mark = seen.passed_on()
        if name in words.CUTS and len(seen.out) > 1 and seen.out[1:2] < seen.shapes[0][1:2]:
            return replace(mark, part=True)
        if name not in words.NO_LAYERS:
            place = self._frames[-1].where, name
            taken = weights_of(m for m in seen.marks if not m.bits)
            self._elsewhere[place] = self._elsewhere.get(place, 0) | taken
        return mark

    def _write(self, kind: Kind, function: str, **facts: Any) -> Call:
        calls = self.trace.calls
        call = Call(kind, len(calls), self._frames[-1].where, function, **facts)
        calls.append(call)
        return call

    def _layer(self, kind: Kind, seen: Seen, weight: Any = None, **facts: Any) -> Mark:
        """Records a layer, unless it is one with weights that ran before."""
        frame = self._frames[-1]
        frame.layers += 1
        key: object = None
        if isinstance(weight, Tensor) and self._marks.is_weight(weight):
            key = id(weight)
        elif kind in WEIGHT_LAYERS:
            # Computed weights (spectral norm, masks) are new tensors in each pass; the position of
            # the call within its module's own pass, and what they are made of, stay the same.
            key = (id(frame.module), frame.layers, self._mark(weight).weights)
        call = self._layer_of.get(key) if key else None
        if call is None:
            self._weights_in_layers |= seen.layer_weights
            call = self._write(kind, seen.name, after=seen.marks[0].last, came=seen.bits, **facts)
            if key:
                self._layer_of[key] = call
            self._layer_bits |= 1 << call.index
            if kind in WEIGHT_LAYERS:
                self._weight_bits |= 1 << call.index
        return Mark(bits=seen.bits | 1 << call.index, last=call.index)

    def _convolution(self, seen: Seen) -> Mark:
        transposed = seen.name in words.TRANSPOSED_CONVOLUTIONS
        weight = seen.argument(1, "weight")
        learned = self._mark(weight).weights
        if not learned:
            # A fixed filter, such as a blur before sub-sampling, is not a layer.
            return self._resize(seen, "interpolation")
        groups = seen.argument(6, "groups", 1)
        before, after = seen.positions
        return self._layer(
            Kind.CONV,
            seen,
            weight,
            filters=weight.shape[1] * groups if transposed else weight.shape[0],
            upsampling="transposed_conv" if transposed and after > before else "",
            downsampling=seen.strided and not transposed,
        )

    def _resize(self, seen: Seen, way: str) -> Mark:
        """Records a change of size without weights; `way` is the class of an enlargement."""
        mark = seen.passed_on()
        blurs = "conv" in seen.name and not seen.strided
        before, after = seen.positions
        if not seen.activations or blurs or before == after:
            return mark
        facts = {"upsampling": way} if after > before else {"downsampling": True}
        call = self._write(Kind.RESIZE, seen.name, came=mark.bits, **facts)
        return replace(mark, bits=mark.bits | 1 << call.index, part=False)

    def _nonlinearity(self, seen: Seen) -> Mark:
        family = words.NONLINEARITIES.get(seen.name, words.SIGMOID)
        if seen.name == "hardtanh" and seen.argument(1, "min_val", -1) >= 0:
            family = words.RELU  # ReLU6 is implemented by it
        self._weights_in_layers |= seen.layer_weights
        call = self._write(Kind.NONLINEARITY, seen.name, family=family)
        return replace(seen.passed_on(), gate=call if seen.name in words.GATES else None)

    def _reduction(self, seen: Seen) -> Mark:
        """Records a mean over space as a global pooling; it may turn out to belong to a norm."""
        mark, source, ndim = seen.passed_on(), seen.marks[0], len(seen.shapes[0])
        dims = seen.reduced_dims
        pool = None
        spatial = ndim > 3 and dims in space(ndim)
        if spatial and seen.name in words.SPATIAL_REDUCTIONS and source.statistic is None:
            mark = self._layer(Kind.POOL, seen)
            pool = self.trace.calls[-1]
        if seen.name in words.STATISTICS:
            return replace(mark, statistic=Statistic(source.bits, dims, seen.shapes[0], pool))
        return mark

    def _arithmetic(self, seen: Seen) -> Mark:
        places = seen.activations
        scales = seen.name in words.SCALINGS
        if len(seen.operands) != 2 or len(places) != 2:
            if scales and len(seen.operands) == 2 and is_mask(seen.operands[1 - places[0]]):
                return replace(seen.passed_on(), part=True)
            gate = seen.marks[places[0]].gate if len(places) == 1 else None
            return replace(seen.passed_on(), gate=gate)
        for value, other in ((0, 1), (1, 0)):
            mark, statistic = seen.marks[value], seen.marks[other].statistic
            if statistic and not mark.statistic and statistic.of == mark.bits:
                if statistic.pool:
                    statistic.pool.kind = Kind.STATISTIC
                if not scales:
                    return mark
                family = self._class_of(statistic, seen.shapes[value], mark.last)
                layer = self._layer(Kind.NORM, seen, family=family)
                self.trace.calls[-1].after = mark.last
                return layer
            gate = seen.marks[other].gate
            same = (mark.bits, mark.last) == (seen.marks[other].bits, seen.marks[other].last)
            if gate and scales and same and not mark.part:
                gate.family = words.SMOOTH  # x * sigmoid(x), x * (1 + tanh(x))
        first, second = seen.marks
        if first.statistic and second.statistic:
            return replace(seen.passed_on(), statistic=first.statistic)
        if not scales and len(seen.out) > 1 and seen.shapes[0] == seen.shapes[1]:
            self._join(seen.name, first, second, concatenated=False)
        return seen.passed_on()

    def _class_of(self, statistic: Statistic, shape: tuple[int, ...], last: int | None) -> str:
        """Returns the class of a hand-written norm from the dimensions over which it is taken.

        Args:
            statistic: What a value is divided by.
            shape: Shape of that value.
            last: Index of the layer that produced the value.
        """
        ndim = len(statistic.shape)
        # Three dimensions are a flattened image, or a sequence whose last dimension is features.
        sequence = len(shape) < 4 and (last is None or self.trace.calls[last].kind is not Kind.CONV)
        if statistic.dims in space(ndim) and not sequence:
            return "instance"
        return "batch" if 0 in statistic.dims and 1 not in statistic.dims else "other"

    def _concatenation(self, seen: Seen) -> Mark:
        dim = seen.argument(1, "dim", seen.kwargs.get("axis", 0))
        if len(seen.out) > 1 and dim not in (0, -len(seen.out)):
            marks = [seen.marks[place] for place in seen.activations]
            marks.sort(key=lambda mark: (mark.bits & self._weight_bits).bit_count())
            for shorter, longer in pairwise(marks):
                self._join(seen.name, shorter, longer, concatenated=True)
        return seen.passed_on()

    def _join(self, function: str, first: Mark, second: Mark, *, concatenated: bool) -> None:
        """Records a bypass if one of two values went around what the other passed through."""
        # Some residual networks add a pooled shortcut; what is concatenated with a pooled value is
        # a parallel branch.
        counted = self._layer_bits if concatenated else self._weight_bits
        counted |= self._input_bits
        around, through = sorted(
            (first, second),
            key=lambda mark: (mark.bits & ~(first.bits & second.bits) & counted).bit_count(),
        )
        own, others = around.bits & ~through.bits & counted, through.bits & ~around.bits & counted
        fork = around.bits & through.bits & counted
        more = (others & self._weight_bits).bit_count()
        untouched = own == 0 and more > 0
        projected = own.bit_count() == 1 and more > 1 and not (own | others) & self._input_bits
        if not fork or not (untouched or (projected and not concatenated)):
            return
        between = around.bits ^ through.bits
        self.trace.bypasses.append(
            Bypass(
                where=self._frames[-1].where,
                function=function,
                concatenated=concatenated,
                part=around.part,
                from_input=not around.bits & self._weight_bits,
                # What joined from the side, such as a time embedding, is not in between.
                span=as_bits(
                    call.index
                    for call in self.trace.calls
                    if between >> call.index & 1 and call.came & fork == fork
                ),
            )
        )
