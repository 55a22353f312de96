"""The calibration section of an evaluation report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gmbench.evaluation.calibration_result import Calibration, Reliability
from gmbench.pages.drawing import charts
from gmbench.pages.drawing.numbers import Figure, score, span
from gmbench.pages.drawing.reliability import Curve, curve
from gmbench.pages.drawing.scales import Scale, score_scale
from gmbench.pages.report.views import Value
from gmbench.schema import DISCRETE, LOSSES

_LEAST_AXIS = 0.2
"""Minimum upper end of the axis of errors."""


@dataclass(frozen=True, slots=True)
class Error:
    """A calibration error, and the error that calibrated confidences would have."""

    name: str
    meaning: str
    value: Value
    by_chance: Figure


@dataclass(frozen=True, slots=True)
class CurveView:
    """A reliability curve of several parameters together."""

    title: str
    answer: str
    error: Error
    curve: Curve


@dataclass(frozen=True, slots=True)
class ErrorPanel:
    """The errors of the parameters of one type."""

    title: str
    rows: tuple[Error, ...]


@dataclass(frozen=True, slots=True)
class CalibrationView:
    """The calibration section.

    Attributes:
        curves: Curves of the architecture, if there are probabilities, and of the losses.
        skill: Log-loss skill of the architecture against the base rates; None without
            probabilities.
        panels: The errors of each parameter.
        axis: Labels at the two ends of the axis of errors.
    """

    curves: tuple[CurveView, ...]
    skill: Value | None
    panels: tuple[ErrorPanel, ...]
    axis: tuple[str, str]


def calibration_view(calibration: Calibration) -> CalibrationView:
    """Returns the calibration section.

    Args:
        calibration: Calibration of a result.
    """
    parts = calibration.together | calibration.parameters
    ends = [end for one in parts.values() for end in (one.ece, one.by_chance, *(one.ci or ()))]
    scale = score_scale(ends, (0.0, 1.0), least_high=_LEAST_AXIS)
    meanings = {one.name: one.meaning for one in (*DISCRETE, *LOSSES)}
    of_parameters = {
        name: _error(name, meanings[name], one, scale)
        for name, one in calibration.parameters.items()
    }
    titles = {
        "architecture": ("Discrete parameters", "part that is right"),
        "losses": ("Losses", "part that is used"),
    }
    skill = calibration.arch_log_skill
    return CalibrationView(
        curves=tuple(
            CurveView(*titles[name], _error(name, "", one, scale), curve(one.bins))
            for name, one in calibration.together.items()
        ),
        skill=Value(score(skill.mean, skill.reason), span(skill.ci)) if skill else None,
        panels=_panels(of_parameters),
        axis=(f"{scale.low:g}", f"{scale.high:g}"),
    )


def _error(name: str, meaning: str, one: Reliability, scale: Scale) -> Error:
    return Error(
        name,
        meaning,
        # The mark of practical use shows the error by chance here.
        Value(score(one.ece), span(one.ci), bar=charts.bar(scale, one.ece, one.ci, one.by_chance)),
        score(one.by_chance),
    )


def _panels(errors: Mapping[str, Error]) -> tuple[ErrorPanel, ...]:
    of_types = {"Discrete parameters": DISCRETE, "Losses": LOSSES}
    panels = [
        ErrorPanel(title, tuple(errors[one.name] for one in group if one.name in errors))
        for title, group in of_types.items()
    ]
    return tuple(panel for panel in panels if panel.rows)
