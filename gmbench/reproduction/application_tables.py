"""The paper's tables of applications, 10 to 12 (section 4.5), and how each is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gmbench.benchmark.published import PaperCell, paper_cells, paper_row
from gmbench.reproduction.experiments import AttackRun, AttributionRun, DetectionRun
from gmbench.reproduction.result import Cell, Line, Order
from gmbench.reproduction.setting import Setting

DETECTION = DetectionRun()
ATTRIBUTIONS: Mapping[str, AttributionRun] = {
    "accuracy_celeba": AttributionRun("faces"),
    "accuracy_lsun": AttributionRun("photos"),
}
"""The runs that replace the paper's images, by column of Table 12."""

_ATTACKED = ("auc", "accuracy")
_DETECTORS: Mapping[str, str] = {
    "fingerprint": "Fingerprint",
    "image_fingerprint": "Image and fingerprint",
    "image_fingerprint_phase": "Image, fingerprint and phase",
    "model_parsing": "Fingerprint, first trained to parse",
    "one_number": "One number of an image, the trivial baseline",
}
_OTHER_TRAINING: Mapping[str, str] = {
    "fingerprint_uadfv": "Fingerprint, trained on UADFV",
    "fingerprint_dffd": "Fingerprint, trained on DFFD",
    "fingerprint_dffd_uadfv": "Fingerprint, trained on DFFD and UADFV",
}
_ATTRIBUTORS: Mapping[str, str] = {
    "knn": "kNN",
    "eigenface": "Eigenface",
    "prnu": "PRNU",
    "gan_fingerprint": "Yu et al.",
    "fingerprint": "FEN, the paper's method",
}
_OURS = "fingerprint"


def attack_table(setting: Setting) -> tuple[list[Line], list[Order]]:
    """Makes Table 10: do two images come from the same GM?"""
    found, paper = AttackRun().result(setting), paper_cells("10")
    rows = {"fingerprint": ("fen", "FEN"), "parsed": ("fen_pn", "FEN + PN")}
    lines = []
    for name, method in found.methods.items():
        key, title = rows.get(name, ("", name.replace("_", " ").capitalize()))
        ours = {
            m: Cell(s.value, s.ci) for m, s in (("auc", method.auc), ("accuracy", method.accuracy))
        }
        note = "" if key else method.meaning
        lines.append(Line(title, paper_row(paper, key, _ATTACKED), ours, note))
    orders = []
    for one in found.differences:
        if {one.first, one.second} == set(rows) and one.metric in _ATTACKED:
            sign = 1.0 if one.first == "parsed" else -1.0
            gained = None if one.difference is None else sign * one.difference
            ends = one.ci if one.ci is None or sign > 0 else (-one.ci[1], -one.ci[0])
            expected = paper["fen_pn", one.metric].value - paper["fen", one.metric].value
            orders.append(Order("FEN + PN", "FEN", one.metric, expected, gained, ends, one.p_value))
    return lines, orders


def detection_table(setting: Setting) -> tuple[list[Line], list[Order]]:
    """Makes Table 11: is an image real?"""
    found, paper = DETECTION.result(setting), paper_cells("11")
    lines, orders = [], []
    for name, title in _DETECTORS.items():
        one = found["detectors"][name]
        ours = {"auc": _cell(one["auc"])}
        if name != "one_number":
            ours["gain"] = _cell(one["gain"])
        lines.append(Line(title, paper_row(paper, name, ("auc",)), ours))
        if name != _OURS and (name, "auc") in paper:
            orders.append(_order(_DETECTORS, name, "auc", paper, one["less_fingerprint"]))
    lines += [
        Line(title, paper_row(paper, name, ("auc",)), {}) for name, title in _OTHER_TRAINING.items()
    ]
    return lines, orders


def attribution_table(setting: Setting) -> tuple[list[Line], list[Order]]:
    """Makes Table 12: which of four GMs made an image, or is it real?"""
    found = {column: run.result(setting) for column, run in ATTRIBUTIONS.items()}
    paper = paper_cells("12")
    lines, orders = [], []
    for name, title in _ATTRIBUTORS.items():
        told = {column: result["methods"][name] for column, result in found.items()}
        ours = {column: _cell(one["accuracy"]) for column, one in told.items()}
        lines.append(Line(title, paper_row(paper, name, tuple(found)), ours))
        orders += [
            _order(_ATTRIBUTORS, name, column, paper, one["less_ours"])
            for column, one in told.items()
            if name != _OURS and (name, column) in paper
        ]
    lines.append(Line("Guessing", {}, {c: Cell(one["chance"]) for c, one in found.items()}))
    return lines, orders


def _order(
    titles: Mapping[str, str],
    name: str,
    metric: str,
    paper: Mapping[tuple[str, str], PaperCell],
    less_ours: Mapping[str, Any],
) -> Order:
    """Returns the order of a method and the paper's, with the one ahead in the paper first.

    Args:
        titles: Row titles by method.
        name: The method.
        metric: The metric to compare.
        paper: The paper's figures.
        less_ours: The method's score minus that of the paper's method, with an uncorrected p-value.
    """
    expected = paper[_OURS, metric].value - paper[name, metric].value
    sign = -1.0 if expected >= 0 else 1.0
    better, worse = (_OURS, name) if expected >= 0 else (name, _OURS)
    value, ends = sign * less_ours["value"], less_ours["ci"]
    if ends is not None:
        low, high = sorted(sign * end for end in ends)
        ends = (low, high)
    p = less_ours["p_value"]
    return Order(titles[better], titles[worse], metric, abs(expected), value, ends, p)


def _cell(estimate: Mapping[str, Any]) -> Cell:
    ends = estimate["ci"]
    return Cell(estimate["value"], None if ends is None else (ends[0], ends[1]))
