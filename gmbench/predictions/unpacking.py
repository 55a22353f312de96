"""From the bytes of a gzip file to those that were packed, all of them."""

from __future__ import annotations

import zlib
from pathlib import Path

from gmbench.predictions.checks import Checklist, plural
from gmbench.predictions.file_signatures import not_readable

_AGAIN = "compress the CSV again, or give it as it is."
_SIGN = b"\x1f\x8b"
_PIECE = 1 << 16
"""Bytes unpacked at a time: what is left of them at the end of a member is copied."""


def unpack(data: bytes, path: Path, most_bytes: int, checklist: Checklist) -> bytes | None:
    """Unpacks gzip, or says what is wrong with it.

    A gzip file may have several members, one after the other (RFC 1952, section 2.2), as tools
    that append or work in parallel write them: its content is that of all of them.

    Args:
        data: The gzip file.
        path: Where it is, for messages.
        most_bytes: Largest content that is unpacked.
        checklist: Receives the check `file` where it is not sound.

    Returns:
        The content, or None where a check failed.
    """
    view, place, room = memoryview(data), 0, most_bytes
    parts: list[bytes] = []
    while place < len(data):
        if data[place : place + 2] != _SIGN[: len(data) - place]:
            rest = data[place:]
            shown = f"{rest[:8]!r} and so on" if len(rest) > 8 else repr(rest)
            checklist.failed(
                "file",
                f"{path}: {plural(len(rest), 'byte')} after the end of the gzip data "
                f"{'is' if len(rest) == 1 else 'are'} not gzip: {shown}.",
                "cut off what stands there, or compress the CSV again.",
                fatal=True,
            )
            return None
        unpacker = zlib.decompressobj(wbits=31)
        while place < len(data) and not unpacker.eof:
            piece = view[place : place + _PIECE]
            try:
                part = unpacker.decompress(piece, room)
            except zlib.error as error:
                checklist.failed(
                    "file", f"{path}: the gzip data are damaged ({error}).", _AGAIN, fatal=True
                )
                return None
            place += len(piece) - len(unpacker.unused_data)
            room -= len(part)
            parts.append(part)
            if unpacker.unconsumed_tail or room <= 0:
                not_readable(checklist, f"{path} unpacks to more than {most_bytes / 1e9:.0f} GB.")
                return None
        if not unpacker.eof:
            unpacked = most_bytes - room
            checklist.failed(
                "file",
                f"{path}: the gzip data are cut short after {plural(unpacked, 'byte')}.",
                _AGAIN,
                fatal=True,
            )
            return None
    return b"".join(parts)
