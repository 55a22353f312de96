"""The table of replicas: whole, within its vocabulary, and rows that a network can have."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from gmbench.benchmark.benchmark import benchmark_files, load_benchmark
from gmbench.benchmark.catalog import TABLES, UNKNOWN, diffusion7, red116
from gmbench.benchmark.splits import PREFIX
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.schema import NAMES, get_parameter
from gmbench.zoo.agreement import UNPLANNED, agreement
from gmbench.zoo.like import like_rows
from gmbench.zoo.replica_table import (
    FAMILIES,
    OBJECTIVES,
    STARTS,
    published_gms,
    read_replicas,
)
from gmbench.zoo.replicas import (
    AIMED,
    drawn_replica,
    intended_gms,
    intended_row,
    planned_differences,
    replica,
    replica_sets,
    replicas,
)
from tests.commands import data, gmbench


def test_every_gm_has_one_row_of_its_kind() -> None:
    gms = (*red116(), *diffusion7())
    assert [(one.gm, one.kind) for one in replicas()] == [(gm.name, gm.kind) for gm in gms]
    years = {gm.name: gm.year for gm in gms}
    assert all(years[one.gm] in (None, one.year) for one in replicas())
    assert all(one.authors and one.title and one.smaller for one in replicas())


def test_the_vocabulary_is_used_and_no_objective_lacks_its_losses() -> None:
    assert {one.family for one in replicas()} == set(FAMILIES)
    used = {one.objective for one in replicas()} | {one.published_objective for one in replicas()}
    assert used == set(OBJECTIVES)
    assert {one.start for one in replicas()} == set(STARTS)
    for one in replicas():
        assert set(OBJECTIVES[one.objective]) <= set(one.losses)


def test_another_objective_than_the_methods_only_where_the_row_says_so() -> None:
    for one in replicas():
        row = dict(zip(NAMES, published_gms()[one.gm].values, strict=True))
        if one.objective != one.published_objective:
            assert all(bool(row[name]) == (name in one.losses) for name in row if "loss_" in name)


def test_names_are_those_of_gms_or_of_replicas() -> None:
    assert replica("MINI_DCGAN") is replica("DCGAN")
    assert replica("DCGAN").name == "MINI_DCGAN"
    with pytest.raises(UnknownNameError, match="DCGAN"):
        replica("DCGANN")


def test_intended_rows_leave_open_what_depends_on_width() -> None:
    row = intended_row("DCGAN")
    assert list(row) == list(NAMES)
    assert [name for name, value in row.items() if value is None] == ["filters", "parameters"]
    assert (row["loss_adversarial"], row["loss_ce"]) == (1, 0)


def test_planned_differences_are_all_cells_that_differ_each_with_a_reason() -> None:
    planned = planned_differences()
    assert all(found.reason.endswith(".") for found in planned)
    differing = {
        (gm.name, name)
        for gm in published_gms().values()
        for name, value in zip(NAMES, gm.values, strict=True)
        if intended_row(gm.name)[name] not in (None, value)
    }
    assert {(found.gm, found.parameter) for found in planned} == differing
    assert planned_differences("MINI_DCGAN") == planned_differences("DCGAN")
    assert {found.parameter for found in planned_differences("DCGAN")} == {
        "skip_connection",
        "loss_adversarial",
        "loss_ce",
    }


def test_at_least_nineteen_of_twenty_cells_are_the_published_ones() -> None:
    lost = [f for f in planned_differences() if f.parameter in AIMED and f.gm[:3] != "DM_"]
    assert len(AIMED) == 11
    assert len(lost) <= 0.05 * 11 * len(red116())


@pytest.mark.parametrize("gm", [one.gm for one in replicas()])
def test_an_intended_row_is_one_that_a_network_can_have(gm: str) -> None:
    """By the definitions of docs/labels.md."""
    row = {name: int(value) for name, value in intended_row(gm).items() if value is not None}
    weights = row["conv_layers"] + row["fc_layers"]
    assert row["layers"] == weights + row["pool_layers"] + row["norm_layers"]
    none = get_parameter("normalization").classes.index("none")
    assert (row["normalization"] == none) == (row["norm_layers"] == 0)
    assert row["blocks"] <= weights
    assert row["blocks"] * row["layers_per_block"] <= row["layers"]
    if not row["skip_connection"] and "flow" not in replica(gm).family:
        # Couplings are bypassed blocks of a part of the value, and no skip connections.
        block = (row["layers_per_block"], row["blocks"])
        counts = (row["conv_layers"], row["fc_layers"], row["norm_layers"])
        assert block in groups(*counts)


def groups(conv: int, fc: int, norm: int) -> set[tuple[int, int]]:
    """Returns (layers per block, blocks) of every network without bypasses that has these layers.

    At most two norms follow a layer, and at most one norm follows none.
    """
    found = set()
    for convs, fcs in product(_shares(conv, norm), _shares(fc, norm)):
        followed = sum(share * norms for part in (convs, fcs) for norms, share in enumerate(part))
        if norm - followed in (0, 1):
            sorts = [
                (norms + 1, share) for part in (convs, fcs) for norms, share in enumerate(part)
            ]
            found.add(max(sorts, key=lambda one: (one[0] * one[1], one[0])))
    return found


def _shares(layers: int, norm: int) -> list[tuple[int, int, int]]:
    """Returns how many layers can have no, one and two norms."""
    return [
        (layers - one - two, one, two)
        for one in range(min(layers, norm) + 1)
        for two in range(min(layers - one, (norm - one) // 2) + 1)
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",dcgan,", ",dcgam,", "'dcgam' in family"),
        (",biggan,hinge,", ",biggan,hing,", "'hing' in objective"),
        (",loss_l1 loss_adversarial,", ",loss_adversarial loss_l1,", "in its order"),
        (",loss_hinge,", ",loss_ce,", "has the losses loss_hinge"),
        (",noise,,digits,32", ",noise,,digits,64", "'64' in size"),
        ("BETA_H,VAE", "BETA_B,VAE", "Missing: BETA_H; more than once: BETA_B"),
        ("ALAE,VAE", "ALEA,VAE", "line 7"),
    ],
)
def test_a_damaged_table_names_line_and_column(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = (TABLES / "replicas.csv").read_text(encoding="utf-8")
    path = tmp_path / "replicas.csv"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BenchmarkError, match=message):
        read_replicas(path)


def test_sets_are_the_papers_in_replicas_names() -> None:
    sets = replica_sets()
    assert list(sets) == ["set_1", "set_2", "set_3", "set_4"]
    assert "MINI_BETA_B" in sets["set_1"]
    assert len({name for members in sets.values() for name in members}) == 48
    assert len(replica_sets("red116-cv10")) == 10


def test_a_drawn_gm_is_made_as_its_base_with_the_objective_of_its_losses() -> None:
    for drawn in like_rows(intended_gms(), 300, seed=1):
        made, base = drawn_replica(drawn), replica(drawn.base)
        assert (made.gm, made.family, made.start) == (drawn.gm.name, base.family, base.start)
        assert set(OBJECTIVES[made.objective]) <= set(made.losses)


def test_agreement_tells_planned_from_other_differences() -> None:
    measured = [replace(gm, name=PREFIX + gm.name) for gm in intended_gms()]
    found = agreement(measured)
    assert found.n_gms == 116
    assert all(one.measured == one.intended for one in found.differences)
    planned = [one for one in planned_differences() if not one.gm.startswith("DM_")]
    assert [(one.gm, one.parameter) for one in found.differences] == [
        (one.gm, one.parameter) for one in planned
    ]
    lost = sum(one.parameter in AIMED for one in planned)
    assert found.aimed_share == pytest.approx(1 - lost / (11 * 116))
    values = list(measured[0].values)
    values[0] += 1
    changed = agreement([replace(measured[0], values=tuple(values)), *measured[1:]])
    assert [one.parameter for one in changed.differences if one.reason == UNPLANNED] == ["layers"]
    assert changed.agree["layers"] == found.agree["layers"] - 1
    assert changed.to_dict()["n_gms"] == 116
    with pytest.raises(BenchmarkError, match="None of the 0 GMs is a replica"):
        agreement([])
    unknown = (UNKNOWN, *measured[0].values[1:])
    with pytest.raises(BenchmarkError, match="Not all labels of MINI_AAE are known"):
        agreement([replace(gm, name="MINI_AAE", values=unknown) for gm in measured[:1]])


def test_the_command_lists_every_difference(tmp_path: Path) -> None:
    measured = tuple(replace(gm, name=PREFIX + gm.name) for gm in intended_gms())
    benchmark = replace(load_benchmark("red116"), name="mini", gms=measured, sets=replica_sets())
    (tmp_path / "mini").mkdir()
    for name, text in benchmark_files(benchmark).items():
        (tmp_path / "mini" / name).write_text(text)
    found = data("zoo", "agreement", "mini", cwd=tmp_path)
    assert found == json.loads(json.dumps(agreement(measured).to_dict()))
    shown = gmbench("zoo", "agreement", "mini", cwd=tmp_path).stdout
    assert "agree in 96.7% of the cells" in " ".join(shown.split())
    refused = gmbench("zoo", "agreement", "red116", cwd=tmp_path, check=False)
    assert (refused.returncode, "is a replica" in refused.stderr) == (2, True)
