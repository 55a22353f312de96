"""New GMs like those of a table: of its kinds and classes, trainable, and twins of none."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gmbench.benchmark.catalog import GM, TABLES, red116
from gmbench.benchmark.label_table import read_label_table
from gmbench.errors import BenchmarkError
from gmbench.schema import LOSSES, N_CONTINUOUS, NAMES, get_parameter
from gmbench.zoo.like import WIDTHS, DrawnGM, like_rows
from gmbench.zoo.replica_table import published_gms
from gmbench.zoo.replicas import intended_gms, intended_row

GAMES = ("loss_mmd", "loss_adversarial", "loss_wgan", "loss_hinge", "loss_ls")
STRUCTURE = [name for name in NAMES[:N_CONTINUOUS] if name not in ("filters", "parameters")]


@pytest.fixture(scope="module")
def drawn() -> tuple[DrawnGM, ...]:
    return like_rows(intended_gms(), 1000, seed=0)


def row(gm: GM) -> dict[str, float]:
    return dict(zip(NAMES, gm.values, strict=True))


def test_names_kinds_and_seed(drawn: tuple[DrawnGM, ...]) -> None:
    assert [one.gm.name for one in drawn] == [f"LIKE_{n:04d}" for n in range(1, 1001)]
    kinds = Counter(one.gm.kind for one in drawn)
    assert kinds == {"GAN": 698, "VAE": 112, "AR": 95, "AA": 52, "NF": 43}
    assert like_rows(intended_gms(), 1000, seed=0) == drawn
    assert like_rows(intended_gms(), 1000, seed=1) != drawn


def test_none_is_a_twin_of_a_row_or_of_another(drawn: tuple[DrawnGM, ...]) -> None:
    def without_width(gm: GM) -> tuple[float, ...]:
        return tuple(value for name, value in row(gm).items() if name in (*STRUCTURE, *NAMES[9:15]))

    table = {without_width(gm) for gm in intended_gms()}
    assert not table & {without_width(one.gm) for one in drawn}
    assert len({one.gm.values for one in drawn}) == 1000


def test_structure_is_the_rows_and_classes_are_a_relatives(drawn: tuple[DrawnGM, ...]) -> None:
    table = {gm.name: gm for gm in intended_gms()}
    for one in drawn:
        base, relative, own = row(table[one.base]), row(table[one.relative]), row(one.gm)
        assert table[one.base].kind == table[one.relative].kind == one.gm.kind
        assert all(own[name] == base[name] for name in (*STRUCTURE, "skip_connection"))
        assert one.exchanged
        for name in NAMES[N_CONTINUOUS:]:
            assert own[name] == (relative if name in one.exchanged else base)[name]
        assert WIDTHS[0] <= one.width <= WIDTHS[1]
        assert own["filters"] == round(base["filters"] * one.width)
        none = get_parameter("normalization").classes.index("none")
        assert (own["normalization"] == none) == (own["norm_layers"] == 0)


def test_losses_stay_trainable(drawn: tuple[DrawnGM, ...]) -> None:
    table = {gm.name: gm for gm in intended_gms()}
    for one in drawn:
        own, base = row(one.gm), row(table[one.base])
        assert any(own[loss.name] for loss in LOSSES)
        assert any(own[name] for name in GAMES) == any(base[name] for name in GAMES)
        if one.gm.kind in ("AR", "NF"):
            assert own["loss_ce"]


def test_every_row_is_started_from_and_classes_keep_their_shares(
    drawn: tuple[DrawnGM, ...],
) -> None:
    bases = Counter(one.base for one in drawn)
    assert len(bases) == 116
    assert max(bases.values()) <= 10
    before = np.array([gm.values for gm in intended_gms()])[:, N_CONTINUOUS:]
    after = np.array([one.gm.values for one in drawn])[:, N_CONTINUOUS:]
    for column in range(before.shape[1]):
        for value in set(before[:, column].tolist()):
            share = (before[:, column] == value).mean()
            assert abs((after[:, column] == value).mean() - share) < 0.12


def test_too_few_different_rows() -> None:
    twins = [replace(gm, name=f"A{n}") for n, gm in enumerate([red116()[0]] * 3)]
    with pytest.raises(BenchmarkError, match="3 rows of kind VAE give nothing but twins"):
        like_rows(twins, 2)
    with pytest.raises(BenchmarkError, match="0 GMs like 116"):
        like_rows(red116(), 0)


def test_a_class_of_norms_is_no_choice_without_norm_layers() -> None:
    plain = next(gm for gm in intended_gms() if gm.kind == "GAN" and not row(gm)["norm_layers"])
    last = float(not row(plain)["last_nonlinearity"])
    changes = {"normalization": 0.0, "last_nonlinearity": last}
    other = replace(plain, name="OTHER", values=tuple((row(plain) | changes).values()))
    drawn = like_rows([plain, other], 20)
    assert {name for one in drawn for name in one.exchanged} == {"last_nonlinearity"}


def test_intended_gms_are_the_intended_rows_with_published_widths() -> None:
    for gm in intended_gms():
        for name, value in intended_row(gm.name).items():
            published = dict(zip(NAMES, published_gms()[gm.name].values, strict=True))[name]
            assert row(gm)[name] == (published if value is None else value)


def test_the_published_table_is_read_as_it_is() -> None:
    assert read_label_table(TABLES / "red116.csv") == red116()


def test_classes_by_name_and_columns_in_any_order(tmp_path: Path) -> None:
    one = {**dict.fromkeys(NAMES, "0"), "gm": "MINE", "kind": "GAN", "normalization": "none"}
    path = tmp_path / "mine.csv"
    lines = [",".join(reversed(one)), "", ",".join(reversed(one.values()))]
    path.write_text("\n".join(lines))
    (gm,) = read_label_table(path)
    assert (gm.name, gm.content, row(gm)["normalization"]) == ("MINE", "other", 2)
    path.write_text("\n".join(lines).replace("none", "non"))
    with pytest.raises(BenchmarkError, match=r"line 3 \(MINE\).*'non' is no class"):
        read_label_table(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("conv_layers", "conv_layer", "column 'conv_layer' is not known. Did you mean conv_layers"),
        ("conv_layers", "conv_layer", "columns are missing: conv_layers"),
        ("conv_layers", "layers", "column 'layers' stands there twice"),
        ("AAE,VAE", "AAE,VEA", r"line 2 \(AAE\), column kind: 'VEA' is no kind"),
        ("ACGAN,GAN", "AAE,GAN", "line 3, column gm: AAE stands in line 2 too"),
        (",9,0,7,", ",9,0,-7,", r"line 2 \(AAE\), column fc_layers: '-7' is no count"),
        (",9,0,7,", ",9,0,7.5,", r"column fc_layers: '7.5' is no count"),
        (",1593378,0,", ",1593378,bach,", "'bach' is no class. Did you mean batch"),
        (",1593378,0,", ",1593378,4,", r"'4' is no class. There are: 0 batch, 1 instance"),
        ("0,0,1\nACGAN", "0,0,2\nACGAN", r"line 2 \(AAE\), column loss_ce: '2' is neither 0 nor 1"),
        ("0,0,1\nACGAN", "0,0\nACGAN", "line 2: 30 cells under 31 columns"),
    ],
)
def test_a_damaged_table_names_line_and_column(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = (TABLES / "red116.csv").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.csv"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BenchmarkError, match=message):
        read_label_table(path)


def test_all_faults_are_counted_and_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    text = (TABLES / "red116.csv").read_text(encoding="utf-8")
    path.write_text(text.replace(",GAN,", ",GNA,"), encoding="utf-8")
    with pytest.raises(BenchmarkError, match="and 71 more"):
        read_label_table(path)
    path.write_text("")
    with pytest.raises(BenchmarkError, match="columns are missing: gm, kind, layers"):
        read_label_table(path)
    path.write_text(text.splitlines()[0])
    with pytest.raises(BenchmarkError, match="It has no row"):
        read_label_table(path)
    with pytest.raises(BenchmarkError, match="cannot be read"):
        read_label_table(tmp_path / "absent.csv")
