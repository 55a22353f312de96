"""The draw of a population: proportions, balance, coverage, no near-duplicates, the seed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch")

from gmbench.errors import DatasetError
from gmbench.schema import DISCRETE, KINDS, LOSSES
from gmbench.zoo.population import (
    KIND_MODULES,
    PROPORTIONS,
    are_near_duplicates,
    draw_population,
    intended_labels,
    shares,
    smallest_distance,
)
from gmbench.zoo.specification import Specification

CONTENTS = ("digits", "faces", "photos", "textures")


@cache
def draw(seed: int) -> list[Specification]:
    return draw_population(116, size=32, contents=CONTENTS, seed=seed, n_diffusion=8)


@pytest.fixture
def population() -> list[Specification]:
    return draw(0)


def test_kinds_have_the_papers_proportions(population: list[Specification]) -> None:
    assert Counter(gm.kind for gm in population) == {**PROPORTIONS, "DM": 8}
    assert set(KIND_MODULES) == set(KINDS)


@pytest.mark.parametrize("n_gms", [0, 1, 2, 10, 13, 26, 52, 104, 117, 1000])
def test_shares_add_up(n_gms: int) -> None:
    numbers = shares(n_gms)
    assert sum(numbers.values()) == n_gms
    for kind, number in numbers.items():
        assert abs(number - n_gms * PROPORTIONS[kind] / 116) < 1


def test_names_are_unique_and_numbered(population: list[Specification]) -> None:
    assert len({gm.name for gm in population}) == len(population)
    assert population[0].name == "GAN_001"
    assert population[-1].name == "DM_008"


def test_contents_and_families_are_balanced_within_each_kind(
    population: list[Specification],
) -> None:
    for kind in KINDS:
        gms = [gm for gm in population if gm.kind == kind]
        contents = Counter(dict.fromkeys(CONTENTS, 0))
        contents.update(gm.content for gm in gms)
        assert max(contents.values()) - min(contents.values()) <= 1
    pairs = Counter((gm.family, gm.content) for gm in population if gm.kind == "GAN")
    assert len(pairs) == 16
    assert max(pairs.values()) - min(pairs.values()) <= 2


@pytest.mark.parametrize("seed", range(2))
def test_every_class_and_every_loss_occurs_in_five_gms(seed: int) -> None:
    gms = [gm for gm in draw(seed) if gm.kind != "DM"]
    counts = Counter(label for gm in gms for label in intended_labels(gm).items())
    labels = [(p.name, name) for p in (*DISCRETE, *LOSSES) for name in p.classes or ("yes",)]
    assert {label: counts[label] for label in labels if counts[label] < 5} == {}


def test_no_two_gms_are_near_duplicates(population: list[Specification]) -> None:
    for i, first in enumerate(population):
        for second in population[:i]:
            assert not are_near_duplicates(first, second)


def test_same_seed_same_population(population: list[Specification]) -> None:
    again = draw_population(116, size=32, contents=CONTENTS, seed=0, n_diffusion=8)
    assert again == population
    assert not [gm for gm in draw(1) if gm in population]


def test_diffusion_models_leave_the_others_as_they_are(population: list[Specification]) -> None:
    without = draw_population(116, size=32, contents=CONTENTS, seed=0)
    assert without == population[:116]


def test_specifications_survive_json(population: list[Specification]) -> None:
    for gm in population:
        read = json.loads(json.dumps(asdict(gm)))
        again = Specification(**{**read, "losses": tuple(read["losses"])})
        assert json.dumps(asdict(again)) == json.dumps(asdict(gm))


def test_a_changed_number_is_no_new_gm(population: list[Specification]) -> None:
    gm = population[0]
    twin = replace(gm, name="GAN_999", content="other", seed=gm.seed + 1)
    assert are_near_duplicates(gm, twin)
    norms = {"batch": "none", "none": "batch"}
    name = norms.get(gm.options["normalization"], "batch")
    one_choice = replace(twin, options={**gm.options, "normalization": name})
    assert are_near_duplicates(gm, one_choice)
    two_choices = replace(one_choice, losses=(*gm.losses, "loss_none_of_them"))
    assert not are_near_duplicates(gm, two_choices)


def test_intended_labels_follow_the_schema() -> None:
    options = {
        "normalization": "group",
        "block_nonlinearity": "elu",
        "skip_connection": "no",
        "upsampling": "no",
        "downsampling": "max_pool",
    }
    gm = Specification("X", "AR", "any", "digits", 32, ("loss_ce",), options)
    assert intended_labels(gm) == {
        "loss_ce": "yes",
        "normalization": "other",
        "block_nonlinearity": "elu",
        "skip_connection": "no",
        "downsampling": "yes",
    }


def test_smallest_distance_by_hand() -> None:
    rows = np.zeros((3, 25))
    rows[1, 0] = 10.0  # the one count that differs: normalised 1, a ninth of the mean
    rows[2, 0] = 2.0
    rows[2, 24] = 1.0  # one of sixteen classes and losses
    nearest = smallest_distance(rows)
    assert nearest.distance == pytest.approx(0.2 / 9 + 1 / 16)
    assert {nearest.first, nearest.second} == {0, 2}
    rows[1] = rows[0]
    assert smallest_distance(rows).distance == 0.0


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"size": 48}, "power of two"),
        ({"n_gms": 0}, "at least one"),
        ({"n_gms": -1}, "at least one"),
        ({"contents": ()}, "at least one"),
        ({"contents": ("digits", "digits")}, "different names"),
    ],
)
def test_bad_input_is_one_clear_line(changes: dict[str, object], text: str) -> None:
    arguments: dict[str, object] = {"n_gms": 4, "size": 32, "contents": CONTENTS, "seed": 0}
    with pytest.raises(DatasetError, match=text):
        draw_population(**{**arguments, **changes})  # type: ignore[arg-type]


def test_one_row_has_no_distance() -> None:
    with pytest.raises(DatasetError, match="two GMs"):
        smallest_distance(np.zeros((1, 25)))


def test_a_prefix_stands_before_every_name_and_changes_nothing_else() -> None:
    plain = draw_population(12, size=32, contents=CONTENTS, seed=3)
    named = draw_population(12, size=32, contents=CONTENTS, seed=3, prefix="MINE_")
    assert [f"MINE_{one.name}" for one in plain] == [one.name for one in named]
    assert [one.options for one in plain] == [one.options for one in named]
