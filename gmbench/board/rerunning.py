"""Trains a submission's recipe again and compares the outcome with what was submitted.

Verification recomputes figures from predictions; it cannot tell where those came from. If a card
names a baseline's recipe, anyone with the images can train it again and see.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gmbench.board.board import Board, BoardError
from gmbench.board.submitted import submitted_card, submitted_predictions
from gmbench.board.traces import alike, trace_of
from gmbench.evaluation.evaluate import evaluate
from gmbench.predictions.predictions import Predictions
from gmbench.progress import Progress

COMPARED = ("l1", "arch_f1", "loss_f1")
"""Metrics in which a rerun must lie within the interval of what was submitted."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric of a submission and of its rerun.

    Attributes:
        metric: Its name.
        submitted: Mean over the sets, as submitted.
        ci: 95% interval of `submitted`; None if there is none.
        rerun: Mean over the sets, from the rerun.
    """

    metric: str
    submitted: float
    ci: tuple[float, float] | None
    rerun: float

    @property
    def ok(self) -> bool:
        """Whether the rerun is within the interval, or equal if there is none."""
        if self.ci is None:
            return abs(self.submitted - self.rerun) < 1e-6
        return self.ci[0] - 1e-9 <= self.rerun <= self.ci[1] + 1e-9


@dataclass(frozen=True, slots=True)
class Rerun:
    """The outcome of training a submission again.

    Attributes:
        name: Name of the submission.
        recipe: The recipe that was trained.
        commit: Commit that it was made with according to the card; empty if the card names none.
        same: Whether all predictions are the same.
        alike: Share of rows that are alike.
        metrics: The metrics of both.
    """

    name: str
    recipe: str
    commit: str
    same: bool
    alike: float
    metrics: tuple[Compared, ...]

    @property
    def ok(self) -> bool:
        """Whether the rerun confirms the submission."""
        return self.same or all(one.ok for one in self.metrics)

    def to_dict(self) -> dict[str, Any]:
        """Returns the rerun as plain data."""
        return {**asdict(self), "ok": self.ok}


def rerun(
    board: Board,
    name: str,
    data: Path | None = None,
    *,
    device: str = "auto",
    runs: Path | None = None,
    progress: Progress | None = None,
) -> Rerun:
    """Trains the recipe that a submission's card names and compares the predictions.

    Args:
        board: The leaderboard.
        name: Name of the submission.
        data: The benchmark's dataset, if the recipe uses images.
        device: `auto`, `cpu`, `cuda` or `mps`.
        runs: Folder for training logs and checkpoints; by default none are kept.
        progress: Progress callback.

    Raises:
        BoardError: The submission is not sound, or its card names no recipe.
        UnknownNameError: There is no such submission or recipe.
        BenchmarkError: The recipe uses images and there is no dataset.
        TrainingError: A training failed.
    """
    from gmbench.training.baselines import run_baseline

    card = submitted_card(board, board.require(name))
    submitted = submitted_predictions(board, name)
    if card is None or submitted is None:
        raise BoardError(f"{name} is not sound. `gmbench leaderboard verify {name}` says why.")
    if card.recipe is None:
        raise BoardError(
            f"The card of {name} names no recipe. Where a baseline of gmbench makes its "
            "predictions, `recipe: NAME` on the card says so."
        )
    made = run_baseline(
        card.recipe,
        submitted.benchmark,
        folder=data,
        preset=card.recipe_preset or "small",
        seed=card.recipe_seed,
        device=device,
        runs=runs,
        progress=progress,
    )
    return Rerun(
        name=name,
        recipe=card.recipe,
        commit=card.recipe_commit,
        same=made.sha256 == submitted.sha256,
        alike=alike(trace_of(submitted), trace_of(made), submitted.benchmark),
        metrics=_compared(submitted, made),
    )


def _compared(submitted: Predictions, made: Predictions) -> tuple[Compared, ...]:
    before = evaluate(submitted).summary
    after = evaluate(made, replicates=0).summary
    found = []
    for metric in COMPARED:
        one, other = before[metric], after[metric]
        assert one.mean is not None  # Every set is present, so every mean is defined.
        assert other.mean is not None
        found.append(Compared(metric, one.mean, one.ci, other.mean))
    return tuple(found)
