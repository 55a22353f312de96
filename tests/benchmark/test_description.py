from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.benchmark.catalog import UNKNOWN
from gmbench.benchmark.description import (
    BenchmarkDescription,
    GMDescription,
    ParameterDescription,
    SetDescription,
    describe,
)
from gmbench.errors import UnknownNameError
from gmbench.schema import NAMES
from tests.commands import gmbench

RED116 = load_benchmark("red116")


def test_benchmark() -> None:
    described = describe(None, RED116)
    assert isinstance(described, BenchmarkDescription)
    assert described.n_images == 116_000
    assert described.kinds["GAN"] == 81


def test_gm_with_twins_notes_and_sets() -> None:
    described = describe("beta-b", RED116)
    assert isinstance(described, GMDescription)
    assert described.sets == ("set_1",)
    assert described.twins == ("BETA_H", "STANDARD_VAE")
    assert {note.parameter for note in described.notes} == {"normalization", "last_nonlinearity"}
    assert described.labels["loss_kl"] == "yes"
    assert described.labels["parameters"] == "469,173"


def test_parameters(tmp_path: Path) -> None:
    layers = describe("layers", RED116)
    assert isinstance(layers, ParameterDescription)
    assert (layers.smallest, layers.median, layers.largest) == (1, 20, 105)
    assert gmbench("info", "-b", "red116", "conv_layers", cwd=tmp_path).stdout.splitlines()[2] == (
        "smallest 0, median 11.5, largest 92"
    )
    normalization = describe("normalization", RED116)
    assert isinstance(normalization, ParameterDescription)
    assert sum(normalization.counts.values()) == 116


def test_a_count_that_is_known_of_no_gm_has_no_range() -> None:
    place = NAMES.index("filters")
    gms = tuple(
        replace(gm, values=(*gm.values[:place], UNKNOWN, *gm.values[place + 1 :]))
        for gm in RED116.gms
    )
    filters = describe("filters", replace(RED116, gms=gms))
    assert isinstance(filters, ParameterDescription)
    assert (filters.smallest, filters.median, filters.largest) == (None, None, None)
    assert filters.counts == {}


def test_notes_on_published_columns_are_not_those_of_measured_labels() -> None:
    for name, doubtful in (("red116", True), ("red140", True), ("mini116", False)):
        described = describe("normalization", load_benchmark(name))
        assert isinstance(described, ParameterDescription)
        assert any(note.gm == "*" for note in described.notes) == doubtful


def test_notes_on_published_gms_are_not_those_of_ones_own_of_their_name() -> None:
    beta = RED116.gm("BETA_B")
    own = replace(beta, values=(beta.values[0] + 1, *beta.values[1:]))
    made = replace(RED116, gms=(own,), sets={}, n_images=(2,))
    for name in ("BETA_B", "normalization"):
        described = describe(name, made)
        assert isinstance(described, (GMDescription, ParameterDescription))
        assert described.notes == ()


def test_set() -> None:
    described = describe("SET 4", RED116)
    assert isinstance(described, SetDescription)
    assert (len(described.gms), described.n_training) == (12, 104)


def test_unknown() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean PIXELCNN"):
        describe("pixlcnn", RED116)
