"""The contact sheet: all GMs of a zoo at a glance, one row per GM."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from gmbench.benchmark.catalog import GM
from gmbench.schema import DISCRETE, LOSSES, NAMES

IMAGES_IN_A_ROW = 16
"""Number of images that the contact sheet shows per GM."""

_TEXT_WIDTH = 330
_LINE, _GAP = 13, 3


def contact_sheet(rows: Sequence[tuple[GM, str, Sequence[bytes]]], size: int) -> bytes:
    """Draws the contact sheet.

    Args:
        rows: Each GM with the name of its family and the bytes of its first images.
        size: Height and width of the largest images in pixels.

    Returns:
        The bytes of a PNG file.
    """
    height = max(size, 3 * _LINE) + _GAP
    sheet = Image.new(
        "RGB", (_TEXT_WIDTH + IMAGES_IN_A_ROW * (size + 1), height * len(rows)), "white"
    )
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    for number, (gm, family, images) in enumerate(rows):
        top = number * height
        for line, text in enumerate(_caption(gm, family)):
            draw.text((4, top + line * _LINE), text, fill="black", font=font)
        for column, data in enumerate(images[:IMAGES_IN_A_ROW]):
            with Image.open(io.BytesIO(data)) as image:
                sheet.paste(image, (_TEXT_WIDTH + column * (size + 1), top))
    buffer = io.BytesIO()
    # 256 colours are enough for viewing, and reduce the file to a third of its size.
    sheet.quantize(256).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _caption(gm: GM, family: str) -> tuple[str, str, str]:
    """Returns the name, architecture labels and losses of a GM in three short lines."""
    value = dict(zip(NAMES, gm.values, strict=True))
    named = {
        parameter.name: parameter.classes[int(value[parameter.name])] for parameter in DISCRETE
    }
    losses = [loss.name.removeprefix("loss_") for loss in LOSSES if value[loss.name]]
    parts = [
        f"{named['block_nonlinearity']} .. {named['last_nonlinearity']}",
        *(["skip"] if named["skip_connection"] == "yes" else []),
        *(["down"] if named["downsampling"] == "yes" else []),
        "+".join(losses) or "no loss",
    ]
    return (
        f"{gm.name}  {family}  {gm.content}",
        f"{value['layers']:.0f} layers, {value['parameters'] / 1000:.0f}k weights, "
        f"norm {named['normalization']}, {named['upsampling']}",
        ", ".join(parts),
    )
