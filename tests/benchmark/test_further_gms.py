"""The rows of further published GMs: read, complete, and counted rather than copied."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from gmbench.benchmark.catalog import TABLES, diffusion7, diffusion24, red116
from gmbench.benchmark.label_table import read_label_table
from gmbench.schema import N_ARCHITECTURE, N_CONTINUOUS, NAMES

GMS = {gm.name: gm for gm in read_label_table(TABLES / "further_gms.csv")}
PAGE = (Path(__file__).parents[2] / "docs" / "further-gms.md").read_text(encoding="utf-8")

SAME_NETWORK = {
    "FGAN_REVERSE_KL": {"FGAN", "FGAN_KL", "FGAN_NEYMAN", "FGAN_PEARSON"},
    "INFOMAXGAN": {"ACGAN", "WGAN_DRA", "WGAN_WC"},
}
"""GMs whose network is that of published ones; the page says why."""

SAME_METHOD = {"DDPM": "DDPM_32", "LDM": "LDM_CON"}
"""Diffusion models whose row is that of a GM of red140."""


def section(title: str) -> dict[str, list[str]]:
    """Returns the cells of the page's table under a title, by the GM of the first column."""
    text = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    part = next(one for one in text if one.startswith(title + "\n"))
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows]
    return {row[0]: row[1:] for row in cells if row[0] in GMS}


def test_28_rows_in_order() -> None:
    assert len(GMS) == 28
    assert list(GMS) == sorted(GMS)


def test_names_are_of_no_published_gm_but_ldm() -> None:
    published = {gm.name for gm in red116() + diffusion7() + diffusion24()}
    assert set(GMS) & published == {"LDM"}


@pytest.mark.parametrize("name", GMS)
def test_layers_are_a_sum(name: str) -> None:
    values = GMS[name].values
    assert values[0] == sum(values[1:5])


@pytest.mark.parametrize("name", GMS)
def test_architecture_of_a_published_row_only_where_the_network_is_the_same(name: str) -> None:
    row = GMS[name].row(N_ARCHITECTURE)
    equal = {gm.name for gm in red116() if gm.row(N_ARCHITECTURE) == row}
    assert equal == SAME_NETWORK.get(name, set())


def test_no_full_row_of_red116() -> None:
    published = {gm.row() for gm in red116()}
    assert not [name for name, gm in GMS.items() if gm.row() in published]


@pytest.mark.parametrize(("name", "published"), SAME_METHOD.items())
def test_diffusion_models_have_the_row_of_red140_as_far_as_it_is_known(
    name: str, published: str
) -> None:
    theirs = next(gm for gm in diffusion24() if gm.name == published).values
    for ours, value in zip(GMS[name].values, theirs, strict=True):
        assert math.isnan(ours) or ours == value


def test_the_page_has_each_gm_with_its_kind() -> None:
    assert {name: cells[0] for name, cells in section("The rows").items()} == {
        name: gm.kind for name, gm in GMS.items()
    }


def test_the_page_lists_unknown_cells() -> None:
    listed = {
        name: set(re.findall(r"`(\w+)`", cells[0]))
        for name, cells in section("Unknown cells").items()
    }
    unknown = {
        name: {column for column, value in zip(NAMES, gm.values, strict=True) if math.isnan(value)}
        for name, gm in GMS.items()
    }
    assert listed == {name: columns for name, columns in unknown.items() if columns}


def test_the_page_lists_counts_outside_the_ranges_of_red116() -> None:
    most = [max(gm.values[i] for gm in red116()) for i in range(N_CONTINUOUS)]
    outside = {
        name: {NAMES[i] for i in range(N_CONTINUOUS) if gm.values[i] > most[i]}
        for name, gm in GMS.items()
    }
    listed = {
        name: set(re.findall(r"`(\w+)`", cells[0]))
        for name, cells in section("Outside the ranges of red116").items()
    }
    assert listed == {name: columns for name, columns in outside.items() if columns}
