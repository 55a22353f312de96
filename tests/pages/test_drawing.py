"""Numbers and axes as pages show them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gmbench.pages.drawing import numbers
from gmbench.pages.drawing.scales import Scale, score_scale, truth_scale


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (-0.5, "-0.500"),
        (-12.346, "-12.35"),
        (-1234.5, "-1,234"),
        (0.0, "0.000"),
        (-1e-9, "0.000"),
    ],
)
def test_scores(value: float, text: str) -> None:
    assert numbers.score(value).text == text.replace("-", numbers.MINUS)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.04, "0.040"),
        (0.000123, "1.2 x 10⁻⁴"),
        (9.97e-7, "1.0 x 10⁻⁶"),
        (0.0, "< 10⁻³⁰⁰"),
        (1.0, "1.000"),
    ],
)
def test_p_values(value: float, text: str) -> None:
    assert numbers.p_value(value).text == text.replace("x", numbers.TIMES)


@pytest.mark.parametrize(
    ("value", "text"),
    [(45.0, "45"), (26.62, "26.6"), (2652.19, "2,652"), (0.123, "0.12"), (-0.001, "0"), (10, "10")],
)
def test_quantities(value: float, text: str) -> None:
    assert numbers.quantity(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.145, "0.145"), (3 * 0.05, "0.15"), (-0.0, "0"), (-2.5, "-2.5"), (1e12, "1.0 x 10¹²")],
)
def test_labels_of_axes_of_scores_are_exact(value: float, text: str) -> None:
    wanted = text.replace("x", numbers.TIMES).replace("-", numbers.MINUS)
    assert numbers.score_label(value) == wanted


@pytest.mark.parametrize(
    "scale", [Scale(0, 8365), Scale(-3, 40, True), Scale(0.3, 267, True), Scale(-5e4, 1)]
)
def test_ticks_stand_on_the_axis_and_apart(scale: Scale) -> None:
    ticks = scale.ticks()
    places = [scale.place(tick) for tick in ticks]
    assert 3 <= len(ticks) <= 7
    assert all(scale.holds(tick) for tick in ticks)
    assert min(np.diff(places)) > 0.16
    assert (0 in ticks) == scale.holds(0)


def test_scales_fit_what_they_show() -> None:
    assert score_scale([0.2, 0.4], (0.0, math.inf), least_high=0.3).high == 0.4
    assert score_scale([0.2, 0.9], (0.0, 1.0)) == Scale(0.0, 1.0)
    assert score_scale([-0.46], (-math.inf, 1.0)).low == -0.6
    assert score_scale([-0.99], (-1.0, 1.0)).low == -1.0
    even, skewed = truth_scale([1, 5, 9], [1, 5, 9]), truth_scale([1, 1, 90], [1, 2, 3])
    assert (even.logarithmic, skewed.logarithmic) == (False, True)
    assert truth_scale([4, 5, 6, 7], [4, 5, 6, 1e6]).high < 30
    assert truth_scale([4], [3.9]).high - truth_scale([4], [3.9]).low >= 2
