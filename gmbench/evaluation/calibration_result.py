"""What a result says about calibration, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gmbench.evaluation.intervals import Interval
from gmbench.evaluation.summary import Summary


@dataclass(frozen=True)
class Bin:
    """One point of a reliability curve.

    Attributes:
        low: Lower edge of the confidences.
        high: Upper edge.
        n: Number of confidences, one per image and parameter.
        n_gms: Number of GMs that have one, counted in each set.
        confidence: Mean confidence.
        frequency: Fraction that came true.
        ci: 95% interval of the frequency; None where undefined.
    """

    low: float
    high: float
    n: int
    n_gms: int
    confidence: float
    frequency: float
    ci: Interval | None


@dataclass(frozen=True)
class Reliability:
    """How far confidences are from what comes true, over the images of all sets together.

    Attributes:
        ece: Expected calibration error.
        ci: Its 95% interval; None where undefined.
        by_chance: The error to expect if the confidences were calibrated, because GMs are few.
        bins: The reliability curve: the non-empty bins.
    """

    ece: float
    ci: Interval | None
    by_chance: float
    bins: tuple[Bin, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Reliability:
        """Reads back the output of `dataclasses.asdict`, also from JSON."""
        bins = tuple(Bin(**{**one, "ci": one["ci"] and tuple(one["ci"])}) for one in data["bins"])
        return cls(data["ece"], data["ci"] and tuple(data["ci"]), data["by_chance"], bins)


@dataclass(frozen=True)
class Calibration:
    """Calibration of everything that predictions give probabilities for.

    Attributes:
        losses: All losses together: the score of each, and whether it is used.
        architecture: All discrete parameters with probabilities together: the probability of the
            predicted class, and whether it is right. None where there are no probabilities.
        arch_log_skill: 1 - log-loss / log-loss of the training base rates, for the same parameters.
        parameters: Each loss and each discrete parameter with probabilities on its own.
        probabilities_sha256: SHA-256 of the probabilities of classes; None where there are none.
    """

    losses: Reliability
    architecture: Reliability | None
    arch_log_skill: Summary | None
    parameters: dict[str, Reliability]
    probabilities_sha256: str | None

    @property
    def together(self) -> dict[str, Reliability]:
        """The losses and, where there are probabilities, the architecture; by name."""
        found = {"architecture": self.architecture, "losses": self.losses}
        return {name: one for name, one in found.items() if one is not None}

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Reads back the output of `to_dict`, also from JSON.

        Raises:
            KeyError: A key is missing.
            TypeError: A key is unexpected.
        """
        architecture, skill = data["architecture"], data["arch_log_skill"]
        return cls(
            losses=Reliability.from_dict(data["losses"]),
            architecture=architecture and Reliability.from_dict(architecture),
            arch_log_skill=skill and Summary.from_dict(skill),
            parameters={
                name: Reliability.from_dict(one) for name, one in data["parameters"].items()
            },
            probabilities_sha256=data["probabilities_sha256"],
        )
