"""Plans of networks that follow a row of labels: blocks, and the layers around them.

A row specifies the numbers of layers by type, the number of blocks and their number of layers, as
`gmbench.measuring` counts them (docs/labels.md). There are two ways to form blocks:

- **bypassed**: each block is the sum of a value and of the output of layers on it. Blocks can hold
  all layers of a row: where the row has more layers than its blocks of the required size would
  hold, half of the blocks may be larger, since the most common size counts;
- **grouped**: a block is a convolution (or fully connected layer) with the norms after it. A skip
  connection, where the row has one, is then one that forms no block: past a change of size.

Nothing here depends on torch: a plan consists of numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gmbench.errors import GmbenchError
from gmbench.schema import CONTINUOUS, DISCRETE

COUNTS: tuple[str, ...] = (
    "conv_layers",
    "fc_layers",
    "pool_layers",
    "norm_layers",
    "layers_per_block",
    "blocks",
)
"""The counts from which a network is planned; the others follow, or depend on layer widths."""

WIDTHS: tuple[int, ...] = (32, 24, 16, 8)
"""Possible numbers of filters at 16 x 16 pixels."""


@dataclass(frozen=True, slots=True)
class Row:
    """Requirements on a network: six counts, and the six classes by name."""

    conv_layers: int
    fc_layers: int
    pool_layers: int
    norm_layers: int
    layers_per_block: int
    blocks: int
    normalization: str
    last_nonlinearity: str
    block_nonlinearity: str
    upsampling: str
    skip_connection: str
    downsampling: str

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Row:
        """Reads a row of labels.

        Args:
            values: By parameter: counts in natural units, classes by index or by name. Other
                parameters are ignored.

        Raises:
            GmbenchError: A count is missing, negative or not whole, or a class does not exist.
        """
        found: dict[str, Any] = {}
        for name in COUNTS:
            value: Any = values.get(name)
            if value is None or float(value) != int(value) or value < 0:
                raise GmbenchError(f"{name} is {value}: give a whole number of 0 or more.")
            found[name] = int(value)
        for parameter in DISCRETE:
            value = values.get(parameter.name)
            if value in range(len(parameter.classes)):
                value = parameter.classes[int(value)]
            if value not in parameter.classes:
                raise GmbenchError(
                    f"{parameter.name} is {value}: give one of {', '.join(parameter.classes)}."
                )
            found[parameter.name] = value
        return cls(**found)

    @property
    def layers(self) -> int:
        """Total number of layers."""
        return self.conv_layers + self.fc_layers + self.pool_layers + self.norm_layers

    def to_dict(self) -> dict[str, Any]:
        """Returns the row as JSON values, with `layers`; `of` reads it back."""
        return {"layers": self.layers, **asdict(self)}

    def values(self) -> dict[str, int]:
        """Returns what `measure` should find, by parameter: counts and class indices."""
        found = {"layers": self.layers} | {name: getattr(self, name) for name in COUNTS}
        for parameter in DISCRETE:
            found[parameter.name] = parameter.classes.index(getattr(self, parameter.name))
        return {p.name: found[p.name] for p in (*CONTINUOUS, *DISCRETE) if p.name in found}


@dataclass(frozen=True, slots=True)
class Unit:
    """Layers that belong together: a bypassed block, or a layer with the norms after it."""

    convs: int = 0
    fcs: int = 0
    norms: int = 0
    pools: int = 0

    @property
    def layers(self) -> int:
        """Total number of layers."""
        return self.convs + self.fcs + self.norms + self.pools


@dataclass(frozen=True, slots=True)
class Plan:
    """The composition of a network.

    Attributes:
        blocks: Bypassed blocks of convolutions.
        full_blocks: Bypassed blocks of fully connected layers.
        convs: Number of norms after each convolution outside bypassed blocks; the last of these
            convolutions is the network's last, and the first is its first where it starts from an
            image.
        fcs: The same for fully connected layers.
        norms: Norms that follow no layer with weights.
        pools: Pooling layers outside bypassed blocks.
        connected: Whether to add a skip connection that forms no block.
        partial: Whether only a part of a value bypasses a block, as in a coupling: a block, but no
            skip connection.
    """

    blocks: tuple[Unit, ...]
    full_blocks: tuple[Unit, ...]
    convs: tuple[int, ...]
    fcs: tuple[int, ...]
    norms: int
    pools: int
    connected: bool = False
    partial: bool = False

    def found_blocks(self) -> tuple[int, int]:
        """Returns the layers per block and the number of blocks that are counted for the plan."""
        sorts: dict[tuple[str, int], int] = Counter(
            [("conv", norms) for norms in self.convs] + [("fc", norms) for norms in self.fcs]
        )
        bypassed = Counter(unit.layers for unit in (*self.blocks, *self.full_blocks))
        covered = sum(size * count for size, count in bypassed.items())
        best = max(sorts, key=lambda sort: (sorts[sort] * (sort[1] + 1), sort[1]), default=None)
        if best is None or (covered and covered >= sorts[best] * (best[1] + 1)):
            most = max(bypassed.values(), default=0)
            size = min((size for size, count in bypassed.items() if count == most), default=0)
            return size, sum(bypassed.values())
        return best[1] + 1, sorts[best]


@dataclass(frozen=True, slots=True)
class Ends:
    """Layers that a type of network has at its ends, outside any block.

    Attributes:
        convs: Convolutions: none in a network of fully connected layers, the last one where it
            starts from noise, the first and the last where it starts from an image.
        fcs: Fully connected layers: from noise to a map, or to the scores of a classifier.
    """

    convs: int
    fcs: int


def plan_row(row: Row, ends: Ends) -> Plan:
    """Plans a network.

    Args:
        row: Row to plan for.
        ends: Layers at its ends; not more than the row has.

    Returns:
        A plan with the row's numbers of layers. Its blocks are the row's where possible.
    """
    grouped, bypassed = _grouped(row), _bypassed(row, ends)
    wanted = (row.layers_per_block, row.blocks)
    if row.skip_connection == "no":
        bypassed = None if bypassed is None else replace(bypassed, partial=True)
        return bypassed if bypassed and grouped.found_blocks() != wanted else grouped
    connected = replace(grouped, connected=True)
    left = row.norm_layers - row.blocks * (row.layers_per_block - 1)
    fits = grouped.found_blocks() == wanted and row.layers_per_block == 2 and 0 <= left <= 2
    return bypassed if bypassed and not fits else connected


def _grouped(row: Row) -> Plan:
    """Plans groups of a layer with norms after it, the last convolution without any."""
    convs, fcs = [0] * row.conv_layers, [0] * row.fc_layers
    norms, blocks, each = row.norm_layers, row.blocks, row.layers_per_block - 1
    if each < 0:
        # A row without blocks gets as many as there are norms.
        blocks, each = norms, 1
    of_blocks = convs if len(convs) > blocks or len(convs) >= len(fcs) else fcs
    if each > 0:
        for place in range(min(blocks, len(of_blocks))):
            if norms >= each:
                of_blocks[place] += each
                norms -= each
    others = [(which, place) for which in (fcs, convs) for place, n in enumerate(which) if n == 0]
    free = [(which, place) for which, place in others if which is not of_blocks]
    if each == 0:
        # Blocks are layers without norms: all layers in excess get norms.
        free = [(which, place) for which, place in others][: max(0, len(others) - blocks)]
    for which, place in free:
        if norms and (which is not of_blocks or each != 1):
            which[place] += 1
            norms -= 1
    return Plan((), (), tuple(convs), tuple(fcs), norms, row.pool_layers)


def _bypassed(row: Row, ends: Ends) -> Plan | None:
    """Plans bypassed blocks; None where the row has no room for them."""
    for extra in (*range(row.layers), -1, -2):
        sizes = _sizes(row.blocks, row.layers_per_block, extra)
        if not sizes or sum(sizes) > row.layers - ends.convs - ends.fcs:
            continue
        for full in range(len(sizes) + 1):
            plan = _filled(row, ends, sizes[full:], sizes[:full])
            if plan and plan.found_blocks() == (row.layers_per_block, row.blocks):
                return plan
    return None


def _sizes(blocks: int, size: int, extra: int) -> list[int]:
    """Returns the layers of each block, largest first.

    Half of them may hold `extra` more in all; with an `extra` below 0, the last ones hold one less.
    """
    larger = blocks // 2
    if not blocks or not size or (extra and not larger) or (extra < 0 and size < 2):
        return []
    if extra < 0:
        return [size] * (blocks + extra) + [size - 1] * -extra if -extra <= larger else []
    grown = [size + extra // max(larger, 1) + (place < extra % larger) for place in range(larger)]
    return grown + [size] * (blocks - larger)


def _filled(row: Row, ends: Ends, sizes: list[int], full: list[int]) -> Plan | None:
    """Distributes the layers of a row; None where they do not suffice.

    Args:
        row: The row.
        ends: Layers outside the blocks.
        sizes: Layers of each block of convolutions.
        full: Layers of each block of fully connected layers.
    """
    convs, fcs = row.conv_layers - ends.convs, row.fc_layers - ends.fcs - sum(full)
    total = sum(sizes)
    least = max(0, total - max(convs, 0) - row.pool_layers)
    most = min(row.norm_layers, total - len(sizes))
    if convs < len(sizes) or fcs < 0 or least > most:
        return None
    share = row.norm_layers / max(row.norm_layers + row.conv_layers, 1)
    norms = min(max(round(total * share), least), most)
    inside = min(convs, total - norms)
    pools = total - norms - inside
    units = _dealt(sizes, inside, norms, pools)
    if units is None:
        return None
    outside, left = [0] * (row.conv_layers - inside), row.norm_layers - norms
    for place in range(len(outside) - 1):
        if left:
            outside[place], left = 1, left - 1
    outer_fcs = [0] * (row.fc_layers - sum(full))
    for place in range(len(outer_fcs)):
        if left:
            outer_fcs[place], left = 1, left - 1
    return Plan(
        units,
        tuple(Unit(fcs=size) for size in full),
        tuple(outside),
        tuple(outer_fcs),
        left,
        row.pool_layers - pools,
    )


def _dealt(sizes: list[int], convs: int, norms: int, pools: int) -> tuple[Unit, ...] | None:
    """Deals layers to blocks, types evenly and at least one convolution to each."""
    units: list[Unit] = []
    for place, size in enumerate(sizes):
        rest = sum(sizes[place:])
        later = len(sizes) - place - 1
        n_pools = min(round(size * pools / rest), size - 1, pools)
        n_norms = min(round(size * norms / rest), size - 1 - n_pools, norms)
        n_convs = size - n_pools - n_norms
        if convs - n_convs < later:
            n_convs = max(1, convs - later)
            n_norms = min(norms, size - n_convs - n_pools)
            n_pools = size - n_convs - n_norms
        if n_pools > pools or n_convs > convs:
            return None
        units.append(Unit(convs=n_convs, norms=n_norms, pools=n_pools))
        convs, norms, pools = convs - n_convs, norms - n_norms, pools - n_pools
    return tuple(units) if (convs, norms, pools) == (0, 0, 0) else None


def width_like(filters: float, convs: int) -> int:
    """Returns the one of `WIDTHS` that corresponds to a published network's filters.

    The wider of two networks stays the wider. 450 filters per convolution become 32, and a quarter
    of that becomes half as many, as the published ones differ by a factor of 50.

    Args:
        filters: Filters of all its convolutions; 0 if unknown.
        convs: Number of its convolutions.
    """
    wanted = 32.0 * (filters / convs / 450.0) ** 0.5 if filters and convs else 24.0
    return min(WIDTHS, key=lambda width: abs(width - wanted))
