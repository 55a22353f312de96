"""The tables of docs/parser.md, from the parser's configuration and the benchmarks' results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gmbench.parsing.train import LEVELS, METRICS

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "gmbench" / "tables" / "parser" / "config.json"
ROBUSTNESS = ROOT / "docs" / "results" / "parser_robustness.json"
UNSEEN = ROOT / "docs" / "results" / "parser_unseen.json"
MORE_GMS = {
    "all": ROOT / "docs" / "results" / "parser_more_gms.json",
    "of other networks, within red116's ranges": ROOT / "docs" / "results" / "parser_more_few.json",
}
"""Results of knowing further GMs, by which of them were known."""


def parser(page: Path, what: str, names: list[str], options: list[str]) -> list[str]:
    """Returns the rows of one table of the parser.

    Args:
        page: The page that contains it.
        what: `known`, `accuracy`, `parameters`, `calibration`, `real`, `robustness`, `groups` or
            `more`.
        names: The domains that it covers, if it distinguishes any.
        options: Unused.
    """
    del page, options
    trained_on = json.loads(CONFIG.read_text(encoding="utf-8"))["trained_on"]
    return _TABLES[what](trained_on, names)


def _known(trained_on: dict[str, Any], names: list[str]) -> list[str]:
    del names
    replicas = sum(name.startswith("MINI_") for name in trained_on["gms"])
    rows = [
        ["published models, by images of their own", str(trained_on["n_gms"] - replicas)],
        ["replicas of published models (mini116)", str(replicas)],
        ["groups of real images", str(len(trained_on["real"]))],
        ["images in all", f"{trained_on['n_images']:,}"],
        ["changed copies of each", str(trained_on["copies"])],
    ]
    return _table(["known", "number"], rows)


def _accuracy(trained_on: dict[str, Any], names: list[str]) -> list[str]:
    rows = []
    for domain in names:
        found = trained_on["accuracy"][domain]
        for level, title in LEVELS.items():
            cells = [_with_ends(found[level][metric]) for metric in METRICS]
            rows.append([f"{found['n_gms']} {domain}: {title}", *cells])
    return _table(["models left out", *METRICS.values()], rows)


def _parameters(trained_on: dict[str, Any], names: list[str]) -> list[str]:
    heading, found = ["parameter"], [trained_on["accuracy"][domain] for domain in names]
    for domain in names:
        heading += [domain, "labels alone"]
    rows = []
    for parameter in found[0]["parameters"]:
        cells = [parameter]
        for one in found:
            cells.append(_with_ends(one["parameters"][parameter]))
            cells.append(f"{one['parameters_labels_alone'][parameter][0]:.3f}")
        rows.append(cells)
    return _table(heading, rows)


def _calibration(trained_on: dict[str, Any], names: list[str]) -> list[str]:
    rows = []
    for domain in names:
        found = trained_on["accuracy"][domain]
        for level, title in (("calibration", "an image"), ("calibration_gm", "all images")):
            errors = [f"{found[level][kind]['error_of_all']:.3f}" for kind in ("classes", "losses")]
            held = sorted(found["coverage"].values()) if level == "calibration" else []
            mean = f"{sum(held) / len(held):.0%} ({held[0]:.0%} to {held[-1]:.0%})" if held else ""
            rows.append([f"{domain}: {title}", *errors, mean])
    heading = ["models left out", "ECE of classes ↓", "ECE of losses ↓", "in intervals of 80%"]
    return _table(heading, rows)


def _real(trained_on: dict[str, Any], names: list[str]) -> list[str]:
    del names
    found = trained_on["accuracy"]["real_or_made"]
    rows = [
        [title, f"{found[key][0]:.1%} ± {found[key][1]:.1%}"]
        for key, title in (
            ("real_called_made", f"{found['n_real']} real images: not said to look real"),
            ("published_called_real", "images of published models: said to look real"),
            ("replicas_called_real", "images of replicas: said to look real"),
        )
        if found[key]
    ]
    return _table(["left out", "share ± standard error"], rows)


def _robustness(trained_on: dict[str, Any], names: list[str]) -> list[str]:
    del trained_on, names
    found = json.loads(ROBUSTNESS.read_text(encoding="utf-8"))
    rows = []
    for name, scores in found["scores"].items():
        before = (f"{found['without_copies'][name][metric][0]:.3f}" for metric in METRICS)
        rows.append([name, *(_with_ends(scores[metric]) for metric in METRICS), ", ".join(before)])
    heading = f"{found['n_gms']} published, {found['images_of_each']} images each"
    return _table([heading, *METRICS.values(), "without copies"], rows)


def _groups(trained_on: dict[str, Any], names: list[str]) -> list[str]:
    del trained_on
    found = json.loads(UNSEEN.read_text(encoding="utf-8"))
    rows = [
        [title, *(f"{found[domain][key]:.0%}" for domain in names)]
        for key, title in (
            ("whole", "8 of one stay whole with `--group`"),
            ("parted", "16 of two are parted with `--group`"),
            ("with_their_own", "... share of images in a group of mostly their own model"),
            ("one_called_several", "8 of one are refused as of several, unasked"),
            ("two_called_several", "16 of two are refused as of several, unasked"),
        )
    ]
    return _table([f"images of models left out, {found['draws']} draws", *names], rows)


def _more(trained_on: dict[str, Any], names: list[str]) -> list[str]:
    del trained_on
    rows = []
    for domain in names:
        for which, path in MORE_GMS.items():
            found = json.loads(path.read_text(encoding="utf-8"))
            differences = found[domain]["difference"]
            cells = ["{:+.3f} ({:+.3f} to {:+.3f})".format(*differences[key]) for key in METRICS]
            rows.append([f"{domain}: {found['added']} more, {which}", *cells])
    return _table(["models left out", *METRICS.values()], rows)


_TABLES = {
    "known": _known,
    "accuracy": _accuracy,
    "parameters": _parameters,
    "calibration": _calibration,
    "real": _real,
    "robustness": _robustness,
    "groups": _groups,
    "more": _more,
}


def _table(heading: list[str], rows: list[list[str]]) -> list[str]:
    lines = [heading, ["---"] * len(heading), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _with_ends(value: list[float]) -> str:
    return "{:.3f} ({:.3f} to {:.3f})".format(*value)
