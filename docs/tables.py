"""Writes the tables of measured results into the pages, from the results themselves.

    python docs/tables.py            # rewrites the tables of README.md, baselines/ and docs/
    python docs/tables.py --check    # says which page differs, and exits with 1

A table is enclosed by two comments. The first says which results it shows:

    <!-- scores mini116 seconds: full mean_mode -->  rows of baselines/NAME/results/mini116.json
    <!-- scores mini116 paper: full mean_mode -->    the paper's figures beside them
    <!-- pairs mini116-cv10: full-mean_mode -->      rows of baselines/comparisons/mini116-cv10.json
    <!-- detection faces: fingerprint -->            rows of docs/results/detection_faces.json
    <!-- attribution faces: fingerprint -->          rows of docs/results/attribution_faces.json
    <!-- content mini116: fingerprint -->            rows of docs/results/content_mini116.json
    <!-- parser accuracy: published -->             rows of gmbench/tables/parser/config.json
    <!-- end -->

so that no figure is copied by hand, and a test fails when a page and a result disagree.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

# Modules beside this file are found however this file is loaded.
sys.path.insert(0, str(Path(__file__).parent))
from parser_tables import parser

ROOT = Path(__file__).parent.parent
BASELINES = ROOT / "baselines"
PAGES = (
    ROOT / "README.md",
    BASELINES / "README.md",
    ROOT / "docs" / "wild.md",
    ROOT / "docs" / "detection.md",
    ROOT / "docs" / "parser.md",
    ROOT / "docs" / "further-gms.md",
)
RESULTS = ROOT / "docs" / "results"
"""Results of `gmbench detect`, `attribute` and `study content_independence` with --json."""

SCORES = {
    "l1": "l1 ↓",
    "arch_f1": "arch F1 ↑",
    "arch_accuracy": "arch accuracy ↑",
    "loss_f1": "loss F1 ↑",
    "loss_accuracy": "loss accuracy ↑",
    "skill": "skill ↑",
}
REPORTED = ROOT / "leaderboard" / "reported.csv"
PAIRED = {"l1": "l1", "arch_f1": "arch F1", "loss_f1": "loss F1", "skill": "skill"}
PAPER = ("l1", "arch_f1", "loss_f1")
"""Metrics that the paper reports."""

_TABLE = re.compile(
    r"(<!-- (scores|pairs|detection|attribution|content|parser) ([^:]+): ([^>]+) -->\n)"
    r".*?(<!-- end -->)",
    re.DOTALL,
)


def written(page: Path) -> str:
    """Returns a page with its tables regenerated."""

    def table(found: re.Match[str]) -> str:
        opening, kind, what, names, closing = found.groups()
        benchmark, *options = what.split()
        lines = KINDS[kind](page, benchmark, names.split(), options)
        return opening + "\n".join(lines) + "\n" + closing

    return _TABLE.sub(table, page.read_text(encoding="utf-8"))


def scores(page: Path, benchmark: str, names: list[str], options: list[str]) -> list[str]:
    """Returns a row for each baseline: means over the sets with their intervals.

    Args:
        page: The page that contains the table, for its links.
        benchmark: Benchmark whose results are shown.
        names: Baselines; NAME+EXTRA was trained on extra GMs too (`BENCHMARK+EXTRA.json`); `parser`
            is the one that comes with the package.
        options: `seconds` for how long it took; `paper` for what the paper reports for the method
            on its own images, instead of the accuracies.
    """
    shown = {key: title for key, title in SCORES.items() if "paper" not in options or key in PAIRED}
    reported = _reported()
    of_paper = ", ".join(PAIRED[key] for key in PAPER)
    further = {"seconds": "seconds", "paper": f"in the paper: {of_paper}"}
    heading = [benchmark, *shown.values(), *(further[option] for option in options)]
    lines = [_row(heading), "|---" * len(heading) + "|"]
    for name in names:
        baseline, _, variant = name.partition("+")
        suffix = f"+{variant}" if variant else ""
        added = f", with {variant.replace('+', ' and ')}" if variant else ""
        place, shown_as = BASELINES / baseline, baseline
        results = place / "results" / f"{benchmark}{suffix}.json"
        if name == "parser":
            place, shown_as = ROOT / "docs" / "parser.md", "the package's parser"
            results = RESULTS / "parser_sets.json"
        result = _read(results)
        title = f"[{shown_as}]({os.path.relpath(place, page.parent)}){added}"
        cells = [title, *(_score(result["summary"][metric]) for metric in shown)]
        for option in options:
            if option == "seconds":
                seconds = result.get("run", {}).get("seconds")
                cells.append("-" if seconds is None else f"{seconds:,.0f}")
            else:
                cells.append(", ".join(reported[name]) if name in reported else "-")
        lines.append(_row(cells))
    return lines


def _reported() -> dict[str, list[str]]:
    """Returns what the paper reports for each method, in the order of the metrics in `PAPER`."""
    with REPORTED.open(encoding="utf-8", newline="") as file:
        values = {(row["method"], row["metric"]): row["value"] for row in csv.DictReader(file)}
    methods = dict.fromkeys(method for method, _ in values)
    return {method: [values[method, metric] for metric in PAPER] for method in methods}


def pairs(page: Path, benchmark: str, names: list[str], options: list[str]) -> list[str]:
    """Returns a row for each pair FIRST-SECOND: differences, intervals, corrected p-values."""
    del page, options
    found = _read(BASELINES / "comparisons" / f"{benchmark}.json")["differences"]
    by_pair = {(one["first"], one["second"], one["metric"]): one for one in found}
    lines = [_row(["first − second", *PAIRED.values()]), "|---" * (1 + len(PAIRED)) + "|"]
    for name in names:
        first, second = name.split("-")
        cells = []
        for metric in PAIRED:
            one, sign = by_pair.get((first, second, metric)), 1.0
            if one is None:
                one, sign = by_pair[second, first, metric], -1.0
            ends = sorted(sign * end for end in one["ci"])
            cells.append(
                f"{sign * one['difference']:+.3f} ({ends[0]:+.3f} to {ends[1]:+.3f}), "
                f"p {one['p_holm']:.3f}"
            )
        lines.append(_row([f"{first} − {second}", *cells]))
    return lines


def detection(page: Path, data: str, names: list[str], options: list[str]) -> list[str]:
    """Returns a row for each detector: its AUC, its gain over one number, the paper's AUC."""
    del page, options
    found = _read(RESULTS / f"detection_{data}.json")
    heading = [data, "AUC ↑", "gain over one number", "AUC in the paper"]
    lines = [_row(heading), "|---" * len(heading) + "|"]
    for name in names:
        one, paper = found["detectors"][name], found["paper"].get(name)
        gain = "-" if name == "one_number" else _estimate(one["gain"], "+")
        cells = [name, _estimate(one["auc"]), gain, "-" if paper is None else f"{paper:.3f}"]
        lines.append(_row(cells))
    return lines


def attribution(page: Path, data: str, names: list[str], options: list[str]) -> list[str]:
    """Returns a row for each method: its accuracy, and how far it is from the paper's method."""
    del page, options
    found = _read(RESULTS / f"attribution_{data}.json")
    heading = [data, "accuracy ↑", "less fingerprint", "in the paper: CelebA, LSUN"]
    lines = [_row(heading), "|---" * len(heading) + "|"]
    for name in names:
        one, paper = found["methods"][name], found["paper"][name]
        less = "-" if one["less_ours"] is None else _estimate(one["less_ours"], "+")
        of_paper = ", ".join(f"{paper[c]:.3f}" if c in paper else "-" for c in ("CelebA", "LSUN"))
        lines.append(_row([name, _estimate(one["accuracy"]), less, of_paper]))
    return lines


def content(page: Path, data: str, names: list[str], options: list[str]) -> list[str]:
    """Returns a row for each input: how well it reveals the content, overall and per content."""
    del page, options
    found = _read(RESULTS / f"content_{data}.json")
    contents = list(found["contents"])
    heading = [data, "accuracy ↑", "training loss", *contents]
    lines = [_row(heading), "|---" * len(heading) + "|"]
    for name in names:
        one = found["inputs"][name]
        recalls = [f"{one['recalls'][kind]:.3f}" for kind in contents]
        cells = [name, _estimate(one["accuracy"]), f"{one['training_loss']:.3f}", *recalls]
        lines.append(_row(cells))
    return lines


KINDS = {
    "scores": scores,
    "pairs": pairs,
    "detection": detection,
    "attribution": attribution,
    "content": content,
    "parser": parser,
}


def _estimate(one: dict[str, Any], sign: str = "") -> str:
    told = format(one["value"], f"{sign}.3f")
    if one["ci"] is None:
        return told
    return f"{told} ({one['ci'][0]:{sign}.3f} to {one['ci'][1]:{sign}.3f})"


def _score(summary: dict[str, Any]) -> str:
    # `z`: values that round to zero have no sign.
    return "{:z.3f} ({:z.3f} to {:z.3f})".format(summary["mean"], *summary["ci"])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _read(path: Path) -> Any:
    if not path.is_file():
        place = path.relative_to(ROOT)
        sys.exit(f"{place} is not there: what `gmbench baseline` wrote belongs in that place.")
    return json.loads(path.read_text(encoding="utf-8"))


def main() -> None:
    """Rewrites the pages, or only reports which differ."""
    differing = [page for page in PAGES if written(page) != page.read_text(encoding="utf-8")]
    if "--check" in sys.argv[1:]:
        if differing:
            sys.exit(f"Not of the results: {', '.join(map(str, differing))}.")
        return
    for page in differing:
        page.write_text(written(page), encoding="utf-8")
        print(f"{page.relative_to(ROOT)}: tables written")


if __name__ == "__main__":
    main()
