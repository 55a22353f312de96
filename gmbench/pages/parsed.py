"""Human-readable output of parsing: as sentences, as a table, and as a standalone page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gmbench.pages.environment import render

VERDICTS: Mapping[str, str] = {
    "known": "at least 90% sure, or narrowed to a quarter of the known models",
    "likely": "at least two in three, or narrowed to three fifths",
    "unknown": "the images do not tell",
}
"""Meaning of each verdict, in display order."""


@dataclass(frozen=True)
class Line:
    """One parameter as displayed.

    Attributes:
        name: Name in the schema.
        value: The class, the count, or the range of a count that is not known.
        sure: How certain the value is: a probability, an interval, a deviation, or empty.
        bars: Classes with their probabilities, most probable first; empty for a count.
    """

    name: str
    value: str
    sure: str
    bars: tuple[tuple[str, float], ...] = ()


def lines_of(facts: Mapping[str, Any]) -> dict[str, list[Line]]:
    """Returns the displayed parameters by verdict; those without a verdict are under "".

    Args:
        facts: Output of `ParsedGM.to_dict()`.
    """
    lines: dict[str, list[Line]] = {}
    for one in facts["parameters"]:
        lines.setdefault(one["verdict"] or "", []).append(_line(one))
    order = [*VERDICTS, ""]
    return {verdict: lines[verdict] for verdict in order if verdict in lines}


def _line(one: Mapping[str, Any]) -> Line:
    if one["confidence"] is not None:
        bars = sorted((one["probabilities"] or {}).items(), key=lambda pair: -pair[1])
        return Line(one["name"], one["value"], f"{one['confidence']:.0%}", tuple(bars))
    value = count_text(one["value"])
    interval = one["interval"]
    if interval is None:
        spread = one["spread"]
        return Line(one["name"], value, "" if spread is None else f"± {count_text(spread)}")
    low, high = (count_text(interval[end]) for end in ("low", "high"))
    if low == high:
        return Line(one["name"], value, "")
    if one["verdict"] == "unknown":
        return Line(one["name"], f"{low} to {high}", "")
    return Line(one["name"], value, f"{low} to {high}")


def count_text(value: float) -> str:
    """Returns a count in readable form: `31`, `1,280`, `4.2 million`."""
    if value < 1e6:
        return f"{value:,.0f}"
    return f"{value / 1e6:.3g} million" if value < 999.5e6 else f"{value / 1e9:.3g} billion"


def sentences_of(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns sentences about the images as a whole; empty if the parser cannot tell.

    Args:
        facts: Output of `ParsedGM.to_dict()`.
    """
    origin, said = facts["origin"], []
    if facts["relatives"]:
        nearest = ", ".join(f"{one['gm']} {one['share']:.0%}" for one in facts["relatives"])
        said.append(f"Most like: {nearest}.")
    if origin is None:
        return tuple(said)
    if origin["unlike_anything"]:
        said.insert(
            0,
            "Unlike anything known: of the images of models never seen only "
            f"{origin['farther']:.0%} lie farther from all known ones. What follows is a guess.",
        )
    if origin["looks_real"]:
        said.insert(
            0, "These look like real images more than made ones; then nothing here has a meaning."
        )
    if origin["mixed"]:
        said.append("These look like images of several models: `gmbench parse --group` parts them.")
    return tuple(said)


def table_of(facts: Mapping[str, Any]) -> str:
    """Returns a parsed GM as an HTML fragment, for a notebook.

    Args:
        facts: Output of `ParsedGM.to_dict()`.
    """
    return render("parsed_notebook.html.j2", **_values(facts))


def page_of(facts: Mapping[str, Any], pictures: Sequence[tuple[str, str, bytes]]) -> str:
    """Returns a parsed GM as a self-contained HTML page.

    Args:
        facts: Output of `ParsedGM.to_dict()`.
        pictures: Title, text and PNG data of each picture.
    """
    shown = [
        (title, text, f"data:image/png;base64,{base64.b64encode(png).decode()}")
        for title, text, png in pictures
    ]
    return render("parsed.html.j2", pictures=shown, **_values(facts))


def _values(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "n_images": facts["n_images"],
        "sentences": sentences_of(facts),
        "groups": lines_of(facts),
        "meanings": VERDICTS,
        "trained_on": parser_text(facts["trained_on"]),
    }


def parser_text(trained_on: Mapping[str, Any]) -> str:
    """Returns a description of a parser and what it was trained on."""
    gms = trained_on.get("n_gms") or len(trained_on.get("gms", ()))
    return f"{trained_on.get('baseline', 'parser')}, trained on {gms} models"
