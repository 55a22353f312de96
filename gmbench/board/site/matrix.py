"""Which methods are told apart: one square per pair of methods, for one metric."""

from __future__ import annotations

from dataclasses import dataclass

from gmbench.board.columns import COLUMN, Column
from gmbench.board.pairs import winner
from gmbench.board.rows import BenchmarkBoard, in_order
from gmbench.evaluation.comparison import COMPARED

SHOWN: tuple[str, ...] = ("skill", "l1", "arch_f1", "loss_f1")
"""Metrics that have a matrix."""

MOST = 30
"""Number of methods, the best ones, in the matrices and maps of the board's page; separate pages
have all of them."""

CELL, LABELS = 13, 184
"""Side of a square, and the width left for names."""

_LETTERS = 24
"""Number of letters of a name that fit there."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The squares of one metric; methods run from the best to the worst, down and across.

    Attributes:
        column: The metric.
        names: Names of the methods, in their order.
        titles: Their titles, cut to fit.
        better: Outline, as an SVG path, of all squares whose row is better than their column.
        worse: The same for squares whose row is worse.
        alike: The same for squares whose two methods the test does not tell apart.
        n_left: Number of methods that are left out for lack of room.
        n_apart: Number of pairs that are told apart, among all methods of the board.
    """

    column: Column
    names: tuple[str, ...]
    titles: tuple[str, ...]
    better: str
    worse: str
    alike: str
    n_left: int
    n_apart: int

    @property
    def height(self) -> int:
        """Height of the picture."""
        return CELL * len(self.names) + 1

    @property
    def width(self) -> int:
        """Width of the picture, including the names."""
        return LABELS + self.height


def matrices(board: BenchmarkBoard, most: int | None = None) -> tuple[Matrix, ...]:
    """Returns the matrices of a board; none if it has fewer than two methods.

    Args:
        board: The board.
        most: Number of methods in them, the best ones; by default all.
    """
    return tuple(_matrix(board, key, most) for key in SHOWN) if board.pairs else ()


def _matrix(board: BenchmarkBoard, key: str, most: int | None) -> Matrix:
    column = COLUMN[key]
    number = [metric.name for metric in COMPARED].index(key)
    every = in_order(board.measured, key, descending=column.better == "higher")
    rows = every[:most]
    squares: dict[str, list[str]] = {"better": [], "worse": [], "alike": []}
    for down, one in enumerate(rows):
        for across, other in enumerate(rows):
            if one is other:
                continue
            won = winner(board.pairs, one.name, other.name, number)
            kind = "alike" if not won else "better" if won == one.name else "worse"
            x, y = LABELS + CELL * across + 1, CELL * down + 1
            squares[kind].append(f"M{x} {y}h{CELL - 1}v{CELL - 1}h{1 - CELL}z")
    return Matrix(
        column=column,
        names=tuple(row.name for row in rows),
        titles=tuple(cut(row.title) for row in rows),
        better="".join(squares["better"]),
        worse="".join(squares["worse"]),
        alike="".join(squares["alike"]),
        n_left=len(every) - len(rows),
        n_apart=sum(bool(found[number].better) for found in board.pairs.values()),
    )


def cut(title: str) -> str:
    """Returns a title, cut to fit beside the squares."""
    return title if len(title) <= _LETTERS else f"{title[: _LETTERS - 1].rstrip()}…"
