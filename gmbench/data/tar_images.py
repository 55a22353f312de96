"""Reads the images of a TAR archive from front to back, as it arrives.

An archive is treated as hostile until proven otherwise: member names are names and never paths,
links and devices are not images, headers and unpacked bytes have limits, and a damaged header is
not taken for the end.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Self, cast

from gmbench.data.image_files import MOST_BYTES
from gmbench.data.image_shards import ending_of
from gmbench.data.listing import IMAGE_SUFFIXES, is_hidden
from gmbench.data.sources import Limits
from gmbench.data.streamed_image import StreamedImage
from gmbench.errors import SourceError, printable

_MOST_HEADER = 2**20
"""Maximum size of a member's long name and metadata in bytes; `tarfile` holds them in memory."""

_RATIO_COUNTS_FROM = 2**26
_LONG_HEADERS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip
_DAMAGED_HEADERS: tuple[type[Exception], ...] = tuple(
    getattr(tarfile, name) for name in ("InvalidHeaderError", "TruncatedHeaderError")
)
DAMAGE: tuple[type[Exception], ...] = (
    tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError,
)  # fmt: skip
"""What a damaged archive makes the reader raise."""


def images_of_tar(name: str, file: BinaryIO) -> Iterator[StreamedImage]:
    """Yields the images of a TAR, named `TAR/MEMBER`; other members are skipped.

    Args:
        name: Path or URL of the archive.
        file: The open archive.

    Raises:
        SourceError: A header is damaged or too large, or the archive unpacks to more than images
            do.
        TarError: The archive is damaged; any other kind in `DAMAGE` may be raised instead.
    """
    shown = printable(name)
    with tarfile.open(fileobj=_unpacked(name, file), mode="r|", tarinfo=_Header) as archive:
        remembering: Any = archive
        while (member := archive.next()) is not None:
            remembering.members = []  # It would keep all members that it has met.
            path = PurePosixPath(member.name)
            is_image = path.suffix.casefold() in IMAGE_SUFFIXES and not is_hidden(path)
            if not (member.isreg() and is_image):
                continue
            here = f"{shown}/{printable(member.name)}"
            if member.issparse():
                yield StreamedImage(here, b"", "a file with holes, which no image is")
            elif member.size > MOST_BYTES:
                yield StreamedImage(here, b"", f"more than {MOST_BYTES:,} bytes")
            else:
                content: Any = archive.extractfile(member)
                data = content.read()
                if len(data) != member.size:
                    raise tarfile.ReadError("unexpected end of data")
                yield StreamedImage(here, data)


class _Header(tarfile.TarInfo):
    """A header that must be sound; `tarfile` takes a damaged one after the first for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> Self:
        """Reads a header; see `tarfile`."""
        try:
            header = super().frombuf(buf, cast("str", encoding), errors)
        except _DAMAGED_HEADERS as error:
            raise SourceError("a header is damaged") from error
        if header.size < 0 or (header.type in _LONG_HEADERS and header.size > _MOST_HEADER):
            raise SourceError("a header is larger than any that is needed")
        return header


def _unpacked(name: str, file: BinaryIO) -> BinaryIO:
    """Returns the plain bytes of an archive, which is compressed unless its name ends in `.tar`."""
    if ending_of(name).endswith(".tar"):
        return file
    return cast("BinaryIO", _Unpacked(file))


class _Unpacked:
    """The content of a compressed file, as long as it is no larger than images allow.

    Args:
        file: The compressed file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._packed, self._made = file, 0, 0
        self._content = gzip.GzipFile(fileobj=cast("BinaryIO", self._Counted(self)), mode="rb")

    class _Counted:
        def __init__(self, whole: _Unpacked) -> None:
            self._whole = whole

        def read(self, size: int = -1) -> bytes:
            data = self._whole._file.read(size)
            self._whole._packed += len(data)
            return data

    def read(self, size: int) -> bytes:
        """Returns the next bytes."""
        data = self._content.read(size)
        self._made += len(data)
        ratio = Limits().ratio
        if self._made > _RATIO_COUNTS_FROM and self._made > ratio * max(1, self._packed):
            raise SourceError(f"it unpacks to more than {ratio} times its size, as no images do")
        return data
