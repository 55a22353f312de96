"""Submissions compared with each other: shared names and titles, and copied predictions."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gmbench.benchmark.benchmark import Benchmark
from gmbench.board.board import Board
from gmbench.board.flags import flag_copies
from gmbench.board.free_names import entries_by_form, held_by
from gmbench.board.reported import read_reported
from gmbench.board.seeds import seed_fault
from gmbench.board.submission_card import Card
from gmbench.board.submitted import submitted_card, submitted_predictions
from gmbench.board.title_form import title_form
from gmbench.board.traces import Trace, trace_of
from gmbench.errors import plain_form
from gmbench.predictions.checks import Checklist
from gmbench.wording import plural


@dataclass(frozen=True)
class Known:
    """The compared parts of a submission.

    Attributes:
        name: Its name.
        card: Its card; None if it has no sound one.
        benchmark: What it predicts; None if unknown.
        sha256: Recomputed hash of its predictions; empty if they are not sound.
        trace: Its decisions and counts; None if they are not sound.
    """

    name: str
    card: Card | None = None
    benchmark: Benchmark | None = None
    sha256: str = ""
    trace: Trace | None = None


def known_by_files(board: Board, name: str) -> Known:
    """Returns the compared parts of a submission that was not verified, from its own files."""
    read = submitted_predictions(board, name)
    card = submitted_card(board, name)
    if read is None:
        return Known(name, card)
    return Known(name, card, read.benchmark, read.sha256, trace_of(read))


def compare(
    board: Board, known: Sequence[Known], asked: Iterable[str], *, flag: bool = True
) -> tuple[Checklist, dict[str, tuple[str, ...]]]:
    """Compares the submissions of a board with each other and with what papers report.

    Args:
        board: The leaderboard.
        known: All of its submissions.
        asked: Names of the submissions of interest: what only others share is not reported.
        flag: Whether to look for near copies as well, which a person should review.

    Returns:
        The checks, and those that each submission that a board must leave out fails, by its name:
        all but the first, by the date of their cards, of those that share something with each
        other, all that share a title with a paper, and those that are no seed of what their card
        names.
    """
    checklist, wanted = Checklist("board"), set(asked)
    order = sorted(known, key=lambda one: (_day(one), one.name))
    failing = {name: set[str]() for name in ("seeds", "names_unique", "predictions_unique")}
    firsts = _compare_seeds(order, wanted, failing["seeds"], checklist)
    _compare_names(board, order, firsts, wanted, failing["names_unique"], checklist)
    _compare_predictions(order, wanted, failing["predictions_unique"], checklist)
    later = {
        one.name: checks
        for one in order
        if (checks := tuple(check for check, names in failing.items() if one.name in names))
    }
    if not flag:
        return checklist, later
    traces = {
        one.name: (one.benchmark, one.trace)
        for one in known
        if one.benchmark is not None and one.trace is not None and one.name not in later
    }
    flag_copies(traces, firsts, wanted, checklist)
    return checklist, later


def _day(one: Known) -> datetime.date:
    return one.card.date if one.card is not None else datetime.date.max


def _compare_seeds(
    known: Sequence[Known], asked: set[str], later: set[str], checklist: Checklist
) -> dict[str, str]:
    """Finds submissions that claim to be another seed of a method but are not.

    Returns:
        The name of the first seed of each submission, by name; its own if it is no sound seed.
    """
    cards = {one.name: one.card for one in known}
    firsts, offenders = {name: name for name in cards}, []
    for name, card in cards.items():
        if card is None or card.seed_of is None:
            continue
        if fault := seed_fault(card, cards.get(card.seed_of)):
            later.add(name)
            if name in asked:
                offenders.append(f"{name}: {fault}")
        else:
            firsts[name] = card.seed_of
    if offenders:
        checklist.failed(
            "seeds",
            f"{plural(len(offenders), 'submission is', 'submissions are')} no other seed of what "
            "the card names.",
            "let `seed_of` name the method's first submission, or leave it out.",
            offenders,
        )
    else:
        checklist.passed("seeds", "every other seed is one of a method's own")
    return firsts


def _compare_names(
    board: Board,
    known: Sequence[Known],
    firsts: Mapping[str, str],
    asked: set[str],
    later: set[str],
    checklist: Checklist,
) -> None:
    """Finds names and titles shared by two submissions, or by one and a paper.

    A name that an entry of a running round has too is reported, but which of the two came first is
    not known, so the submission is not left out.
    """
    by_form: dict[str, list[str]] = defaultdict(list)
    by_title: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in known:
        by_form[plain_form(one.name)].append(one.name)
        if one.card is not None:
            by_title[one.card.predicted, title_form(one.card.title)].append(one.name)
    offenders = [" and ".join(sorted(names)) for names in _shared(by_form.values(), asked, later)]
    entries = entries_by_form(board)
    for one in known:
        held = held_by(entries, one.name)
        if held is not None and one.name in asked:
            offenders.append(f"{one.name}: {held} is an entry of a round that is not revealed")
    papers = {(one.benchmark, title_form(one.title)): one for one in read_reported(board.reported)}
    for (benchmark, form), of_title in by_title.items():
        paper = papers.get((benchmark, form))
        # The seeds of one method share its title.
        others = {name for name in of_title if firsts[name] != firsts[of_title[0]]}
        if not asked & set(of_title) or (paper is None and not others):
            continue
        one_of_each = {firsts[name]: name for name in reversed(of_title)}
        said = f"one title on {benchmark}"
        if paper is not None:
            said, others = f"on {benchmark} a paper reports {paper.title!r}", set(of_title)
        offenders.append(f"{' and '.join(sorted(one_of_each.values()))}: {said}")
        later |= others
    if offenders:
        said = f"{plural(len(offenders), 'name is', 'names are')} shared."
        checklist.failed("names_unique", said, "rename the later one.", offenders)
    else:
        checklist.passed("names_unique", "no two submissions share a name or title")


def _compare_predictions(
    known: Sequence[Known], asked: set[str], later: set[str], checklist: Checklist
) -> None:
    """Finds submissions with the same predictions, whatever their files look like."""
    by_hash: dict[str, list[str]] = defaultdict(list)
    for one in known:
        if one.sha256:
            by_hash[one.sha256].append(one.name)
    offenders = [" and ".join(sorted(names)) for names in _shared(by_hash.values(), asked, later)]
    if offenders:
        checklist.failed(
            "predictions_unique",
            f"{plural(len(offenders), 'prediction file stands', 'prediction files stand')} there "
            "under more than one name.",
            "remove all but the first.",
            offenders,
        )
    else:
        checklist.passed("predictions_unique", "no two submissions predict the same")


def _shared(groups: Iterable[list[str]], asked: set[str], later: set[str]) -> Iterable[list[str]]:
    """Yields groups of several names, one of them in `asked`; adds all but the first to `later`."""
    for names in groups:
        if len(names) > 1 and asked & set(names):
            later |= set(names[1:])
            yield names
