"""Verification: trusted code recomputes every figure of the board from predictions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gmbench.benchmark.benchmark import Benchmark
from gmbench.board.among import Known, compare, known_by_files
from gmbench.board.board import CARD, PREDICTIONS, RESULTS, Board, files_of, find_benchmark
from gmbench.board.differing import TOLERANCE, differences, short
from gmbench.board.flags import FLAGS, flag_labels
from gmbench.board.processes import each
from gmbench.board.rounds import require_revealed
from gmbench.board.scoring import Score, recall, remember, score, score_key
from gmbench.board.submission_card import Card, read_card
from gmbench.board.submittable import read_submitted
from gmbench.errors import GmbenchError
from gmbench.evaluation.metrics import HEADLINE, METRICS
from gmbench.evaluation.result import PROTOCOL
from gmbench.evaluation.summary import Summary
from gmbench.predictions.checks import Checklist, Status
from gmbench.progress import Progress
from gmbench.wording import plural


class _Twins(BaseModel):
    summary: dict[str, Summary]


class _Manifest(BaseModel):
    predictions_sha256: str


class _Claim(BaseModel):
    """The parts of a result that the table of the board is made of."""

    summary: dict[str, Summary]
    without_twins: _Twins | None = None
    manifest: _Manifest

    def lacking(self) -> list[str]:
        """Returns the places of the figures that are missing."""
        parts = [("summary", METRICS, self.summary)]
        if self.without_twins is not None:
            parts.append(("without_twins.summary", HEADLINE, self.without_twins.summary))
        return [
            f"{place}.{metric.name} is missing"
            for place, metrics, figures in parts
            for metric in metrics
            if metric.name not in figures
        ]


_FEW = 3
"""Number of submissions that are verified in the time that other processes take to start."""

_LATER = ("calibration",)
"""Parts that a result may lack if it was written before they were introduced."""

_FREE = {("manifest", "gmbench"), ("manifest", "numpy"), ("manifest", "predictions")}
"""Parts of a result that may hold anything: the versions that made it, and its file's name."""


@dataclass
class Verified:
    """One submission and the findings about it.

    Attributes:
        name: Name of its folder.
        checklist: The checks made.
        card: Its card; None if it has no sound one.
        benchmark: What it predicts; None if unknown.
        score: Its score, computed by trusted code; None if there is none.
    """

    name: str
    checklist: Checklist
    card: Card | None = None
    benchmark: Benchmark | None = None
    score: Score | None = None

    @property
    def ok(self) -> bool:
        """Whether every check is ok."""
        return self.checklist.ok

    @property
    def known(self) -> Known:
        """The parts of it that are compared with other submissions."""
        if self.score is None:
            return Known(self.name, self.card, self.benchmark)
        sha256 = str(self.score.result["manifest"]["predictions_sha256"])
        return Known(self.name, self.card, self.benchmark, sha256, self.score.trace)


@dataclass
class Verification:
    """The verified submissions of a board: all, or those requested.

    Attributes:
        submissions: Each submission with its checks, sorted by name.
        among: Checks of the submissions against each other.
        later: Failed checks of those that a board must leave out, as `compare` returns them.
    """

    submissions: list[Verified]
    among: Checklist = field(default_factory=lambda: Checklist("board"))
    later: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every check is ok."""
        return self.among.ok and all(one.ok for one in self.submissions)

    @property
    def flagged(self) -> bool:
        """Whether a person should review something, though nothing is wrong in itself."""
        lists = [self.among, *(one.checklist for one in self.submissions)]
        return any(
            check.name in FLAGS and check.status is Status.WARNING
            for checks in lists
            for check in checks
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the findings as plain data."""
        return {
            "ok": self.ok,
            "flagged": self.flagged,
            "submissions": {one.name: one.checklist.to_dict() for one in self.submissions},
            "among": self.among.to_dict(),
        }


def verify(
    board: Board,
    names: Sequence[str] = (),
    *,
    jobs: int | None = None,
    cache: Path | None = None,
    flag: bool = True,
    progress: Progress | None = None,
) -> Verification:
    """Recomputes results from the predictions of submissions and compares them with the claims.

    Args:
        board: The leaderboard.
        names: Submissions to verify; by default all. They are compared with all others either way.
        jobs: Number of processes; by default one per core.
        cache: Folder of earlier scores, which are reused; None to recompute everything.
        flag: Whether to look for what a person should review as well.
        progress: Progress callback, with the number of submissions done.

    Raises:
        BoardError: There are too many submissions.
        UnknownNameError: There is no submission of one of the names.
    """
    chosen = [board.require(name) for name in names] or board.names()
    tasks = [_Task(board, name, cache, flag) for name in chosen]
    done = each(
        _run, tasks, what="submissions", name_of=str, few=_FEW, jobs=jobs, progress=progress
    )
    made = Verification(sorted(done, key=lambda one: one.name))
    verified = {one.name: one.known for one in made.submissions}
    known = [verified.get(name) or known_by_files(board, name) for name in board.names()]
    made.among, made.later = compare(board, known, verified, flag=flag)
    return made


def verify_one(
    board: Board, name: str, cache: Path | None = None, *, flag: bool = True
) -> Verified:
    """Verifies one submission by itself; never raises for anything in its folder."""
    checklist = Checklist(name)
    made = Verified(name, checklist)
    files = sound_files(board, name, checklist)
    if files is None:
        return made
    try:
        made.card = read_card(files[CARD])
        if made.card.name != name:
            checklist.failed(
                "card", f"the card names it {made.card.name!r}.", "give folder and card one name."
            )
        else:
            checklist.passed("card", made.card.title)
        card = made.card
        require_revealed(board, card.benchmark)
        made.benchmark = find_benchmark(board, card.benchmark, card.version, card.sets)
    except GmbenchError as error:
        what = "card" if made.card is None else "benchmark"
        first, *more = str(error).split("\n")
        checklist.failed(
            what, first, "write it as `gmbench submit` does.",
            [line.removeprefix("- ") for line in more], fatal=True,
        )  # fmt: skip
        return made
    checklist.passed("benchmark", f"{made.benchmark.name}, version {made.benchmark.version}")
    claimed = read_claim(files[RESULTS], checklist)
    if claimed is not None and claimed.get("benchmark") != made.benchmark.name:
        # Otherwise, hundreds of images that are in no test set would be listed first.
        checklist.failed(
            "sets",
            f"the card says that {made.benchmark.name} was predicted, the result is of "
            f"{short(claimed.get('benchmark'))}.",
            "let `benchmark` and `sets` of the card say what was predicted, or submit again.",
        )
        return made
    made.score = _score(files[PREDICTIONS], made.benchmark, checklist, cache)
    if flag and made.score is not None:
        flag_labels(made.score.trace, made.benchmark, checklist)
    if made.score is not None and claimed is not None:
        _compare_results(claimed, made.score.result, checklist)
    return made


@dataclass(frozen=True, slots=True)
class _Task:
    board: Board
    name: str
    cache: Path | None
    flag: bool

    def __str__(self) -> str:
        return self.name


def _run(task: _Task) -> Verified:
    return verify_one(task.board, task.name, task.cache, flag=task.flag)


def sound_files(board: Board, name: str, checklist: Checklist) -> dict[str, Path] | None:
    """Returns the three files of a submission by name, or None if one is missing or not sound."""
    remedy = f"keep {CARD}, {PREDICTIONS} and {RESULTS} alone, as `gmbench submit` writes them."
    try:
        files, problems = files_of(board.submission(name))
    except GmbenchError as error:
        checklist.failed("files", str(error), "give it a sound name.", fatal=True)
        return None
    if problems:
        said = f"{plural(len(problems), 'thing is', 'things are')} wrong with the folder."
        checklist.failed("files", said, remedy, problems, fatal=len(files) < 3)
        return files if len(files) == 3 else None
    checklist.passed("files", "card, predictions and results are there")
    return files


def read_claim(path: Path, checklist: Checklist) -> dict[str, Any] | None:
    """Returns the result that a submission claims, or None if it cannot be compared."""
    remedy = "`gmbench leaderboard verify --update` writes it anew from the predictions."
    try:
        data = json.loads(path.read_bytes().decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reason = str(error).split("\n")[0]
        checklist.failed("results", f"{RESULTS} is not JSON ({reason}).", remedy)
        return None
    if not isinstance(data, dict):
        checklist.failed("results", f"{RESULTS} holds no object.", remedy)
        return None
    if data.get("protocol") != PROTOCOL:
        checklist.failed(
            "protocol",
            f"the result was made under protocol {data.get('protocol')!r}, this is {PROTOCOL!r}.",
            "`gmbench leaderboard verify --update` writes results of the present protocol.",
        )
        return None
    try:
        shown = {key: data[key] for key in _Claim.model_fields if key in data}
        problems = _Claim.model_validate_json(json.dumps(shown), strict=True).lacking()
    except ValidationError as error:
        problems = [".".join(map(str, one["loc"])) for one in error.errors(include_url=False)]
    if problems:
        said = f"{plural(len(problems), 'figure')} of {RESULTS} cannot be read."
        checklist.failed("results", said, remedy, [short(one) for one in problems])
        return None
    checklist.passed("protocol", PROTOCOL)
    return data


def _refuse(text: str) -> None:
    raise ValueError(f"it holds {text}")


def _score(
    path: Path, benchmark: Benchmark, checklist: Checklist, cache: Path | None
) -> Score | None:
    key = score_key(path, benchmark)
    kept = recall(cache, key, benchmark) if cache is not None else None
    if kept is not None:
        # A cached score passed every check of predictions when it was made.
        checklist.passed("predictions", "as before: the same bytes were scored earlier")
        return kept
    predictions = read_submitted(path, benchmark, checklist)
    if predictions is None:
        return None
    made = score(predictions)
    if cache is not None:
        remember(cache, key, made)
    return made


def _compare_results(claimed: dict[str, Any], found: dict[str, Any], checklist: Checklist) -> None:
    """Compares every number and word of a claimed result with the recomputed one."""
    hashes = ("predictions_sha256", "labels_sha256", "splits_sha256")
    manifest = claimed.get("manifest")
    stale = [
        f"{name} is {short(manifest.get(name) if isinstance(manifest, dict) else None)}, "
        f"but what is there has {found['manifest'][name][:16]}"
        for name in hashes
        if not isinstance(manifest, dict) or manifest.get(name) != found["manifest"][name]
    ]
    if stale:
        checklist.failed(
            "hashes", "the result was made from something else.", "submit again.", stale
        )
        return
    checklist.passed("hashes", "made from these predictions, labels and sets")
    skipped: set[tuple[str, ...]] = {*(("manifest", name) for name in hashes), *_FREE}
    skipped |= {(name,) for name in lacks_later(claimed)}
    offenders = differences(claimed, found, skipped)
    if offenders:
        made_by = manifest.get("numpy") if isinstance(manifest, dict) else None
        here = found["manifest"]["numpy"]
        versions = "" if made_by == here else f" It was made with numpy {made_by}, here is {here}."
        checklist.failed(
            "figures",
            f"{plural(len(offenders), 'figure differs', 'figures differ')} from what the "
            f"predictions give.{versions}",
            "do not edit results by hand; submit again.",
            offenders,
        )
    else:
        checklist.passed("figures", f"all equal to {TOLERANCE:g}")


def lacks_later(result: dict[str, Any]) -> list[str]:
    """Returns the parts that a result lacks because it was written before their introduction."""
    return [name for name in _LATER if name not in result]
