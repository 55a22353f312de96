"""Agreement between the measured labels of replicas and the published rows they follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gmbench.benchmark.catalog import GM
from gmbench.benchmark.splits import PREFIX
from gmbench.errors import BenchmarkError
from gmbench.schema import LOSSES, NAMES, get_parameter
from gmbench.zoo.replica_table import published_gms
from gmbench.zoo.replicas import AIMED, UNAIMED, intended_row, planned_differences

UNPLANNED = "The network came out otherwise than intended."
"""The reason given for a difference that was not planned."""


@dataclass(frozen=True, slots=True)
class MeasuredDifference:
    """A cell in which a replica's label differs from the published row.

    Attributes:
        gm: Name of the published GM.
        parameter: Name of the parameter.
        published: Value in the published row.
        intended: Value that the replica aims at.
        measured: Value that the replica has.
        reason: Why they differ; `UNPLANNED` if the measured value is not the intended one.
    """

    gm: str
    parameter: str
    published: float
    intended: float
    measured: float
    reason: str


@dataclass(frozen=True)
class Agreement:
    """Comparison of measured and published labels over a population of replicas.

    Attributes:
        n_gms: Number of replicas.
        agree: Number of replicas whose two labels are equal, by parameter; without `UNAIMED`.
        differences: All other cells, by GM and then in the schema's order.
    """

    n_gms: int
    agree: dict[str, int]
    differences: tuple[MeasuredDifference, ...]

    @property
    def aimed_share(self) -> float:
        """Share of the `AIMED` cells, over all GMs, in which the two labels are equal."""
        return self._share(AIMED)

    @property
    def loss_share(self) -> float:
        """Share of the loss cells, over all GMs, in which the two labels are equal."""
        return self._share([loss.name for loss in LOSSES])

    def _share(self, names: Sequence[str]) -> float:
        return sum(self.agree[name] for name in names) / (len(names) * self.n_gms)

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
        return {
            "n_gms": self.n_gms,
            "aimed_share": self.aimed_share,
            "loss_share": self.loss_share,
            "agree": dict(self.agree),
            "differences": [asdict(found) for found in self.differences],
        }


def agreement(gms: Sequence[GM]) -> Agreement:
    """Compares replicas with the published rows that they follow.

    Args:
        gms: GMs with measured labels; those with names of replicas are compared.

    Raises:
        BenchmarkError: None of them is a replica, or labels of one are not known.
    """
    found = [
        gm
        for gm in gms
        if gm.name.startswith(PREFIX) and gm.name.removeprefix(PREFIX) in published_gms()
    ]
    if not found:
        raise BenchmarkError(
            f"None of the {len(gms)} GMs is a replica, which is called {PREFIX} and a published "
            "name, such as MINI_DCGAN."
        )
    if unknown := [gm.name for gm in found if None in gm.row()]:
        raise BenchmarkError(
            f"Not all labels of {', '.join(unknown)} are known. Those of replicas are measured: "
            "give a dataset that `gmbench zoo build --like` made."
        )
    compared = [name for name in NAMES if name not in UNAIMED]
    agree = dict.fromkeys(compared, 0)
    differences = []
    for gm in found:
        name = gm.name.removeprefix(PREFIX)
        published = dict(zip(NAMES, published_gms()[name].values, strict=True))
        measured = dict(zip(NAMES, gm.values, strict=True))
        intended, reasons = intended_row(name), {p.parameter: p for p in planned_differences(name)}
        for parameter in compared:
            aim, value = intended[parameter], measured[parameter]
            assert aim is not None
            if value == published[parameter]:
                agree[parameter] += 1
                continue
            reason = reasons[parameter].reason if value == aim else UNPLANNED
            differences.append(
                MeasuredDifference(name, parameter, published[parameter], aim, value, reason)
            )
    return Agreement(len(found), agree, tuple(differences))


def value_name(parameter: str, value: float) -> str:
    """Returns a label value in readable form: a class by name, a count or loss as a number."""
    classes = get_parameter(parameter).classes
    return classes[int(value)] if classes else f"{value:,.0f}"
