"""Measures the 15 architecture values of a network with a forward pass.

`docs/labels.md` defines what counts as what; the vocabulary of torch functions is in
`gmbench.measuring.vocabulary`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gmbench.errors import NetworkError, naming_extras, one_line
from gmbench.measuring import vocabulary as words
from gmbench.measuring.blocks import find_blocks
from gmbench.measuring.trace import LAYERS, WEIGHT_LAYERS, Call, Kind, Trace
from gmbench.schema import CONTINUOUS, DISCRETE, get_parameter

if TYPE_CHECKING:
    from torch import Tensor, nn

_ARCHITECTURE = (*CONTINUOUS, *DISCRETE)


@dataclass(frozen=True, slots=True)
class Measurement:
    """The architecture of a network, in the schema's terms.

    Attributes:
        values: The 9 counts and 6 class indices by parameter name, in the schema's order.
        evidence: What each value was derived from, one line each: modules and the functions that
            they called, parameters with their sizes, blocks with their layers. Empty if a class
            is the default because nothing in the network decides it.
        warnings: What could not be seen, so that values may be wrong, and what part of the network
            could not be restored; one line each.
    """

    values: Mapping[str, int]
    evidence: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[float, ...]:
        """The 15 values as the first 15 of a GM's label values, in the schema's order."""
        return tuple(float(value) for value in self.values.values())

    def class_name(self, parameter: str) -> str:
        """Returns the name of a discrete parameter's class, such as `batch`."""
        known = {p.name: p.classes for p in DISCRETE}
        return known[parameter][self.values[parameter]]

    def to_dict(self) -> dict[str, Any]:
        """Returns values (counts as numbers, classes by name), evidence and warnings."""
        return {
            "values": {
                p.name: self.class_name(p.name) if p.classes else self.values[p.name]
                for p in _ARCHITECTURE
            },
            "evidence": {name: list(lines) for name, lines in self.evidence.items()},
            "warnings": list(self.warnings),
        }

    def rows(self, *, full: bool = False) -> list[tuple[str, str, str]]:
        """Returns the name, value and evidence of each parameter, for a table.

        Args:
            full: Whether to give all evidence, one line each, rather than its first line.
        """
        rows = []
        for name, value in self.to_dict()["values"].items():
            lines = self.evidence[name]
            short = [*lines[:1], f"and {len(lines) - 1} more"] if len(lines) > 1 else list(lines)
            text = "\n".join(lines) if full else " ".join(short)
            rows.append((name, f"{value:,}" if isinstance(value, int) else value, text))
        return rows

    def __str__(self) -> str:
        """Returns the values, with their evidence in short, as a plain-text table."""
        rows = self.rows()
        name_width, value_width = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines = [
            f"{name:<{name_width}}  {value:>{value_width}}  {text}".rstrip()
            for name, value, text in rows
        ]
        return "\n".join([*lines, *(f"warning: {warning}" for warning in self.warnings)])


def measure(module: nn.Module, example: Tensor | tuple[Any, ...] | dict[str, Any]) -> Measurement:
    """Measures the 15 architecture values of a network.

    The network runs on the example once (twice if it uses a tensor that comes from no visible
    call), in evaluation mode and without gradients; afterwards everything that it holds, torch's
    modes and the random number generators are as they were. What does not run is not counted.

    Args:
        module: Any network.
        example: What the forward pass takes: a tensor, a tuple of positional arguments or a
            dictionary of keyword arguments. A batch of one works best. The network gets copies of
            the tensors, on the device of its own first weight.

    Raises:
        NetworkError: `module` is not a network that can be inspected, or its forward pass fails
            on this example; the message gives the shapes and the reason.

    Examples:
        >>> import gmbench
        >>> from torch import nn, randn
        >>> network = nn.Sequential(
        ...     nn.Linear(8, 16), nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 3, 3), nn.Tanh()
        ... )
        >>> labels = gmbench.measure(network, randn(1, 8)).values
        >>> labels["conv_layers"], labels["fc_layers"], labels["norm_layers"]
        (1, 1, 0)
    """
    with naming_extras():
        from gmbench.measuring.keeping import all_tensors

    module = _network(module)
    trace, refused = _pass(module, example)
    if trace.unseen:
        # Tensors from no call may be constants outside the network, which take long to find.
        trace, refused = _pass(module, example, all_tensors())
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    found = {**_counts(trace, names), **_classes(trace)}
    return Measurement(
        values={p.name: found[p.name][0] for p in _ARCHITECTURE},
        evidence={p.name: tuple(found[p.name][1]) for p in _ARCHITECTURE},
        warnings=(*_warnings(trace, names), *(f"Not put back as it was: {r}." for r in refused)),
    )


def _pass(
    module: nn.Module, example: Any, before: Sequence[Tensor] = ()
) -> tuple[Trace, list[str]]:
    """Returns what a forward pass did, and what part of the network could not be restored.

    Args:
        module: The network.
        example: What the forward pass takes.
        before: Tensors that exist before the pass, besides those that the network holds.
    """
    from gmbench.measuring.recorder import record
    from gmbench.measuring.untouched import copied, untouched

    device = next((t.device for t in (*module.parameters(), *module.buffers())), None)
    inputs = copied(example if isinstance(example, (dict, tuple)) else (example,), device)
    args, kwargs = ((), inputs) if isinstance(inputs, dict) else (inputs, {})
    try:
        with untouched(module) as kept:
            trace = record(module, args, kwargs, (*kept.tensors, *before))
    except (Exception, SystemExit) as error:
        raise NetworkError(_failure(module, (*args, *kwargs.values()), error)) from error
    return trace, kept.refused


def _warnings(trace: Trace, names: Mapping[int, str]) -> Iterator[str]:
    """Yields the reasons why values may be wrong."""
    for where in trace.unseen:
        yield (
            f"{where} uses a tensor that came from no call that can be seen, such as one of an "
            "extension or of NumPy. What lies behind that call is not counted, and no skip "
            "connection or block over it is found."
        )
    for call in trace.uncounted:
        weights = ", ".join(_sized(weight, names) for weight in call.weights) or "packed ones"
        yield (
            f"{call.where} calls {call.function}, which is not counted as a layer, with weights "
            f"that belong to no layer: {weights}."
        )


def _sized(weight: Tensor, names: Mapping[int, str]) -> str:
    return f"{names.get(id(weight), '(not registered)')}: {weight.numel():,}"


Found = tuple[int, Iterable[str]]
"""A value and its evidence."""


def _counts(trace: Trace, names: Mapping[int, str]) -> dict[str, Found]:
    """Returns the nine counts; `names` are those of the parameters, by id."""
    by_kind = {kind: [call.description for call in trace.chosen(kind)] for kind in LAYERS}
    convolutions = trace.chosen(Kind.CONV)
    blocks = find_blocks(trace)
    members = [
        f"block {number} ({len(block)}): "
        + "; ".join(trace.calls[index].description for index in block)
        for number, block in enumerate(blocks.members, start=1)
    ]
    sizes = Counter(len(block) for block in blocks.members)
    return {
        "layers": (
            sum(map(len, by_kind.values())),
            [" + ".join(f"{len(lines)} {kind}" for kind, lines in by_kind.items())],
        ),
        **{f"{kind}_layers": (len(lines), lines) for kind, lines in by_kind.items()},
        "filters": (sum(c.filters for c in convolutions), by_kind[Kind.CONV]),
        "layers_per_block": (
            blocks.layers_per_block,
            [f"{count} of {size}" for size, count in sorted(sizes.items())],
        ),
        "blocks": (len(members), members),
        "parameters": (
            sum(parameter.numel() for parameter in trace.parameters),
            [_sized(parameter, names) for parameter in trace.parameters],
        ),
    }


def _classes(trace: Trace) -> dict[str, Found]:
    """Returns the six class indices."""
    weighted = trace.chosen(*WEIGHT_LAYERS)
    end = weighted[-1].index if weighted else -1
    nonlinear = [
        call
        for call in trace.chosen(Kind.NONLINEARITY)
        # A softmax inside a network weighs attention; at its end it is an output.
        if call.function not in words.SOFTMAX or call.index > end
    ]
    inner = [call for call in nonlinear if call.index < end]
    ups = [call for call in trace.calls if call.upsampling]
    downs = [call for call in trace.calls if call.downsampling]
    skips = [bypass for bypass in trace.bypasses if not bypass.part]
    return {
        "normalization": _majority(
            "normalization", [(c.family, c) for c in trace.chosen(Kind.NORM)], default="none"
        ),
        "last_nonlinearity": _majority(
            "last_nonlinearity", [(words.LAST_CLASSES[c.family], c) for c in nonlinear[-1:]]
        ),
        "block_nonlinearity": _majority(
            "block_nonlinearity", [(words.BLOCK_CLASSES[c.family], c) for c in inner]
        ),
        "upsampling": _majority("upsampling", [(c.upsampling, c) for c in ups]),
        "skip_connection": (int(bool(skips)), [skip.description for skip in skips]),
        "downsampling": (int(bool(downs)), [call.description for call in downs]),
    }


def _majority(parameter: str, votes: list[tuple[str, Call]], default: str = "") -> Found:
    """Returns the most frequent class (the schema's first of equal ones) and its evidence.

    Args:
        parameter: Name of a discrete parameter.
        votes: Pairs of a class and the call that votes for it.
        default: The class if there are no votes; by default the schema's first.
    """
    classes = get_parameter(parameter).classes
    counts = Counter(name for name, _ in votes)
    winner = max(classes, key=lambda name: counts[name]) if votes else default or classes[0]
    return classes.index(winner), [call.description for name, call in votes if name == winner]


def _network(module: object) -> nn.Module:
    """Returns the module whose forward pass can be seen."""
    import torch

    if not isinstance(module, torch.nn.Module):
        raise NetworkError(f"An object of type {type(module).__name__} is no torch.nn.Module.")
    # A compiled module wraps the one from which it was made.
    module = getattr(module, "_orig_mod", module)
    assert isinstance(module, torch.nn.Module)
    for name, part in module.named_modules():
        place = f"{name or 'the network'} ({type(part).__name__})"
        if isinstance(part, torch.jit.ScriptModule):
            raise NetworkError(
                f"{place} is compiled to TorchScript, which cannot be looked into. "
                "Give the network that it was made of."
            )
        tensors = (*part.parameters(recurse=False), *part.buffers(recurse=False))
        if any(torch.nn.parameter.is_lazy(tensor) for tensor in tensors):
            raise NetworkError(
                f"{place} has no weights yet, because its size is taken from the first input. "
                "Run the network once before it is measured."
            )
    return module


def _failure(module: nn.Module, inputs: Iterable[Any], error: BaseException) -> str:
    """Returns the error message for a failed forward pass: the shapes, the reason, a remedy."""
    import inspect

    import torch

    shapes = ", ".join(
        f"{tuple(i.shape)} {str(i.dtype).removeprefix('torch.')}"
        if isinstance(i, torch.Tensor)
        else type(i).__name__
        for i in inputs
    )
    reason = one_line(error)
    kind = "it ends the program" if isinstance(error, SystemExit) else type(error).__name__
    try:
        takes = ", ".join(inspect.signature(module.forward).parameters)
    except ValueError:
        takes = "..."  # what is built in has no signature
    if "positional argument" in reason or "keyword argument" in reason:
        hint = "Give one input for each of its arguments."
    elif any(word in reason for word in ("dtype", "scalar type", "Long", "Int")):
        hint = "An input may have to be of another dtype, such as int64."
    else:
        hint = "Shapes begin with the batch: (1, 100) for a latent, (1, 3, 64, 64) for an image."
    return (
        f"The forward pass of {type(module).__name__} fails on {shapes or 'no input'}: "
        f"{kind}: {reason.rstrip('.')}. It takes ({takes}). {hint}"
    )
