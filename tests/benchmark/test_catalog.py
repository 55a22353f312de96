from __future__ import annotations

from collections import Counter

import pytest

from gmbench.benchmark.catalog import diffusion7, gm_from_row, notes, red116, row_from_gm
from gmbench.errors import UnknownNameError, plain_form
from gmbench.schema import NAMES


def test_population_of_the_paper() -> None:
    gms = red116()
    assert len(gms) == 116
    assert Counter(gm.kind for gm in gms) == {"GAN": 81, "VAE": 13, "AR": 11, "AA": 6, "NF": 5}
    assert sum(gm.content == "faces" for gm in gms) == 47


def test_names_differ_without_case_and_separators() -> None:
    forms = [plain_form(gm.name) for gm in red116() + diffusion7()]
    assert len(set(forms)) == len(forms) == 123


def test_distinct_rows() -> None:
    gms = red116()
    assert len({gm.values for gm in gms}) == 108
    assert len({gm.values[:15] for gm in gms}) == 78


def test_layers_are_a_sum_but_in_three_gms() -> None:
    odd = {gm.name for gm in red116() if gm.values[0] != sum(gm.values[1:5])}
    assert odd == {"FFGAN", "SEAN", "SRFLOW"}
    assert {
        note.gm for note in notes() if note.parameter == "layers" and "conv +" in note.note
    } == odd


def test_label_releases_differ_in_27_cells_of_19_gms() -> None:
    changed = [
        (old.name, name)
        for old, new in zip(red116("2023"), red116("2024"), strict=True)
        for name, before, after in zip(NAMES, old.values, new.values, strict=True)
        if before != after
    ]
    assert len(changed) == 27
    assert len({gm for gm, _ in changed}) == 19
    assert ("UNIT", "last_nonlinearity") in changed


def test_unknown_label_release() -> None:
    with pytest.raises(UnknownNameError, match="Take 2023 or 2024"):
        red116("2022")


def test_every_note_names_a_gm_and_a_column() -> None:
    known = {gm.name for gm in red116()} | {"*"}
    assert {note.gm for note in notes()} <= known
    assert {note.parameter for note in notes()} <= {*NAMES, "kind", "content"}


def test_rows_round_trip() -> None:
    for gm in red116() + diffusion7():
        assert gm_from_row(row_from_gm(gm)) == gm
