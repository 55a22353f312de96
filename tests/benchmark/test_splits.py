from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.benchmark.catalog import names, red116
from gmbench.benchmark.splits import draw_attack_sets, draw_content_sets, read_set, read_sets
from gmbench.errors import BenchmarkError, UnknownNameError

KNOWN = names(red116())


def test_curated_sets_are_the_papers() -> None:
    sets = read_sets("red116", KNOWN)
    assert list(sets) == ["set_1", "set_2", "set_3", "set_4"]
    assert [len(members) for members in sets.values()] == [12, 12, 12, 12]
    assert len({gm for members in sets.values() for gm in members}) == 48
    benchmark = load_benchmark("red116")
    kinds = [Counter(benchmark.gm(gm).kind for gm in members) for members in sets.values()]
    assert kinds[0] == {"GAN": 6, "VAE": 3, "AR": 2, "AA": 1}
    assert kinds[1:] == [{"GAN": 6, "VAE": 2, "AR": 2, "AA": 1, "NF": 1}] * 3


def test_files_hold_the_seeded_draws() -> None:
    assert read_sets("content", KNOWN) == draw_content_sets(red116())
    assert read_sets("coordinated_attack", KNOWN) == draw_attack_sets(red116())


def test_content_sets_share_no_gm_and_hold_their_content() -> None:
    content = {gm.name: gm.content for gm in red116()}
    sets = read_sets("content", KNOWN)
    members = [gm for drawn in sets.values() for gm in drawn]
    assert len(sets) == 8
    assert len(members) == len(set(members)) == 48
    for name, drawn in sets.items():
        assert all((content[gm] == "faces") is name.startswith("face") for gm in drawn)


def test_attack_sets_are_15_and_15_without_overlap() -> None:
    sets = read_sets("coordinated_attack", KNOWN)
    assert len(sets["seen"]) == len(sets["unseen"]) == 15
    assert not set(sets["seen"]) & set(sets["unseen"])


def test_diffusion_sets_as_in_the_released_code() -> None:
    benchmark = load_benchmark("red116-dm")
    numbers = [[int(gm[3:]) for gm in members] for members in benchmark.sets.values()]
    assert numbers == [[1, 2, 3], [3, 4, 5], [2, 6, 7], [4, 5, 7]]
    assert benchmark.sets_overlap
    assert len(benchmark.training_gms("set_1")) == 116 + 4


def test_red140_has_the_follow_ups_sets() -> None:
    benchmark = load_benchmark("red140")
    assert len(benchmark.gms) == 116 + 24
    assert [len(members) for members in benchmark.sets.values()] == [3, 3, 3, 3]
    assert benchmark.sets["set_2"] == ("DDPM_32", "ADM_G_64", "GLIDE")
    assert not benchmark.sets_overlap
    assert len(benchmark.training_gms("set_1")) == 116 + 21
    # How many filters the diffusion models have nobody says; all else is known.
    unknown = ~benchmark.known
    assert unknown.sum() == unknown[116:, 5].sum() == 24
    middle = sorted(gm.values[5] for gm in benchmark.gms[:116])[57]
    assert (benchmark.labels[116:, 5] == middle).all()
    assert len(benchmark.classes["normalization"]) == 5


def test_a_file_with_an_unknown_gm_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "set_1.txt"
    path.write_text("# head\nAAE\nSTYLGAN  # typo\n")
    with pytest.raises(UnknownNameError, match=r"'STYLGAN'.*STYLEGAN.*line 3"):
        read_set(path, KNOWN)


def test_a_file_with_a_gm_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set_1.txt"
    path.write_text("AAE\nAAE\n")
    with pytest.raises(BenchmarkError, match="line 2: AAE stands there twice"):
        read_set(path, KNOWN)


def test_a_file_as_other_systems_write_it(tmp_path: Path) -> None:
    path = tmp_path / "set_1.txt"
    path.write_bytes(b"\xef\xbb\xbfAAE\r\n")
    assert read_set(path, KNOWN) == ("AAE",)
    path.write_bytes("AAE\n".encode("utf-16"))
    with pytest.raises(
        BenchmarkError, match=r"set_1\.txt cannot be read as a list of GMs: 'utf-8'"
    ):
        read_set(path, KNOWN)


def test_unknown_group() -> None:
    with pytest.raises(UnknownNameError, match="coordinated_attack"):
        read_sets("coordinated_atack", KNOWN)
