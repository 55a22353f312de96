"""The preview picture shown with a shared link to the board."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from gmbench.board.columns import COLUMN, DEFAULT_SORT
from gmbench.board.rows import BenchmarkBoard, Row
from gmbench.board.site.axes import score_axis
from gmbench.pages.drawing.numbers import score
from gmbench.wording import plural

WIDTH, HEIGHT = 1200, 630
"""The size that services which show such pictures ask for."""

MOST = 6
"""Number of methods of the first benchmark in it."""

_LEFT, _RIGHT, _TOP, _STEP = 72, WIDTH - 72, 268, 50
_AXIS = (640, 1010)
_INK, _QUIET, _LINE, _ACCENT, _SOFT = "#1a1e23", "#58606a", "#e1e5ea", "#1f5f9e", "#b3cce5"


def preview(boards: Sequence[BenchmarkBoard]) -> bytes:
    """Returns the picture as a PNG file: the best methods of the first benchmark by skill."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    draw.text((_LEFT, 62), "gmbench leaderboard", fill=_QUIET, font=_font(26))
    draw.text((_LEFT, 100), "Which hyperparameters made this image?", fill=_INK, font=_font(50))
    if boards:
        board = boards[0]
        title = COLUMN[DEFAULT_SORT].title
        words = f"{board.name}, {plural(len(board.measured), 'method')} measured, by {title}"
        draw.text((_LEFT, 182), words, fill=_QUIET, font=_font(26))
        axis = score_axis(board, COLUMN[DEFAULT_SORT], None)
        for number, row in enumerate(board.measured[:MOST]):
            places = tuple(axis.place(value) for value in axis.values.get(row.name, ()))
            _line(draw, row, places, _TOP + _STEP * number)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _line(draw: ImageDraw.ImageDraw, row: Row, places: Sequence[float], y: int) -> None:
    draw.line((_LEFT, y - 9, _RIGHT, y - 9), fill=_LINE)
    draw.text((_LEFT, y), _cut(row.title, _AXIS[0] - _LEFT - 24), fill=_INK, font=_font(26))
    if not places:
        return
    value, *ends = (_AXIS[0] + (_AXIS[1] - _AXIS[0]) * place / 100 for place in places)
    draw.line((_AXIS[0], y + 17, _AXIS[1], y + 17), fill=_LINE, width=2)
    if ends:
        draw.rectangle((ends[0], y + 10, ends[1], y + 24), fill=_SOFT)
    draw.rectangle((value - 2, y + 4, value + 2, y + 30), fill=_ACCENT)
    number = row.cells[DEFAULT_SORT].value
    assert isinstance(number, float)
    # The font has a hyphen but no minus sign.
    text = score(number).text.replace("\N{MINUS SIGN}", "-")
    draw.text((_RIGHT, y), text, fill=_INK, font=_font(26), anchor="ra")


def _cut(title: str, width: int) -> str:
    if _font(26).getlength(title) <= width:
        return title
    while _font(26).getlength(f"{title}...") > width:
        title = title[:-1]
    return f"{title.rstrip()}..."


def _font(size: int) -> ImageFont.FreeTypeFont:
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found
