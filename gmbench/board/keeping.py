"""What a pull request may not change: earlier submissions, rounds, and what papers report.

A pull request adds. Anyone who proposes to remove or replace something, even their own submission,
asks a maintainer, who reviews it and merges by hand.
"""

from __future__ import annotations

from pathlib import Path

from gmbench.board.board import Board
from gmbench.board.rounds import CLOSED, REVEALED, ROUND
from gmbench.data.checksums import sha256_of
from gmbench.predictions.checks import Checklist
from gmbench.wording import plural

ENTRIES = "entries"


def check_kept(trusted: Board, proposed: Board) -> Checklist:
    """Checks that another board keeps submissions, rounds and reported figures, byte for byte.

    Args:
        trusted: The board as it is.
        proposed: The board as a pull request would make it; links in it are not followed.

    Returns:
        The checks `submissions_kept`, `reported_kept` and `rounds_kept`.
    """
    checklist = Checklist("board")
    remedy = "put back what was there; ask a maintainer where something of your own shall change."
    for name, what in (("submissions", "earlier submissions"), ("rounds", "rounds")):
        changed = _changed(trusted.folder / name, proposed.folder / name)
        if name == "rounds":
            changed += _new_in_rounds(trusted.folder / name, proposed.folder / name)
            changed += _labels_of_rounds(trusted, proposed)
        if changed:
            said = f"{plural(len(changed), 'file')} of {what} would be changed or removed."
            checklist.failed(f"{name}_kept", said, remedy, changed)
        else:
            checklist.passed(f"{name}_kept", f"all {what} are as they were")
    before, after = (_hash(board.reported) for board in (trusted, proposed))
    if before != after:
        said = f"{proposed.reported.name} would be changed: it holds what papers report."
        checklist.failed("reported_kept", said, remedy)
    else:
        checklist.passed("reported_kept", "what papers report is as it was")
    return checklist


def _changed(trusted: Path, proposed: Path) -> list[str]:
    """Returns a description of each file that was changed or removed."""
    found = []
    for path in _files(trusted):
        place = path.relative_to(trusted)
        now = _hash(proposed / place)
        if not now:
            found.append(f"{place.as_posix()} is removed")
        elif now != _hash(path):
            found.append(f"{place.as_posix()} is changed")
    return found


def _new_in_rounds(trusted: Path, proposed: Path) -> list[str]:
    """Returns the new files that are of no entry of a running round: a maintainer makes those."""
    known = {path.relative_to(trusted) for path in trusted.rglob("*")}
    running = _running(trusted)
    found = []
    for path in sorted(one for one in proposed.rglob("*") if one.is_file()):
        place = path.relative_to(proposed)
        # Nobody checks the entries of a round that is over, or of one that does not exist.
        is_entry = len(place.parts) == 4 and place.parts[1] == ENTRIES and place.parts[0] in running
        if place not in known and not is_entry:
            what = "would end the round" if place.name == CLOSED else "is no entry's"
            found.append(f"{place.as_posix()} {what}")
    return found


def _labels_of_rounds(trusted: Board, proposed: Board) -> list[str]:
    """Returns the rounds not revealed that would have labels: only revealing them gives any."""
    return [
        f"benchmarks/{name} would be the labels of a round that is not revealed"
        for name in _running(trusted.folder / "rounds")
        if (proposed.benchmarks / name).exists()
    ]


def _running(rounds: Path) -> list[str]:
    """Returns the names of the rounds that are not revealed."""
    found = sorted(rounds.glob(f"*/{ROUND}"))
    return [one.parent.name for one in found if not one.with_name(REVEALED).exists()]


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(one[0] == "." for one in path.relative_to(folder).parts)
    )


def _hash(path: Path) -> str:
    """Returns the hash of a file; empty if there is none or it is a link."""
    return sha256_of(path) if path.is_file() and not path.is_symlink() else ""
