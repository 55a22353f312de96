"""From a row of the table of replicas to the specification that is trained.

The layer structure is that of the label row (`options["row"]`); the other options are those of the
kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gmbench.schema import NAMES
from gmbench.zoo import game_options, likelihood_options
from gmbench.zoo.kinds.row_plan import Row, width_like
from gmbench.zoo.replica_table import Replica, published_gms
from gmbench.zoo.replicas import intended_row
from gmbench.zoo.specification import Specification

OPTIONS: Mapping[str, Callable[[Replica, Mapping[str, Any]], dict[str, Any]]] = {
    **game_options.OPTIONS,
    **likelihood_options.OPTIONS,
}
"""Function of a replica and its row that returns the other options, by kind."""

STEPS: Mapping[str, int] = {**game_options.STEPS, **likelihood_options.STEPS}
"""Training steps by family."""

STEPS_OF_SIZE: Mapping[int, int] = {32: 450, 64: 300}
"""Training steps of families that `STEPS` does not list, by height and width of the images."""


def specification_of(
    replica: Replica, seed: int = 0, values: Mapping[str, float | None] | None = None
) -> Specification:
    """Returns the specification that is trained to make a replica.

    Args:
        replica: A row of the table, or a GM that was drawn to be like its rows.
        seed: Seed of initialisation, training and sampling.
        values: Label values to aim at, by parameter: counts and class indices; None for those of
            `intended_row`, which knows the published GMs.

    Raises:
        GmbenchError: A value is missing, or is not one that a network can have.
    """
    row = Row.of(intended_row(replica.gm) if values is None else values).to_dict()
    return Specification(
        name=replica.name,
        kind=replica.kind,
        family=replica.family,
        content=replica.content,
        size=replica.size,
        losses=replica.losses,
        options={
            "row": row,
            "width": width_like(_filters(replica, values), row["conv_layers"]),
            **OPTIONS[replica.kind](replica, row),
        },
        steps=STEPS.get(replica.family, STEPS_OF_SIZE[replica.size]),
        seed=seed,
        source=replica.source,
    )


def _filters(replica: Replica, values: Mapping[str, float | None] | None) -> float:
    """Returns the given number of filters, or else that of the published network; 0 if unknown."""
    given = None if values is None else values.get("filters")
    if given is None and replica.gm in published_gms():
        given = published_gms()[replica.gm].values[NAMES.index("filters")]
    return given or 0.0
