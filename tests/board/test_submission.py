from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syrupy.assertion import SnapshotAssertion

from gmbench.benchmark.benchmark import benchmark_files, load_benchmark
from gmbench.board.board import Board, BoardError, find_benchmark
from gmbench.board.submission import submit
from gmbench.board.submission_card import read_card
from gmbench.board.submittable import labels_share, read_submitted
from gmbench.board.verification import verify
from gmbench.errors import BenchmarkError, GmbenchError, PredictionError
from gmbench.evaluation.evaluate import evaluate
from gmbench.files import WriteError
from gmbench.predictions.checks import Checklist
from gmbench.predictions.columns import Values
from gmbench.predictions.predictions import Predictions, read_predictions
from gmbench.predictions.reference import mean_mode
from gmbench.predictions.writing import write_predictions
from tests.board.boards import (
    benchmark_folder,
    digest,
    facts,
    submit_random,
    tiny_benchmark,
)
from tests.board.sites import REPORTED
from tests.evaluation.populations import (
    random_predictions,
    random_probabilities,
    small_benchmark,
)


def labels_themselves(noise: float = 0.0) -> Predictions:
    """The labels as predictions, with a little noise in the counts."""
    made = random_predictions(tiny_benchmark(), 0)
    truth = made.benchmark.labels[made.gms]
    wobble = 1 + noise * np.random.default_rng(0).standard_normal((len(made), 9))
    return replace(
        made, values=Values(truth[:, :9] * wobble, truth[:, 9:15].astype(np.int8), truth[:, 15:])
    )


def test_what_is_written(tmp_path: Path) -> None:
    board = Board(tmp_path / "a" / "leaderboard")
    made = submit_random(board, tmp_path, "mine", 1, title="My method", params=7)
    assert digest(board.folder).keys() == {
        "benchmarks", "benchmarks/tiny", "benchmarks/tiny/benchmark.json",
        "benchmarks/tiny/gms.csv", "submissions", "submissions/mine",
        "submissions/mine/card.yaml", "submissions/mine/predictions.parquet",
        "submissions/mine/results.json",
    }  # fmt: skip
    assert set(made.files) == {path for path in board.folder.rglob("*") if path.is_file()}
    card = read_card(made.folder / "card.yaml")
    assert (card.title, card.params, card.benchmark) == ("My method", 7, "tiny")
    kept = read_predictions(made.folder / "predictions.parquet", tmp_path / "tiny")
    result = json.loads((made.folder / "results.json").read_text())
    expected = evaluate(kept, replicates=40)
    assert result == json.loads(json.dumps(expected.to_dict()))
    for name in ("predictions_sha256", "labels_sha256", "splits_sha256", "protocol"):
        assert result["manifest"][name]


def test_the_file_format_makes_no_difference(tmp_path: Path) -> None:
    predictions = random_predictions(tiny_benchmark(), 5)
    boards = []
    for ending in (".csv", ".csv.gz", ".parquet"):
        file = tmp_path / f"mine{ending}"
        write_predictions(predictions, file)
        board = Board(tmp_path / ending)
        submit(file, facts("mine"), board=board, benchmark=benchmark_folder(tmp_path / "tiny"))
        boards.append(digest(board.folder))
    for given in (predictions, predictions.to_pandas()):
        board = Board(tmp_path / type(given).__name__)
        submit(given, facts("mine"), board=board, benchmark=tiny_benchmark())
        boards.append(digest(board.folder))
    assert all(one == boards[0] for one in boards)


def test_a_named_benchmark_needs_no_copy(tmp_path: Path) -> None:
    file = tmp_path / "mean.parquet"
    write_predictions(mean_mode(load_benchmark("red116")), file)
    board = Board(tmp_path / "leaderboard")
    made = submit(file, facts("mean", training_data="labels"), board=board)
    assert made.result["summary"]["l1"]["mean"] == pytest.approx(0.1551, abs=1e-4)
    assert not board.benchmarks.exists()


def test_negative_counts_are_evaluated_and_come_on_no_board(tmp_path: Path) -> None:
    predictions = random_predictions(tiny_benchmark(), 9)
    predictions.values.continuous[4, 0] = -3
    write_predictions(predictions, tmp_path / "mine.csv")
    folder, checklist = benchmark_folder(tmp_path / "tiny"), Checklist("mine")
    assert len(read_predictions(tmp_path / "mine.csv", folder)) == len(predictions)
    assert read_submitted(tmp_path / "mine.csv", folder, checklist) is None
    assert [one.name for one in checklist.failures] == ["no_negative_count"]
    # Predictions that are read already, of a method in Python, are looked at too.
    with pytest.raises(PredictionError, match=r"failed +no_negative_count +1 count is below 0"):
        submit(predictions, facts("mine"), board=tmp_path / "board", benchmark=tiny_benchmark())


def test_what_is_unknown_hides_no_labels() -> None:
    made = random_predictions(small_benchmark(1, "red140"), 0)
    known = made.benchmark.known[made.gms]
    truth = np.where(known, made.benchmark.labels[made.gms], 0)
    values = Values(truth[:, :9], truth[:, 9:15].astype(np.int8), truth[:, 15:])
    assert not known.all()
    assert labels_share(replace(made, values=values)) == 1.0


def spoiled(case: str, here: Path) -> tuple[Path, dict[str, object]]:
    """A prediction file and a card of which one cannot be submitted."""
    file, card = here / "bad.parquet", facts("bad")
    predictions = random_predictions(tiny_benchmark(), 9)
    if case == "labels":
        predictions = labels_themselves()
    if case == "labels with noise":
        predictions = labels_themselves(1e-6)
    if case == "labels of one set":
        other = labels_themselves()
        rows = predictions.sets == 2
        for mixed, truth in (
            (predictions.values.continuous, other.values.continuous),
            (predictions.values.discrete, other.values.discrete),
            (predictions.values.losses, other.values.losses),
        ):
            mixed[rows] = truth[rows]
    if case == "one set":
        predictions = predictions.take(np.flatnonzero(predictions.sets == 1))
    if case == "a GM too few":
        predictions = predictions.take(np.flatnonzero(predictions.gms != predictions.gms[0]))
    if case == "two sets, one of them cut":
        predictions = predictions.take(np.flatnonzero(predictions.sets < 2)[1:])
    if case == "negative counts":
        predictions.values.continuous[:2, 3] = -0.5
    write_predictions(predictions, file)
    if case == "not there":
        file.unlink()
    if case == "not predictions":
        file.write_text("<html>")
    if case == "two gigabytes":
        with file.open("r+b") as opened:
            opened.truncate(2_000_000_000)
    if case == "many rows":
        pq.write_table(pa.table({"image_id": pa.nulls(6_000_000, pa.string())}), file)
    card |= {
        "taken": {"name": "alpha"},
        "taken but for the case": {"name": "Alpha"},
        "title taken": {"title": "ALPHA"},
        "path": {"name": "../../alpha"},
        "address": {"url": "javascript:1"},
        "what was predicted": {"benchmark": "red116", "version": "1"},
    }.get(case, {})
    return file, card


CASES = (
    "labels", "labels with noise", "labels of one set", "one set", "a GM too few",
    "two sets, one of them cut", "negative counts", "not there", "not predictions",
    "two gigabytes", "many rows", "taken", "taken but for the case", "title taken", "path",
    "address", "what was predicted",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_refused_and_nothing_changed(
    case: str, board: Board, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    file, card = spoiled(case, tmp_path)
    benchmark = benchmark_folder(tmp_path / "tiny")
    before = digest(board.folder)
    with pytest.raises(GmbenchError) as raised:
        submit(file, card, board=board, benchmark=benchmark)
    assert digest(board.folder) == before
    said = str(raised.value).replace(str(tmp_path), "HERE")
    assert said == snapshot
    if isinstance(raised.value, PredictionError):
        # `gmbench validate --for-submission` has the same checks in the same words.
        checklist = Checklist(str(file))
        assert read_submitted(file, benchmark, checklist) is None
        assert str(raised.value).split("\n", 1)[1] == checklist.text(all_checks=False)


def test_a_part_of_a_known_benchmark_is_not_it(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    for name, text in benchmark_files(small_benchmark(2)).items():
        (tmp_path / "part" / name).write_text(text)
    file = tmp_path / "mine.parquet"
    write_predictions(random_predictions(small_benchmark(2), 1), file)
    with pytest.raises(BoardError, match="part of it, perhaps"):
        submit(file, facts("x"), board=Board(tmp_path / "b"), benchmark=tmp_path / "part")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("name", ["alpha", "new"])
def test_failure_at_every_step_leaves_everything_as_it_was(
    name: str, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The n-th flush of a folder to the disk fails, for every n: to an old and to a fresh board."""
    file = tmp_path / "new.parquet"
    write_predictions(random_predictions(tiny_benchmark(), 8), file)
    benchmark = benchmark_folder(tmp_path / "tiny")
    place = board if name == "alpha" else Board(tmp_path / "fresh" / "board")
    before = digest(tmp_path)
    real, failures = os.open, 0
    for broken in range(100):
        calls = iter(range(1000))

        def fails(*arguments: Any, at: int = broken, calls: Any = calls, **options: Any) -> int:
            if next(calls) == at:
                raise OSError(28, "No space left on device")
            return real(*arguments, **options)

        monkeypatch.setattr(os, "open", fails)
        try:
            submit(file, facts(name), board=place, benchmark=benchmark, replace=True)
        except WriteError:
            failures += 1
            monkeypatch.setattr(os, "open", real)
            assert digest(tmp_path) == before
            continue
        break
    monkeypatch.setattr(os, "open", real)
    assert failures >= 4
    submit(file, facts(name), board=place, benchmark=benchmark, replace=True)
    assert not list(place.submissions.glob(".*"))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["alpha", "new"])
def test_what_comes_after_can_fail_too(
    board: Board, tmp_path: Path, error: type[BaseException], name: str
) -> None:
    file = tmp_path / "new.parquet"
    write_predictions(random_predictions(tiny_benchmark(), 8), file)
    before = digest(board.folder)

    def refuse(made: object) -> None:
        assert digest(board.folder) != before
        raise error

    benchmark = benchmark_folder(tmp_path / "tiny")
    with pytest.raises(error):
        submit(file, facts(name), board=board, benchmark=benchmark, replace=True, then=refuse)
    assert digest(board.folder) == before


def test_replace(board: Board, tmp_path: Path) -> None:
    file = tmp_path / "new.parquet"
    write_predictions(random_predictions(tiny_benchmark(), 8), file)
    before = digest(board.folder)
    benchmark = benchmark_folder(tmp_path / "tiny")
    submit(file, facts("alpha"), board=board, benchmark=benchmark, replace=True)
    after = digest(board.folder)
    assert after.keys() == before.keys()
    changed = {path for path in after if after[path] != before[path]}
    assert changed == {f"submissions/alpha/{n}" for n in
                       ("card.yaml", "predictions.parquet", "results.json")}  # fmt: skip


def test_another_version_of_a_benchmark_is_refused(board: Board, tmp_path: Path) -> None:
    other = replace(tiny_benchmark(), version="2")
    (tmp_path / "two").mkdir()
    for name, text in benchmark_files(other).items():
        (tmp_path / "two" / name).write_text(text)
    file = tmp_path / "new.parquet"
    write_predictions(random_predictions(other, 8), file)
    with pytest.raises(BoardError, match=r"holds tiny 1 .* of tiny 2"):
        submit(file, facts("new"), board=board, benchmark=tmp_path / "two")


def test_errors_are_of_the_family() -> None:
    assert issubclass(BoardError, GmbenchError)
    assert PredictionError.exit_code == BoardError.exit_code == 1


def test_what_another_submission_predicts_is_refused_at_once(board: Board, tmp_path: Path) -> None:
    kept = read_predictions(board.submission("alpha") / "predictions.parquet", tiny_benchmark())
    before = digest(board.folder)
    with pytest.raises(BoardError, match="alpha is on the board with the same predictions"):
        submit(kept, facts("mine"), board=board)
    assert digest(board.folder) == before
    submit(kept, facts("alpha", title="Another title"), board=board, replace=True)


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Random Ground-Truth", "'Random ground truth' is what a paper reports"),
        ("alph\u0430", "mixes letters"),
        ("Alpha", "alpha is on the board"),
    ],
)
def test_titles_of_others_are_refused(board: Board, title: str, said: str) -> None:
    board.reported.write_text(REPORTED, encoding="utf-8")
    with pytest.raises(GmbenchError, match=said):
        submit(random_predictions(tiny_benchmark(), 9), facts("mine", title=title), board=board)


def test_resubmissions_are_counted(board: Board) -> None:
    for number in range(3):
        made = submit(
            random_predictions(tiny_benchmark(), 20 + number),
            facts("alpha"),
            board=board,
            replace=True,
        )
        assert made.card.resubmitted == number + 1
    assert read_card(board.submission("alpha") / "card.yaml").resubmitted == 3
    with pytest.raises(GmbenchError, match="which is counted here"):
        submit(
            random_predictions(tiny_benchmark(), 30),
            facts("alpha", resubmitted=0),
            board=board,
            replace=True,
        )


def test_a_first_seed_is_replaced_by_a_first_seed(board: Board) -> None:
    def again(name: str, seed: int, **more: Any) -> None:
        made = random_predictions(tiny_benchmark(), seed)
        submit(made, facts(name, **more), board=board, replace=name in board.names())

    again("alpha-2", 40, seed_of="alpha")
    again("alpha", 41)
    before = digest(board.folder)
    for more in ({"training_data": "extra"}, {"authors": ["B. Author"]}):
        with pytest.raises(
            BoardError, match="alpha-2 is another seed of alpha and would be one no"
        ):
            again("alpha", 42, **more)
    assert digest(board.folder) == before


@pytest.mark.parametrize("name", ["red116-cv10", "mini116-cv10", "RED_116"])
def test_names_of_known_benchmarks_are_no_others(tmp_path: Path, name: str) -> None:
    """One table holds one benchmark: another one of its name would stop every page."""
    board, folder = Board(tmp_path / "leaderboard"), tmp_path / "own"
    own = replace(tiny_benchmark(), name=name)
    folder.mkdir()
    for file, text in benchmark_files(own).items():
        (folder / file).write_text(text)
    made = random_predictions(own, 1)
    with pytest.raises(BoardError, match=f"{name} cannot be the name of another benchmark"):
        submit(made, facts("mine"), board=board, benchmark=folder)
    (board.benchmarks / name).parent.mkdir(parents=True)
    folder.rename(board.benchmarks / name)
    with pytest.raises(BoardError, match=f"{name} cannot be the name of another benchmark"):
        find_benchmark(board, name, own.version)


def test_probabilities_go_to_the_board_and_make_no_other_predictions(
    board: Board, tmp_path: Path
) -> None:
    plain = random_predictions(tiny_benchmark(), 9)

    def with_odds(seed: int) -> Predictions:
        odds = random_probabilities(plain, seed)
        return replace(plain, values=replace(plain.values, probabilities=odds))

    made = submit_random(board, tmp_path, "sure", 0, with_odds(1))
    written = read_predictions(made.folder / "predictions.parquet", tiny_benchmark())
    assert written.probabilities_sha256 == with_odds(1).probabilities_sha256
    assert made.result["calibration"]["probabilities_sha256"] == written.probabilities_sha256
    assert verify(board, ["sure"], jobs=1).ok
    for copy in (plain, with_odds(2)):
        with pytest.raises(BoardError, match="sure is on the board with the same predictions"):
            submit_random(board, tmp_path, "unsure", 0, copy)
    # Other probabilities in the place of those that were scored.
    write_predictions(with_odds(2), made.folder / "predictions.parquet")
    (check,) = verify(board, ["sure"], jobs=1).submissions[0].checklist.failures
    assert check.name == "figures"
    assert "calibration.architecture" in "".join(check.offenders)


def test_a_board_has_one_release_of_labels(tmp_path: Path) -> None:
    newer = load_benchmark("red116", "2024")
    board = Board(tmp_path / "board")
    with pytest.raises(BenchmarkError, match=r"red116 has the version 2023\.1, the card says 2024"):
        submit(mean_mode(newer), facts("newer"), board=board, benchmark=newer)
    assert not board.submission("newer").exists()
