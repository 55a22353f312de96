from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.metrics import METRICS
from gmbench.evaluation.result import Evaluation
from gmbench.files import WriteError
from gmbench.pages.drawing import charts, numbers
from gmbench.pages.report import render_report, sections, write_report
from gmbench.predictions.reference import mean_mode
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES, NAMES
from tests.browser import chromium_page
from tests.evaluation.populations import (
    random_predictions,
    random_probabilities,
    small_benchmark,
)

VOID = {"meta", "link", "br", "wbr", "img", "input", "hr"}
HOSTILE = "\"><script>alert('x')</script><img src=http://example.org/x onerror=alert(1)>{{ 7 * 7 }}"


@cache
def case(name: str) -> Evaluation:
    """One of the results that reports are made of."""
    benchmark = small_benchmark([3, 4])
    predictions = random_predictions(benchmark, 1, "runs/full/predictions.parquet")
    if name == "probabilities":
        odds = random_probabilities(predictions, 1)
        odds.pop("upsampling")
        predictions = replace(predictions, values=replace(predictions.values, probabilities=odds))
    if name == "undefined":
        return evaluate(mean_mode(benchmark), replicates=50)
    if name == "overlapping":
        return evaluate(random_predictions(small_benchmark(4, "red116-dm"), 2), replicates=50)
    if name == "one set":
        predictions = predictions.take(np.flatnonzero(predictions.sets == 1))
    if name == "one GM":
        predictions = predictions.take(np.flatnonzero(predictions.gms == predictions.gms[0]))
    replicates = 0 if name == "no intervals" else 50
    return evaluate(predictions, replicates=replicates, partial=True)


CASES = (
    "full", "undefined", "overlapping", "one set", "one GM", "no intervals", "probabilities",
)  # fmt: skip


class Reader(HTMLParser):
    """Reads a page: its numbers by section and by what they speak of, its tags and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack: list[tuple[str, dict[str, str | None]]] = []
        self.numbers: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.shown: list[tuple[float, str]] = []
        self.tags: list[str] = []
        self.text = ""
        self.reasons: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()
        assert not self.stack, f"not closed: {self.stack}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.stack.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self.stack.pop()
        assert opened == tag, f"<{opened}> closed by </{tag}>"

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1][0] == "style":
            return
        beyond = [attributes.get("class") for _, attributes in self.stack[:-1]]
        if "why none" in beyond and self.stack[-1][0] == "span":
            self.reasons.append(data)
            return
        self.text += data
        if self.stack and self.stack[-1][0] == "data":
            value = float(self.stack[-1][1]["value"] or "nan")
            self.numbers[self._place()].append(value)
            self.shown.append((value, data))

    def _place(self) -> tuple[str, str]:
        section = key = ""
        for _, attributes in self.stack:
            if "id" in attributes:
                section = attributes["id"] or ""
            for name in ("data-metric", "data-parameter", "data-gm"):
                key = attributes.get(name) or key
        return section, key


def defined(*values: float | tuple[float, float] | None) -> list[float]:
    """The numbers among values and intervals, in a row."""
    row: list[float] = []
    for value in values:
        row += value if isinstance(value, tuple) else [] if value is None else [value]
    return row


@pytest.mark.parametrize("name", CASES)
def test_every_number_of_the_result_stands_in_the_page(name: str) -> None:
    evaluation = case(name)
    found = Reader(render_report(evaluation)).numbers
    for metric in METRICS:
        summary = evaluation.summary[metric.name]
        if metric.headline:
            apart = evaluation.without_twins and evaluation.without_twins.summary[metric.name]
            expected = defined(summary.mean, summary.ci, summary.std)
            expected += defined(apart.mean, apart.ci) if apart else []
            assert found["scores", metric.name] == expected
        row: list[float | tuple[float, float] | None] = []
        for result in evaluation.sets.values():
            row += [result.values[metric.name], result.intervals.get(metric.name)]
        expected = defined(*row, summary.mean, summary.ci, summary.std)
        assert found["metrics", metric.name] == (expected if metric.shown else [])
    for parameter in (*CONTINUOUS, *DISCRETE, *LOSSES):
        scores = evaluation.parameters[parameter.name]
        main = "l1" if parameter in CONTINUOUS else "f1"
        others = [value for key, value in scores.values.items() if key != main]
        expected = defined(scores.values[main], scores.intervals.get(main))
        assert found["parameters", parameter.name] == expected
        if parameter in CONTINUOUS:
            assert found["truth", parameter.name] == defined(*others)
        else:
            counts = [count for row in scores.confusion for count in row]
            assert found["confusion", parameter.name] == [*defined(*others), *counts]
    assert evaluation.calibration is not None
    for name, one in (evaluation.calibration.together | evaluation.calibration.parameters).items():
        assert found["calibration", name] == defined(one.ece, one.ci, one.by_chance)
    skill = evaluation.calibration.arch_log_skill
    expected = defined(skill.mean, skill.ci) if skill else []
    assert found["calibration", "arch_log_skill"] == expected
    for key, gm in evaluation.gms.items():
        assert found["gms", key] == [gm.l1, gm.arch_accuracy, gm.loss_accuracy]


@pytest.mark.parametrize("name", CASES)
def test_what_is_read_is_what_is_meant(name: str) -> None:
    for value, text in Reader(render_report(case(name))).shown:
        plain = text.replace(numbers.MINUS, "-").replace(",", "")
        if "10" in plain and (numbers.TIMES in plain or "<" in plain):
            continue
        assert float(plain) == pytest.approx(value, rel=5e-4, abs=5.01e-4)


@pytest.mark.parametrize("name", CASES)
def test_whole_and_alone(name: str) -> None:
    evaluation = case(name)
    page = render_report(evaluation)
    reader = Reader(page)
    assert not {"script", "img", "iframe", "object", "embed", "form"} & set(reader.tags)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page)
    assert not re.search(r"\b(nan|inf|None|undefined)\b", reader.text, re.IGNORECASE)
    for text in (evaluation.benchmark, evaluation.version, *evaluation.sets, *NAMES):
        assert text in reader.text
    for gm in evaluation.gms.values():
        assert gm.gm in reader.text
        assert f"{gm.kind})" in reader.text
    for value in vars_of(evaluation):
        assert value in reader.text
    assert evaluation.calibration is not None
    bins = [len(one.bins) for one in evaluation.calibration.together.values()]
    assert reader.tags.count("circle") == sum(bins)
    assert page.count("<use ") == 9 * len(evaluation.gms)
    assert render_report(evaluation) == page


def vars_of(evaluation: Evaluation) -> list[str]:
    manifest = evaluation.to_dict()["manifest"]
    return [str(value) for value in manifest.values()]


def test_gms_are_ordered_by_l1_in_each_set() -> None:
    evaluation = case("full")
    page = render_report(evaluation)
    keys = re.findall(r'data-gm="([^"]*)"', page)
    expected = [
        key
        for name in evaluation.sets
        for key, gm in sorted(evaluation.gms.items(), key=lambda pair: pair[1].l1)
        if gm.set == name
    ]
    assert keys == expected


def test_undefined_values_have_a_dash_and_a_reason() -> None:
    evaluation = case("undefined")
    assert evaluation.summary["p_value"].mean is None
    reader = Reader(render_report(evaluation))
    text = " ".join(reader.text.split())
    # A dash opens a box with its reason.
    assert len(reader.reasons) > 10
    assert all(reader.reasons)
    assert (
        "p (GMs) is not defined in set_1, set_2, set_3, set_4: the errors do not differ from "
        "the reference's, or there are fewer than two GMs."
    ) in text
    assert f"correlation {numbers.DASH}, R²" in text
    assert "A dash: not defined, because the truth or the prediction is constant in a set." in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("one GM", "no interval: an interval needs two GMs in a set"),
        ("no intervals", "no interval: no interval was asked for"),
    ],
)
def test_a_missing_interval_has_a_reason(name: str, words: str) -> None:
    assert words in " ".join(Reader(render_report(case(name))).text.split())


def test_a_single_set_has_no_standard_deviation() -> None:
    text = Reader(render_report(case("one set"))).text
    assert "1 set: set_2" in text
    assert "std over sets" not in text


def test_overlapping_sets_show_a_gm_once_a_set() -> None:
    evaluation = case("overlapping")
    text = Reader(render_report(evaluation)).text
    assert "One mark a GM and set" in " ".join(text.split())
    assert len(evaluation.gms) > evaluation.n_gms
    for key in evaluation.gms:
        assert text.count(f"{key} (DM): true") == 9


def test_what_is_left_without_twins(snapshot: SnapshotAssertion) -> None:
    """The tiles and the GMs left out, in words; of a benchmark one of whose sets has no other."""
    evaluation = case("overlapping")
    assert evaluation.without_twins is not None
    assert evaluation.without_twins.empty_sets == ("set_2",)
    page = render_report(evaluation)
    section = page[page.index('<section id="scores">') : page.index('<section id="metrics">')]
    text = Reader(section).text
    assert (
        "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip()) == snapshot
    )


def test_a_result_without_any_twin_says_nothing_of_them() -> None:
    page = render_report(replace(case("full"), without_twins=None))
    assert "twin" not in page


def test_an_older_result_says_nothing_of_calibration() -> None:
    page = render_report(replace(case("full"), calibration=None))
    assert "Calibration" not in page
    assert 'id="calibration"' not in page


def hostile_case() -> Evaluation:
    evaluation = case("full")
    gms = {HOSTILE + key: replace(gm, gm=HOSTILE + gm.gm) for key, gm in evaluation.gms.items()}
    first = next(iter(gms))
    gms[first] = replace(gms[first], kind=HOSTILE)
    sets = {f"{HOSTILE}{name}": result for name, result in evaluation.sets.items()}
    parameters = dict(evaluation.parameters)
    parameters["upsampling"] = replace(parameters["upsampling"], classes=(HOSTILE, "\udcff"))
    return replace(
        evaluation,
        benchmark=HOSTILE,
        version=HOSTILE,
        gms={key: replace(gm, set=HOSTILE + gm.set) for key, gm in gms.items()},
        sets=sets,
        parameters=parameters,
        manifest=replace(evaluation.manifest, predictions=f"a/\udcff{HOSTILE}", reference=HOSTILE),
    )


def test_hostile_names_stay_text() -> None:
    evaluation = hostile_case()
    reader = Reader(render_report(evaluation))
    assert not {"script", "img"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert reader.text.count(HOSTILE) > 9 * 48
    assert "{{ 7 * 7 }}" in reader.text


def test_writes_both_files(tmp_path: Path) -> None:
    evaluation = case("full")
    report = write_report(evaluation, tmp_path / "new" / "folder")
    assert report == tmp_path / "new" / "folder" / "report.html"
    assert report.read_text(encoding="utf-8") == render_report(evaluation)
    written = json.loads((report.parent / "result.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(evaluation.to_dict()))
    assert sorted(path.name for path in report.parent.iterdir()) == ["report.html", "result.json"]
    assert write_report(case("one set"), report.parent) == report
    assert "1 set: set_2" in report.read_text(encoding="utf-8")


def test_writes_names_that_are_no_text(tmp_path: Path) -> None:
    report = write_report(hostile_case(), tmp_path)
    written = json.loads((report.parent / "result.json").read_text(encoding="utf-8"))
    assert written["manifest"]["predictions"] == f"a/\udcff{HOSTILE}"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match=r"file/result\.json cannot be written.*another place"):
        write_report(case("one GM"), tmp_path / "file")


def test_a_right_prediction_stands_on_the_diagonal() -> None:
    evaluation = case("full")
    known = [
        {name: v for name, v in gm.truth.items() if v is not None} for gm in evaluation.gms.values()
    ]
    gms = {
        key: replace(gm, predicted=truth)
        for (key, gm), truth in zip(evaluation.gms.items(), known, strict=True)
    }
    far = next(iter(gms))
    gms[far] = replace(gms[far], predicted=dict.fromkeys(NAMES, 1e12))
    frame = charts.Frame()
    for parameter in CONTINUOUS:
        plot = charts.scatter(parameter, gms, charts.kinds_of(evaluation))
        assert plot is not None
        assert [dot.beyond for dot in plot.dots] == [True] + [False] * (len(gms) - 1)
        for dot in plot.dots[1:]:
            assert dot.x - frame.left == pytest.approx(frame.bottom - dot.y, abs=0.11)
            assert frame.left <= dot.x <= frame.right


@pytest.mark.usefixtures("one_browser")
@pytest.mark.parametrize(
    "name",
    [
        "full",
        "probabilities",
        pytest.param("hostile", marks=pytest.mark.slow),
        pytest.param("one GM", marks=pytest.mark.slow),
        pytest.param("overlapping", marks=pytest.mark.slow),
        pytest.param("undefined", marks=pytest.mark.slow),
    ],
)
def test_in_a_browser(name: str, tmp_path: Path) -> None:
    report = write_report(hostile_case() if name == "hostile" else case(name), tmp_path)
    with chromium_page(width=360) as browser:
        browser.open(report)
        for width in (360, 768, 1280):
            browser.page.set_viewport_size({"width": width, "height": 900})
            assert browser.overflow() <= 0, width
        for dark, paper in ((False, "rgb(255, 255, 255)"), (True, "rgb(21, 24, 28)")):
            browser.page.emulate_media(color_scheme="dark" if dark else "light")
            found = browser.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert found == paper
            assert browser.faults() == []
        if name in ("full", "probabilities", "hostile"):
            assert browser.axe() == []
        assert browser.errors == []
        assert browser.requests == [report.as_uri()]


@pytest.mark.usefixtures("one_browser")
def test_in_print_it_is_light_and_fits(tmp_path: Path) -> None:
    report = write_report(case("full"), tmp_path)
    with chromium_page(width=688, dark=True, javascript=False) as browser:
        browser.page.emulate_media(media="print", color_scheme="dark")
        browser.open(report)
        ink = browser.page.evaluate("getComputedStyle(document.body).color")
        assert ink == "rgb(26, 30, 35)"
        assert browser.overflow() <= 0


@pytest.mark.usefixtures("one_browser")
def test_the_browser_finds_what_is_wrong(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><title>x</title><body style='background:#fff'><h1>x</h1><h3>y</h3>"
        "<p style='color:#999'>pale</p><svg role='img'></svg><table><tr><th>z</th></tr></table>"
        "<a href='#nowhere'>n</a><div style='width:500px'>wide</div>"
        "<script src='missing.js'></script><script>throw new Error('thrown')</script>"
    )
    with chromium_page(width=360) as browser:
        browser.open(page)
        faults = "\n".join(browser.faults() + browser.axe())
        for expected in (
            "html-has-lang",
            "heading-order",
            "contrast 2.85",
            "svg-img-alt",
            "table without caption",
            "header without scope: z",
            "nothing has the id #nowhere",
            "landmark-one-main",
        ):
            assert expected in faults
        assert browser.overflow() > 0
        assert any("thrown" in error for error in browser.errors)
        assert any("missing.js" in error for error in browser.errors)
        assert len(browser.requests) == 2


@pytest.mark.slow
def test_small_and_quick() -> None:
    evaluation = case("full")
    render_report(evaluation)
    start = time.process_time()
    page = render_report(evaluation)
    assert time.process_time() - start < 1.0
    assert len(page.encode()) < 400_000


def test_a_count_that_is_unknown_for_every_test_gm_has_no_plot() -> None:
    benchmark = replace(load_benchmark("red140"), n_images=(2,) * 140)
    found = evaluate(mean_mode(benchmark), replicates=50)
    made = sections.page(found)
    plotted = [view.name for _, view in made.scatters]
    assert plotted == [one.name for one in CONTINUOUS if one.name != "filters"]
    assert "filters" in render_report(found)
