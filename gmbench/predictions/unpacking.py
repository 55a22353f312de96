"""From a gzip file to the bytes that were compressed, all of them, piece by piece."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gmbench.predictions.bounds import UnreadableError
from gmbench.wording import plural

_AGAIN = "compress the CSV again, or give it as it is."
SIGN = b"\x1f\x8b"
"""First bytes of a gzip file, and of each of its members."""

_PACKED = 1 << 16
"""Bytes read at a time; those left over at the end of a member are copied."""

_UNPACKED = 1 << 20
"""Most bytes decompressed at a time."""


def unpacked(file: BinaryIO, path: Path, start: bytes = b"") -> Iterator[bytes]:
    """Decompresses gzip lazily.

    A gzip file may have several members, one after another (RFC 1952, section 2.2), as written by
    tools that append or work in parallel: its content is that of all of them.

    Args:
        file: The gzip file.
        path: The file's path, for messages.
        start: What was already read from it.

    Yields:
        The next bytes of the content.

    Raises:
        UnreadableError: The file is damaged, truncated, or continues with something else.
    """
    size, pending = 0, start + file.read(_PACKED)
    while pending:
        if pending[: len(SIGN)] != SIGN[: len(pending)]:
            raise _something_else(file, path, pending)
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            try:
                piece = unpacker.decompress(pending, _UNPACKED)
            except zlib.error as error:
                raise UnreadableError(
                    f"{path}: the gzip data are damaged ({error}).", _AGAIN
                ) from error
            pending = unpacker.unconsumed_tail
            if piece:
                size += len(piece)
                yield piece
            elif not unpacker.eof:
                more = file.read(_PACKED)
                if not more:
                    raise UnreadableError(
                        f"{path}: the gzip data are cut short after {plural(size, 'byte')}.",
                        _AGAIN,
                    )
                pending += more
        pending = unpacker.unused_data
        if len(pending) < len(SIGN):
            pending += file.read(_PACKED)


def _something_else(file: BinaryIO, path: Path, rest: bytes) -> UnreadableError:
    """Returns the error for bytes after the end of the gzip data."""
    shown = f"{rest[:8]!r} and so on" if len(rest) > 8 else repr(rest)
    n_bytes = len(rest)
    if file.seekable():
        here = file.tell()
        n_bytes += file.seek(0, os.SEEK_END) - here
    return UnreadableError(
        f"{path}: {plural(n_bytes, 'byte')} after the end of the gzip data "
        f"{'is' if n_bytes == 1 else 'are'} not gzip: {shown}.",
        "cut off what stands there, or compress the CSV again.",
    )
