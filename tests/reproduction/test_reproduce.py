"""Plans, runs that are taken up again, and tables against their experiments."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gmbench.applications import attack_checkpoint
from gmbench.applications.many_images import many_images
from gmbench.data.build import build_dataset
from gmbench.errors import MissingPackageError, UnknownNameError
from gmbench.evaluation.comparison import compare
from gmbench.evaluation.significance import holm
from gmbench.predictions.reference import mean_mode
from gmbench.predictions.writing import write_predictions
from gmbench.reproduction import drawings, tables
from gmbench.reproduction import reproduce as reproducing
from gmbench.reproduction.experiments import AttackRun, BaselineRun, ContentRun, _keep
from gmbench.reproduction.reproduce import MINUTES
from gmbench.reproduction.result import Order, verdict, with_verdicts
from gmbench.reproduction.setting import Setting
from gmbench.reproduction.trainings import FoldTraining, Training, train_one
from gmbench.training import checkpoint
from tests.processes import one_after_the_other
from tests.training.families import family_image

ROWS = ("mean_mode", "full", "median_mode")


@pytest.fixture
def small_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Table 5 with one network, and Table 9, whose GMs are not there."""
    table5 = tables._table(5, "Loss parsing", ROWS, ("loss_f1", "loss_accuracy"), "tiny")
    table9 = next(one for one in tables.PAPER_TABLES if one.name == "table9")
    monkeypatch.setattr(reproducing, "PAPER_TABLES", (table5, table9))


@pytest.mark.parametrize(
    ("difference", "p", "expected", "said"),
    [
        (0.1, 0.01, 0.3, "holds"),
        (-0.1, 0.01, -0.3, "holds"),
        (-0.1, 0.01, 0.3, "reversed"),
        (0.1, 0.05, 0.3, "not told apart"),
        (0.1, None, 0.3, "not tested"),
        (None, 0.01, 0.3, "not tested"),
    ],
)
def test_verdicts(difference: float, p: float, expected: float, said: str) -> None:
    assert verdict(difference, p, expected) == said


def test_p_values_are_corrected_over_the_orders_of_a_table() -> None:
    def order(paper: float, ours: float, p: float | None) -> Order:
        return Order("a", "b", "l1", paper, ours, None, p)

    orders = [order(-0.1, -0.2, 0.02), order(0.0, 0.3, 0.001), order(0.1, -0.1, 0.001)]
    orders += [order(0.1, 0.1, None), order(0.2, 0.1, 0.03)]
    found = with_verdicts(orders)
    # The second is no order of the paper's, and the fourth no test: three are corrected for.
    assert [one.p for one in found] == pytest.approx([0.04, 0.003, None, 0.04])
    assert [one.verdict for one in found] == ["holds", "reversed", "not tested", "holds"]
    assert with_verdicts([]) == ()


def test_tables_and_figures_by_name_in_the_papers_order() -> None:
    chosen, drawn = reproducing.find_wanted(["table7", "fig8", "table4"])
    assert [one.name for one in chosen] == ["table4", "table7"]
    assert [one.name for one in drawn] == ["fig8"]
    assert reproducing.find_wanted(["all"]) == (tables.PAPER_TABLES, drawings.PAPER_FIGURES)
    with pytest.raises(UnknownNameError, match=r"'table44' is not known. Did you mean"):
        reproducing.find_wanted(["table44"])


def test_a_plan_lists_each_experiment_once(setting: Setting) -> None:
    planned = reproducing.plan(["table4", "table5"], setting)
    names = [step.experiment.name for step in planned.steps]
    assert len(names) == len(set(names)) == 6
    by_name = {step.experiment.name: step for step in planned.steps}
    # Two sets: three repeats of random_gt, one of the others.
    counts = {name: len(step.trainings) for name, step in by_name.items()}
    assert counts["sets/random_gt"] == 6
    assert counts["sets/full"] == counts["sets/one_parser"] == 2
    assert counts["sets/mean_mode"] == 0
    assert by_name["sets/full"].wanted_for == ("table4", "table5")
    # With changed settings nobody has measured it.
    assert planned.minutes is None
    usual = replace(setting, options=replace(setting.options, changes={}))
    assert reproducing.plan(["table4", "table5"], usual).minutes == 12 * MINUTES["small"]


def test_finished_trainings_are_not_planned_again(setting: Setting) -> None:
    def n_planned(of: Setting, name: str = "table5") -> int:
        return sum(len(step.trainings) for step in reproducing.plan([name], of).steps)

    run = BaselineRun("full")
    whole = n_planned(setting)
    first, second = run.trainings(setting)
    first.train()
    assert (first.is_done(), second.is_done()) == (True, False)
    assert n_planned(setting) == whole - 1
    # Of other settings or images it is another training, and half of one is none.
    for changes in ({"epochs": 2}, {"members": 2}):
        options = replace(setting.options, changes={**setting.options.changes, **changes})
        longer = next(iter(run.trainings(replace(setting, options=options))))
        assert not longer.is_done()
    shutil.copytree(place_of(first), place_of(longer) / "member_0")
    assert not longer.is_done()
    assert setting.folder is not None
    sums = setting.folder / "checksums.sha256"
    sums.write_text("".join(f"{'0' * 9}{line[9:]}\n" for line in sums.read_text().splitlines()))
    assert not first.is_done()


def test_a_training_with_several_members_is_done_when_all_are(setting: Setting) -> None:
    changes = {**setting.options.changes, "members": 2}
    options = replace(setting.options, changes=changes)
    training = next(iter(BaselineRun("full").trainings(replace(setting, options=options))))
    assert not training.is_done()
    training.train()
    assert training.is_done()
    shutil.rmtree(place_of(training) / "member_1")
    assert not training.is_done()


def place_of(training: Training) -> Path:
    assert isinstance(training, FoldTraining)
    place = training.job.place(training.set_name)
    assert place is not None
    return place


@pytest.mark.parametrize("options", [{"preset": "huge"}, {"changes": {"nonsense": 1}}])
def test_a_plan_of_settings_that_are_none_is_refused(
    setting: Setting, options: dict[str, Any]
) -> None:
    with pytest.raises(UnknownNameError, match="is not known"):
        reproducing.plan(["table5"], replace(setting, options=replace(setting.options, **options)))


def test_without_images_it_says_what_is_missing(setting: Setting) -> None:
    planned = reproducing.plan(["table5"], replace(setting, folder=None))
    refused = {step.experiment.name: step.refused for step in planned.steps}
    assert "looks at images. Give the folder of a dataset" in refused["sets/full"]
    assert refused["sets/median_mode"] == ""


def test_nothing_is_trained_for_figures_that_cannot_be_drawn(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPackageError, match=r"needs the package matplotlib.*\[figures\]"):
        reproducing.reproduce(["fig8"], setting, tmp_path)
    assert not setting.out.exists()
    assert not _logs(setting)


def test_figure_11_leaves_out_gms_with_one_image(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "gmbench.training.fingerprints.gm_fingerprints"
    monkeypatch.setattr(AttackRun, "checkpoint", lambda *_: None)
    monkeypatch.setattr(place, lambda _, __, shown, *___: dict.fromkeys(shown))
    benchmark = replace(setting.benchmark, n_images=(1, 2, *[8] * 14))
    draw: Any = lambda _, found, __: list(found)  # noqa: E731
    found: Any = drawings._fingerprints(replace(setting, benchmark=benchmark), draw, all_gms=True)
    assert found == list(benchmark.index)[1:]


@pytest.mark.usefixtures("small_tables")
def test_a_table_is_made_of_its_experiments(setting: Setting, tmp_path: Path) -> None:
    with one_after_the_other(reproducing):
        found = reproducing.reproduce(
            ["table5", "table9", "fig3", "fig12"], setting, tmp_path, jobs=2
        )
    table, lacking = found.tables
    assert lacking.lines == ()
    assert "lacks 7 of the 7 GMs that the sets dm test" in lacking.missing
    assert (tmp_path / found.figures[0].file).read_bytes().startswith(b"\x89PNG")
    assert "of the 30 GMs that the sets coordinated_attack test" in found.figures[1].missing
    runs = {name: BaselineRun(name) for name in ROWS}
    for line, (name, run) in zip(table.lines, runs.items(), strict=True):
        assert line.title == tables.TITLES[name]
        summary = run.scores(setting)["summary"]["loss_f1"]
        assert line.ours["loss_f1"].value == summary["mean"]
    assert table.lines[1].paper["loss_f1"].value == 0.813
    assert table.lines[2].paper == {}
    differences = compare(*(r.predictions(setting) for r in runs.values()), names=ROWS)
    tested = {
        one.metric: one
        for one in differences.differences
        if one.second == "full" and one.metric in ("loss_f1", "loss_accuracy")
    }
    expected = tested["loss_f1"]
    order = next(one for one in table.orders if one.metric == "loss_f1")
    assert order.worse == tables.TITLES["mean_mode"]
    assert order.paper == pytest.approx(0.813 - 0.751)
    assert expected.difference is not None
    assert order.ours == -expected.difference
    p_values = [one.p_value for one in tested.values() if one.p_value is not None]
    corrected = dict(zip(tested, holm(p_values), strict=True))
    assert order.p == corrected["loss_f1"]
    assert json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.usefixtures("small_tables")
def test_what_was_made_is_taken_up_again(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []

    def watched(training: Training) -> None:
        trained.append(training)
        train_one(training)

    monkeypatch.setattr(reproducing, "train_one", watched)
    with one_after_the_other(reproducing):
        first = reproducing.reproduce(["table5"], setting, tmp_path, jobs=2)
        assert len(trained) == 2
        # Results are gone, trainings are there: they are read, not run.
        shutil.rmtree(setting.out)
        logs = {path: path.stat().st_mtime_ns for path in _logs(setting)}
        assert len(logs) == 2
        again = reproducing.reproduce(["table5"], setting, tmp_path, jobs=2)
        assert {path: path.stat().st_mtime_ns for path in _logs(setting)} == logs
        assert again.tables == first.tables
        # All is there: nothing is run.
        assert reproducing.plan(["table5"], setting).minutes == 0
        other = replace(setting, options=replace(setting.options, seed=7))
        assert len(reproducing.plan(["table5"], other).steps[1].trainings) == 2


def _logs(setting: Setting) -> list[Path]:
    assert setting.options.runs is not None
    return sorted(setting.options.runs.rglob("log*"))


def test_few_images_of_a_gm_have_no_differences(setting: Setting) -> None:
    floor, full = BaselineRun("median_mode"), BaselineRun("full")
    floor.make(setting, None)
    folder = setting.out / setting.benchmark.name / "sets"
    shutil.copy(folder / "median_mode.parquet", folder / "full.parquet")
    lines, orders = tables._images(setting)
    notes = {line.title: line.note for line in lines}
    assert notes["8 images"] == ""
    assert notes["10 images"] == "not all GMs have more than 8 images"
    assert lines[0].ours["l1"].value is not None
    assert orders == []
    assert len(full.predictions(setting).gms) == 64


def test_as_many_images_as_all_test_gms_have(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "compare", lambda *_, **__: SimpleNamespace(differences=()))
    monkeypatch.setattr(tables, "many_images", partial(many_images, draws=1))
    uneven = replace(setting.benchmark, n_images=(200, *[120] * 7, *[50] * 8))
    place = setting.out / uneven.name / "sets" / "full.parquet"
    write_predictions(mean_mode(uneven), place)
    lines, _ = tables._images(replace(setting, benchmark=uneven))
    titles = ["1 image", "10 images", "100 images", "120 images", "500 images"]
    assert [line.title for line in lines] == titles
    assert [bool(line.ours) for line in lines] == [True, True, True, True, False]
    assert lines[-1].note == "not all GMs have more than 120 images"


def test_a_damaged_result_is_made_anew(setting: Setting) -> None:
    run = BaselineRun("median_mode")
    assert not run.is_there(setting)
    run.make(setting, None)
    assert run.is_there(setting)
    place = setting.out / setting.benchmark.name / "sets" / "median_mode.json"
    place.write_text(place.read_text()[:100])
    assert not run.is_there(setting)


def test_scores_of_other_predictions_are_made_anew(setting: Setting) -> None:
    run, other = BaselineRun("random_labels"), replace(setting.options, seed=1)
    run.make(setting, None)
    place = setting.out / setting.benchmark.name / "sets" / "random_labels.json"
    scores = place.read_bytes()
    run.make(replace(setting, options=other), None)
    # As a kill leaves it after the predictions are written and before the scores are.
    place.write_bytes(scores)
    assert not run.is_there(setting)
    run.make(setting, None)
    assert run.is_there(setting)


def test_an_interrupted_attack_leaves_no_result_of_another_network(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    training = SimpleNamespace(checkpoint=lambda _: None, folder=setting.folder)
    monkeypatch.setattr(AttackRun, "trainings", lambda *_: iter([training]))
    monkeypatch.setattr(checkpoint, "save_whole", lambda _, place: place.mkdir(parents=True))
    monkeypatch.setattr(attack_checkpoint, "attack_checkpoint", interrupt)
    run = AttackRun()
    _keep(setting, run, {"attack": {}})
    with pytest.raises(KeyboardInterrupt):
        run.make(replace(setting, options=replace(setting.options, seed=1)), None)
    place = setting.out / setting.benchmark.name / "attack" / "full"
    assert (place / "model").is_dir()
    assert not place.with_suffix(".json").exists()
    assert not run.is_there(setting)


def test_results_of_other_pixels_are_made_anew(setting: Setting, tmp_path: Path) -> None:
    floor, content = BaselineRun("median_mode"), ContentRun()
    floor.make(setting, None)
    _keep(setting, content, {})
    for number, (gm, n) in enumerate(
        zip(setting.benchmark.index, setting.benchmark.n_images, strict=True)
    ):
        (tmp_path / "others" / gm).mkdir(parents=True)
        for seed in range(n):
            family_image(number, 50 + seed).save(tmp_path / "others" / gm / f"{seed:03d}.png")
    built = build_dataset(setting.benchmark, tmp_path / "others", tmp_path / "built", jobs=1)
    other = replace(setting, folder=built.folder)
    for experiment in (floor, content):
        assert experiment.is_there(setting)
        assert not experiment.is_there(other)
    floor.make(other, None)
    assert floor.is_there(other)
    assert not floor.is_there(setting)


def test_results_from_before_their_images_were_told_are_made_anew(setting: Setting) -> None:
    run = BaselineRun("median_mode")
    run.make(setting, None)
    place = setting.out / setting.benchmark.name / "sets" / "median_mode.json"
    result = json.loads(place.read_text())
    del result["run"]["images_sha256"]
    place.write_text(json.dumps(result))
    assert not run.is_there(setting)


def test_results_of_another_gmbench_are_made_anew(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor, content = BaselineRun("median_mode"), ContentRun()
    floor.make(setting, None)
    _keep(setting, content, {})
    assert floor.is_there(setting)
    assert content.is_there(setting)
    for name, value in (("__version__", "99"), ("PROTOCOL", "99")):
        with monkeypatch.context() as patch:
            patch.setattr(f"gmbench.reproduction.setting.{name}", value)
            assert not floor.is_there(setting)
            assert not content.is_there(setting)
