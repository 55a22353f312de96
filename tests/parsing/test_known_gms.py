from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import BenchmarkError
from gmbench.parsing.accuracy import _calibration, accuracy_of
from gmbench.parsing.fitting import fit_known_gms, fit_without, folds_of, read_known_images
from gmbench.parsing.known_gms import KnownGMs, SaidOfImages
from gmbench.parsing.surety import Unseen
from gmbench.parsing.train import train_known_gms
from gmbench.schema import NAMES
from tests.training.families import family_image


def test_images_of_a_known_gm_are_known(known_gms: KnownGMs, families: Benchmark) -> None:
    parsed = known_gms.parse([family_image(5, seed) for seed in range(4)])
    assert tuple(one.name for one in parsed.parameters) == NAMES
    truth = families.gm("GM_05").values
    for one, value in zip(parsed.parameters[9:15], truth[9:15], strict=True):
        assert one.value == families.classes[one.name][int(value)]
    family = {f"GM_{number:02d}" for number in range(1, 16, 4)}
    assert {one.gm for one in parsed.relatives[:2]} <= family
    assert parsed.origin is not None
    assert not parsed.origin.unlike_anything
    assert not parsed.origin.mixed


def test_what_is_like_nothing_is_said_to_be(known_gms: KnownGMs) -> None:
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    parsed = known_gms.parse(np.repeat(checks[..., None], 3, axis=2).astype(np.uint8))
    assert parsed.origin is not None
    assert parsed.origin.unlike_anything
    assert parsed.origin.farther < 0.02


def test_all_images_speak_together(known_gms: KnownGMs) -> None:
    n = len(known_gms.names)
    shares = np.full((2, n), 0.2 / (n - 1))
    shares[0, 0] = shares[1, 1] = 0.8
    said = SaidOfImages(shares, np.zeros(2), np.zeros(2))
    parsed = known_gms.parse_said(said)
    whole = np.sqrt(shares[0] * shares[1])
    whole /= whole.sum()
    assert [one.share for one in parsed.relatives[:2]] == pytest.approx(whole[:2])
    careful = known_gms.parsed(whole[None])
    for one, odds in zip(parsed.parameters[9:], careful.by_head, strict=True):
        assert one.confidence == pytest.approx(odds.max())
        assert sum((one.probabilities or {}).values()) == pytest.approx(1)


def test_a_count_lies_in_its_interval_and_what_cannot_be_told_is_unknown(
    known_gms: KnownGMs,
) -> None:
    n = len(known_gms.names)
    for shares, verdicts in ((np.full((1, n), 1 / n), {"unknown"}), (np.eye(n)[:1], None)):
        parsed = known_gms.parse_said(SaidOfImages(shares, np.zeros(1), np.zeros(1)))
        for one, values in zip(parsed.parameters[:9], known_gms.values.T, strict=False):
            interval = one.interval
            assert interval is not None
            assert interval.low <= float(one.value) <= interval.high
            outside = np.mean((values < interval.low) | (values > interval.high))
            assert interval.leaves_out == pytest.approx(outside)
            wide = interval.low == values.min() and interval.high == values.max()
            if verdicts and wide:
                assert one.verdict in verdicts


def test_images_of_several_gms_are_noticed_in_any_order(
    known_gms: KnownGMs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmbench.parsing.grouping.MOST_COMPARED", 4)
    shares = np.repeat(np.eye(len(known_gms.names))[[0, 3]], 5, axis=0)
    parsed = known_gms.parse_said(SaidOfImages(shares + 1e-9, np.zeros(10), np.zeros(10)))
    assert parsed.origin is not None
    assert parsed.origin.mixed


def test_a_gm_and_its_replica_are_named_once(known_gms: KnownGMs) -> None:
    twice = replace(known_gms, names=("A", *known_gms.names[1:-1], "A"))
    n = len(twice.names)
    shares = np.zeros((1, n))
    shares[0, [0, -1]] = 0.5
    parsed = twice.parse_said(SaidOfImages(shares, np.zeros(1), np.zeros(1)))
    assert (parsed.relatives[0].gm, parsed.relatives[0].share) == ("A", 1.0)


def test_images_that_look_real(known_gms: KnownGMs) -> None:
    n = len(known_gms.names)
    parser = replace(known_gms, real_from=0.3)
    for real, wanted in ((0.31, True), (0.29, False)):
        said = SaidOfImages(np.full((1, n), 1 / n), np.array([real]), np.zeros(1))
        origin = parser.parse_said(said).origin
        assert origin is not None
        assert (origin.looks_real, origin.real_share) == (wanted, real)


@pytest.mark.usefixtures("trained")
def test_folds_leave_out_whole_gms_and_those_of_equal_labels_together(
    families: Benchmark, family_folder: Path
) -> None:
    images = read_known_images(families, family_folder)
    folds = folds_of(images, seed=0)
    np.testing.assert_array_equal(np.sum(folds, axis=0), 1)
    for out in folds:
        inside, outside = set(images.groups[out].tolist()), set(images.groups[~out].tolist())
        assert not inside & outside
        labels = [{tuple(images.values[gm]) for gm in part} for part in (inside, outside)]
        assert not labels[0] & labels[1]


def test_it_says_how_right_it_is(trained: tuple[Path, dict[str, Any]]) -> None:
    found = trained[1]["others"]
    assert (found["n_gms"], found["n_images"]) == (16, 128)
    for metric, better in (("arch_f1", 1), ("loss_f1", 1), ("l1", -1)):
        value, low, high = found["image"][metric]
        assert low <= value <= high
        # Two families share each kind's labels but for a count, so the unseen are parsed well.
        assert better * value > better * found["labels_alone"][metric][0]
    assert set(found["coverage"]) == set(NAMES[:9])
    assert trained[1]["real_or_made"]["n_real"] == 0
    assert trained[1]["real_or_made"]["published_called_real"] == [0.0, 0.0]


@pytest.mark.usefixtures("trained")
def test_labels_that_are_unknown_count_nowhere(families: Benchmark, family_folder: Path) -> None:
    unknown = {"layers": 0, "normalization": 9, "loss_l1": 15}
    gms = list(families.gms)
    values = list(gms[3].values)
    for column in unknown.values():
        values[column] = math.nan
    gms[3] = replace(gms[3], values=tuple(values))
    partial = replace(families, gms=tuple(gms))
    images = read_known_images(partial, family_folder)
    assert (~images.stated).sum() == 3
    assert not np.isnan(images.values).any()
    fitted = fit_known_gms(images, partial, 0, {})
    found = accuracy_of(images, fitted, 0)["others"]["parameters"]
    parsed = fitted.parser.parsed(fitted.unseen.shares)
    counts = families.normalise(images.values[:, :9])
    others = images.groups != 3
    errors = np.abs(parsed.continuous[:, 0] - counts[images.groups, 0])[others]
    assert found["layers"][0] == pytest.approx(errors.mean(), abs=1e-4)
    for name in ("normalization", "loss_l1"):
        truth, said = images.values[images.groups], parsed.classes
        column = unknown[name]
        f1 = f1_score(truth[others, column], said[others, column - 9], average="weighted")
        assert found[name][0] == pytest.approx(f1, abs=1e-4)


@pytest.mark.usefixtures("trained")
def test_a_label_that_is_unknown_of_all_gms_has_no_calibration(
    known_gms: KnownGMs, families: Benchmark, family_folder: Path
) -> None:
    images = read_known_images(families, family_folder)
    stated = images.stated.copy()
    stated[:, NAMES.index("loss_ls")] = False
    n = len(images.names)
    part = Unseen(np.full((n, n), 1 / n), np.zeros(n), np.arange(n), np.zeros(n))
    whole = _calibration(known_gms, part, images, None)
    found = _calibration(known_gms, part, replace(images, stated=stated), None)
    assert found["classes"] == whole["classes"]
    assert json.dumps(found, allow_nan=False)


@pytest.mark.usefixtures("trained")
def test_without_some_gms_and_what_speaks_for_them(
    families: Benchmark, family_folder: Path
) -> None:
    images = read_known_images(families, family_folder, copies=1)
    spoken = (images.speaks_for[1], *images.speaks_for[1:])
    some = replace(images, speaks_for=spoken).without({spoken[0]})
    assert some.names == images.names[2:]
    kept = images.groups > 1
    np.testing.assert_array_equal(some.features, images.features[kept])
    np.testing.assert_array_equal(some.copies[0], images.copies[0][kept])
    np.testing.assert_array_equal(some.groups, images.groups[kept] - 2)
    np.testing.assert_array_equal(some.values, images.values[2:])


@pytest.mark.usefixtures("trained")
def test_copies_of_images_left_out_are_left_out(families: Benchmark, family_folder: Path) -> None:
    images = read_known_images(families, family_folder, copies=2)
    assert [one.shape for one in images.copies] == [images.features.shape] * 2
    assert not np.array_equal(images.copies[0], images.copies[1])
    out = folds_of(images, seed=0)[0]
    hidden = tuple(np.where(out[:, None], np.float32(1e6), one) for one in images.copies)
    folds = [
        fit_without(replace(images, copies=copies), out, families, seed=0)
        for copies in (images.copies, hidden, ())
    ]
    said = [fold.relatives.shares(images.copies[0][out]) for fold in folds]
    np.testing.assert_array_equal(said[0], said[1])
    assert not np.array_equal(said[0], said[2])


def test_too_few_models(
    families: Benchmark, family_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GMBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("gmbench.parsing.train._FEWEST", 9)
    with pytest.raises(BenchmarkError, match="8 different rows of labels: it takes 9 at least"):
        train_known_gms(families, family_folder, tmp_path / "model", copies=0)
    assert not (tmp_path / "model").exists()
