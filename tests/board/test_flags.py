"""What a person should look at: near copies of other submissions, and labels in disguise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gmbench.board.among import compare, known_by_files
from gmbench.board.board import Board, find_board
from gmbench.board.flags import flag_labels
from gmbench.board.submission import submit
from gmbench.board.verification import verify
from gmbench.predictions.checks import Checklist, Status
from gmbench.predictions.predictions import Predictions, read_predictions
from tests.board.boards import facts, failures, tiny_benchmark


def copied(board: Board, name: str, spoil: Callable[[Predictions], object]) -> None:
    """Puts a submission there that is beta's, but for what is spoiled of it."""
    file = board.submission("beta") / "predictions.parquet"
    predictions = read_predictions(file, tiny_benchmark())
    spoil(predictions)
    submit(predictions, facts(name), board=board)


def half_of_the_rows(made: Predictions) -> None:
    rows = np.arange(len(made)) % 5 > 2
    made.values.continuous[rows] += 0.3 * made.benchmark.span


def no_longer_scores(made: Predictions) -> None:
    made.values.losses[:] = made.values.losses >= 0.5
    made.values.continuous[:] = np.round(made.values.continuous)


def with_noise(made: Predictions) -> None:
    noise = np.random.default_rng(0).normal(0, 0.005, made.values.continuous.shape)
    made.values.continuous[:] += noise * made.benchmark.span
    made.values.continuous[:] = made.values.continuous.clip(0)
    made.values.losses[:, 0] = 1.0  # One decision is another everywhere.


@pytest.mark.parametrize("spoil", [half_of_the_rows, no_longer_scores, with_noise])
@pytest.mark.parametrize("names", [(), ("alpha",), ("beta",), ("delta",)])
def test_nearly_a_copy_is_for_a_person_to_look_at(
    board: Board,
    scored: Path,
    names: tuple[str, ...],
    spoil: Callable[[Predictions], object],
) -> None:
    copied(board, "delta", spoil)
    made = verify(board, names, jobs=1, cache=scored)
    assert made.ok
    asked = names != ("alpha",)
    assert made.flagged is asked
    assert failures(made) == ({"board": ["predictions_own"]} if asked else {})
    assert ("beta and delta" in made.among.text()) is asked


def labels_of(made: Predictions) -> None:
    truth = made.benchmark.labels[made.gms]
    made.values.continuous[:] = truth[:, :9]
    made.values.discrete[:] = truth[:, 9:15]
    made.values.losses[:] = truth[:, 15:]


def one_wrong_row(made: Predictions) -> None:
    labels_of(made)
    for test in np.unique(made.sets):
        made.values.losses[np.flatnonzero(made.sets == test)[0], :] = 0.75


def shifted_counts(made: Predictions) -> None:
    kept = made.values.losses.copy()
    labels_of(made)
    made.values.losses[:] = kept
    made.values.continuous[:] += 0.04 * made.benchmark.span


def noisy_counts(made: Predictions) -> None:
    shifted_counts(made)
    noise = np.random.default_rng(0).normal(0, 0.015, made.values.continuous.shape)
    made.values.continuous[:] += noise * made.benchmark.span
    made.values.continuous[:] = made.values.continuous.clip(0)


def decisions_alone(made: Predictions) -> None:
    kept = made.values.continuous.copy()
    labels_of(made)
    made.values.continuous[:] = kept


def some_rows(made: Predictions) -> None:
    rows = np.flatnonzero(np.arange(len(made)) % 20)
    kept = made.take(rows)
    labels_of(made)
    made.values.continuous[rows] = kept.values.continuous
    made.values.discrete[rows] = kept.values.discrete
    made.values.losses[rows] = kept.values.losses


@pytest.mark.parametrize(
    "spoil", [one_wrong_row, shifted_counts, noisy_counts, decisions_alone, some_rows]
)
def test_labels_in_disguise_are_for_a_person_to_look_at(
    board: Board, scored: Path, spoil: Callable[[Predictions], object]
) -> None:
    copied(board, "delta", spoil)
    made = verify(board, ["delta"], jobs=1, cache=scored)
    assert made.ok
    assert made.flagged
    assert "unlike_labels" in failures(made)["delta"]


def test_no_honest_submission_is_flagged() -> None:
    """None of those that the repository holds; constants and drawn labels are among them."""
    board = find_board(Path(__file__).parents[2] / "leaderboard")
    known = [known_by_files(board, name) for name in board.names()]
    among, later = compare(board, known, board.names())
    assert {check.status for check in among} == {Status.OK}, among.text()
    assert later == {}
    for one in known:
        assert one.trace is not None
        assert one.benchmark is not None
        checklist = Checklist(one.name)
        flag_labels(one.trace, one.benchmark, checklist)
        assert checklist.checks[0].status is Status.OK, checklist.text()
