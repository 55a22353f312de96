"""Names that a submission or an entry may take: none that another has, or an entry still holds.

When a round is revealed, its entries become submissions under their own names. Entries are public,
so until then their names are held: otherwise anyone could take a rival's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from gmbench.board.board import Board, BoardError
from gmbench.board.rounds import REVEALED, ROUND
from gmbench.errors import plain_form


def entries_by_form(board: Board) -> Mapping[str, Sequence[Path]]:
    """Returns the folders of all entries of all rounds, by the plain form of their names."""
    found: dict[str, list[Path]] = defaultdict(list)
    for entry in sorted((board.folder / "rounds").glob("*/entries/*")):
        if entry.name[0] != "." and (entry.parents[1] / ROUND).exists():
            found[plain_form(entry.name)].append(entry)
    return found


def held_by(
    entries: Mapping[str, Sequence[Path]], name: str, own: Path | None = None
) -> Path | None:
    """Returns the entry of a round not yet revealed that holds a name, if there is one.

    An entry of a revealed round keeps its name, whoever enters another round under it.

    Args:
        entries: From `entries_by_form`.
        name: The name; one that differs in case or separators alone is held too.
        own: Folder of the entry that the name is for; None for a submission.
    """
    alike = entries.get(plain_form(name), ())
    revealed = [entry for entry in alike if (entry.parents[1] / REVEALED).exists()]
    if own is None and name in {entry.name for entry in revealed}:
        return None
    return next((entry for entry in alike if entry != own and entry not in revealed), None)


def require_free(
    board: Board, name: str, *, replace: bool = False, entry: Path | None = None
) -> None:
    """Checks that a submission or an entry of a round may have a name.

    Args:
        board: The leaderboard.
        name: The name.
        replace: Whether it may be the name of a submission that is there.
        entry: Folder of the entry that it is for; None for a submission.

    Raises:
        BoardError: A submission, or an entry of a round that is not revealed, has that name or one
            that differs in case or separators alone.
    """
    form, names = plain_form(name), board.names()
    for other in names:
        if other == name and not replace:
            raise BoardError(
                f"{board.submissions / name} is there already. Take another --name, or say "
                "--replace to put this one in its place."
            )
        if other != name and plain_form(other) == form:
            raise BoardError(
                f"{name} differs from {other}, which is on the board, in letter case or separators "
                "alone. Take another --name."
            )
    held = None if name in names else held_by(entries_by_form(board), name, entry)
    if held is not None:
        raise BoardError(
            f"The name {name} is held by {held}, an entry of a round that is not revealed. Take "
            "another --name."
        )
