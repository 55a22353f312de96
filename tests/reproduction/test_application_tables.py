"""Tables 11 and 12 against results written by hand, and what they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gmbench.applications.studies import METRICS, TESTED_ON, TRAINED_ON, ContentStudy
from gmbench.benchmark.benchmark import MINI116, load_benchmark
from gmbench.benchmark.published import paper_cells
from gmbench.evaluation.comparison import Difference
from gmbench.evaluation.summary import Summary
from gmbench.files import json_text, write_whole
from gmbench.reproduction import application_tables, tables
from gmbench.reproduction import reproduce as reproducing
from gmbench.reproduction.experiments import ContentRun, Experiment
from gmbench.reproduction.page import section
from gmbench.reproduction.setting import Setting
from gmbench.reproduction.trainings import DetectorTraining, FoldTraining, in_rounds
from gmbench.training.options import RunOptions
from tests.applications.toys import TINY


def estimate(value: float, p: float | None = None) -> dict[str, Any]:
    return {"value": value, "ci": [value - 0.1, value + 0.2], "p_value": p}


@pytest.fixture
def on_mini116(tmp_path: Path) -> Setting:
    """Networks of eight pixels on the packaged images."""
    options = RunOptions(
        changes={
            "view": TINY["view"],
            "model": {"fen_depth": 2, "fen_width": 4, "trunk_widths": [4], "parser_width": 8},
            "epochs": 1,
            "batch_size": 128,
        },
        device="cpu",
        runs=tmp_path / "runs",
    )
    return Setting(load_benchmark("mini116"), MINI116, tmp_path / "results", options)


def keep(setting: Setting, experiment: Experiment, result: Mapping[str, Any]) -> None:
    place = setting.out / setting.benchmark.name / f"{experiment.name}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, json_text(dict(result)))


def made(name: str, setting: Setting) -> Any:
    return next(one for one in tables.PAPER_TABLES if one.name == name).result(setting)


def test_detection_beside_the_papers(on_mini116: Setting) -> None:
    less: dict[str, Any] = {
        "fingerprint": None,
        "image_fingerprint": estimate(0.1, 0.02),
        "image_fingerprint_phase": estimate(-0.1, 0.01),
        "model_parsing": estimate(0.05, None),
        "one_number": estimate(-0.4, 0.001),
    }
    detectors = {
        name: {"auc": estimate(0.8), "gain": estimate(0.3, 0.01), "less_fingerprint": one}
        for name, one in less.items()
    }
    keep(on_mini116, application_tables.DETECTION, {"detectors": detectors})
    table = made("table11", on_mini116)
    assert {m: c.value for m, c in table.lines[0].ours.items()} == {"auc": 0.8, "gain": 0.3}
    assert table.lines[0].paper == {"auc": paper_cells("11")["fingerprint", "auc"]}
    trivial = table.lines[4]
    assert (trivial.paper, set(trivial.ours)) == ({}, {"auc"})
    assert [line.ours for line in table.lines[5:]] == [{}, {}, {}]
    written = {line.paper["auc"].value for line in table.lines if line.paper}
    assert written == {cell.value for cell in paper_cells("11").values()}
    first, second, third = table.orders
    assert (first.better, first.worse) == ("Image and fingerprint", "Fingerprint")
    assert (first.paper, first.ours) == (pytest.approx(0.711 - 0.696), 0.1)
    # Of two tests the smaller p is doubled, the other is no smaller.
    assert (first.p, first.verdict) == (0.02, "holds")
    assert (second.p, second.ours, second.verdict) == (0.02, -0.1, "reversed")
    # The paper has the fingerprint ahead of what was first trained to parse.
    assert (third.better, third.ours) == ("Fingerprint", -0.05)
    assert third.ci == pytest.approx((-0.25, 0.05))
    assert (third.p, third.verdict) == (None, "not tested")


def test_attribution_beside_the_papers(on_mini116: Setting) -> None:
    for content, run in application_tables.ATTRIBUTIONS.items():
        methods = {
            name: {
                "accuracy": estimate(0.5),
                "less_ours": None if name == "fingerprint" else estimate(-0.2, 0.004),
            }
            for name in application_tables._ATTRIBUTORS
        }
        if content == "accuracy_lsun":
            methods["knn"]["accuracy"] = estimate(0.3)
        keep(on_mini116, run, {"methods": methods, "chance": 0.2})
    table = made("table12", on_mini116)
    assert [line.title for line in table.lines[-2:]] == ["FEN, the paper's method", "Guessing"]
    assert table.lines[0].paper["accuracy_lsun"].value == 0.363
    assert table.lines[0].ours["accuracy_lsun"].value == 0.3
    assert table.lines[5].ours["accuracy_celeba"].value == 0.2
    # The paper has no Eigenface on LSUN.
    assert set(table.lines[1].paper) == {"accuracy_celeba"}
    assert len(table.orders) == 7
    assert {order.better for order in table.orders} == {"FEN, the paper's method"}
    assert {order.verdict for order in table.orders} == {"holds"}
    assert {order.p for order in table.orders} == {7 * 0.004}
    assert {order.ours for order in table.orders} == {0.2}
    assert section(table, "mini116").headings == (
        "accuracy, CelebA or faces ↑",
        "accuracy, LSUN or photographs ↑",
    )


def test_detectors_begin_with_the_parsers_of_table_6(on_mini116: Setting) -> None:
    usual = replace(on_mini116, options=replace(on_mini116.options, changes={}))
    planned = reproducing.plan(["table6", "table11"], usual)
    parsers, detectors = (step.trainings for step in planned.steps)
    assert [len(parsers), len(detectors)] == [12, 4]
    assert planned.minutes == (12 + 4 * DetectorTraining.length) * reproducing.MINUTES["small"]
    for one in detectors:
        assert isinstance(one, DetectorTraining)
        assert all(parser in parsers for parser in one.needs)
    alone = reproducing.plan(["table11"], on_mini116).steps[0].trainings
    assert [len(each) for each in in_rounds(list(alone))] == [4, 4]
    assert in_rounds([*detectors, *parsers]) == [list(parsers), list(detectors)]
    content = list(ContentRun().trainings(on_mini116))
    for one in alone[:4]:
        assert isinstance(one, FoldTraining)
        assert one in content
        learnt = set(one.benchmark.training_gms(one.set_name))
        assert len(learnt) == len(one.benchmark.gms) - 12
        assert not learnt & set(one.benchmark.test_gms(one.set_name))


def test_without_real_images_or_gms_it_says_so(setting: Setting) -> None:
    planned = reproducing.plan(["table11", "table12"], setting)
    reasons = [step.refused for step in planned.steps]
    assert "has no real images" in reasons[0]
    assert "'SNGAN' is not known" in reasons[1]
    assert "'RSGAN_RES_REG' is not known" in reasons[2]


def test_faces_and_all_else_of_a_study_that_was_kept(on_mini116: Setting) -> None:
    summaries = {metric: Summary(0.5, None, (0.4, 0.6)) for metric in METRICS}
    pairs = {
        tested: tuple(
            Difference(*(("faces", "others") if tested == "faces" else ("others", "faces")), metric,
                       -0.1 if metric == "l1" else 0.1, (-0.2, 0.2), 0.001)
            for metric in METRICS
        )
        for tested in TESTED_ON
    }  # fmt: skip
    scores = {trained: dict.fromkeys(TESTED_ON, summaries) for trained in TRAINED_ON}
    counts = dict.fromkeys(TRAINED_ON, 24.0)
    study = ContentStudy("mini116", "full", counts, scores, pairs)
    keep(on_mini116, ContentRun(), study.to_dict())
    table = made("table6", on_mini116)
    assert len(table.orders) == 6
    assert {order.p for order in table.orders} == {6 * 0.001}
    assert {order.verdict for order in table.orders} == {"holds"}
    assert table.lines[0].ours["l1"].ci == (0.4, 0.6)
