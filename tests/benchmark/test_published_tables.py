"""The tables of the pages are those of the committed results."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "tables.py"))
PAGES: tuple[Path, ...] = SCRIPT["PAGES"]
written: Callable[[Path], str] = SCRIPT["written"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_tables_are_those_of_the_results(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<!-- end -->" in text
    assert written(page) == text


def test_a_figure_that_was_changed_by_hand_is_found(tmp_path: Path) -> None:
    page = ROOT / "docs" / "wild.md"
    text = page.read_text(encoding="utf-8")
    spoilt = re.sub(r"0\.\d{3} \(", "0.001 (", text, count=1)
    assert spoilt != text
    (tmp_path / "wild.md").write_text(spoilt, encoding="utf-8")
    assert written(tmp_path / "wild.md") != spoilt


def test_all_baselines_stand_in_the_table_with_one_version_of_mini116() -> None:
    table = (ROOT / "baselines" / "README.md").read_text(encoding="utf-8")
    versions = set()
    for path in (ROOT / "baselines").glob("*/results/mini116.json"):
        assert f"[{path.parent.parent.name}]" in table
        versions.add(json.loads(path.read_text(encoding="utf-8"))["version"])
    (version,) = versions
    assert version in table


def test_the_rows_can_be_worked_out_by_hand() -> None:
    path = ROOT / "baselines/spectral/results/red116-partial.json"
    one = json.loads(path.read_text(encoding="utf-8"))["summary"]["l1"]
    page, benchmark = ROOT / "README.md", "red116-partial"
    (_, _, row) = SCRIPT["scores"](page, benchmark, ["spectral"], [])
    first = row.split(" | ")[:2]
    low, high = one["ci"]
    l1 = f"{one['mean']:.3f} ({low:.3f} to {high:.3f})"
    assert first == ["| [spectral](baselines/spectral)", l1]
    (_, _, pair) = SCRIPT["pairs"](page, benchmark, ["mean_mode-spectral"], [])
    (_, _, mirrored) = SCRIPT["pairs"](page, benchmark, ["spectral-mean_mode"], [])
    assert pair.startswith("| mean_mode − spectral | ")
    signs = [re.findall(r"[+-](?=\d\.\d{3},|\d\.\d{3} \()", line) for line in (pair, mirrored)]
    assert [("+", "-"), ("-", "+")].count(tuple(s[0] for s in signs)) == 1  # type: ignore[arg-type]
