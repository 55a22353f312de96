"""The rounds of a board, as its page presents them: open, closed and revealed ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gmbench.board.board import Board, is_safe
from gmbench.board.rounds import CLOSED, REVEALED, ROUND, read_closed, read_revealed, read_round
from gmbench.board.sealing import SEALED

State = Literal["open", "closed", "revealed"]
"""A round accepts entries, is past its deadline, or has ended."""


@dataclass(frozen=True, slots=True)
class KnownRound:
    """A round of sealed predictions.

    Attributes:
        name: Its name, which is also that of its benchmark once it is revealed.
        state: Its state.
        n_images: Number of images to predict.
        n_entries: Number of entries: sealed so far, in time at the deadline, or scored in the end.
        note: A line for readers, such as when it ends.
        commitment: The salted hash of labels and order.
    """

    name: str
    state: State
    n_images: int
    n_entries: int
    note: str
    commitment: str


def known_rounds(board: Board) -> tuple[KnownRound, ...]:
    """Returns the rounds of a board: open, closed, then revealed ones, each by name.

    Raises:
        BoardError: The file of a round is damaged.
    """
    places = sorted((board.folder / "rounds").glob(f"*/{ROUND}"))
    found = [_known(board, one.parent.name) for one in places if is_safe(one.parent.name)]
    return tuple(sorted(found, key=lambda one: get_args(State).index(one.state)))


def _known(board: Board, name: str) -> KnownRound:
    facts = read_round(board, name)
    folder = board.folder / "rounds" / name
    state: State = "open"
    if (folder / REVEALED).exists():
        state, n_entries = "revealed", len(read_revealed(board, name).get("scored") or {})
    elif (folder / CLOSED).exists():
        state, n_entries = "closed", len(read_closed(board, name))
    else:
        n_entries = sum(1 for _ in folder.glob(f"entries/*/{SEALED}"))
    return KnownRound(
        name, state, facts["images"], n_entries, str(facts.get("note", "")), facts["commitment"]
    )
