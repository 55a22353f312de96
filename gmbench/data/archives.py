"""ZIP and TAR archives: listed and read member by member, never unpacked into a tree.

An archive is treated as hostile until proven otherwise. The following are refused, with an error
that names the archive and, where one is at fault, the member: paths that lead outside, links and
devices, two members with one name, encryption, more files or bytes than `Limits` allows, and
compression beyond what images can have (a "bomb"). A compressed TAR can only be read from front to
back, so it is first decompressed into a plain TAR.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gmbench.data.sources import (
    Limits,
    Source,
    SourceFile,
    check_limits,
    in_order,
    scan_folder,
    shown,
    unreadable,
)
from gmbench.errors import SourceError
from gmbench.files import disk_full, is_full, rename_durably

_MEGABYTE = 2**20
_RATIO_COUNTS_FROM = 64 * _MEGABYTE
"""Unpacked bytes above which the ratio of an archive is checked: small ones do no harm."""

_DECOMPRESSORS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
"""The function that opens a compressed file, by the bytes with which the file starts."""

_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError)


def open_source(location: Path, scratch: Path, limits: Limits) -> Source:
    """Lists the files of a folder, a ZIP or a TAR (plain, or compressed with gzip, bzip2 or xz).

    Args:
        location: The folder or archive; its type is recognised by its content, not its name.
        scratch: Folder in which a compressed TAR is decompressed; created when needed.
        limits: Limits beyond which a source is refused.

    Raises:
        SourceError: The source does not exist, is damaged, or is hostile.
    """
    if location.is_dir():
        return scan_folder(location, limits)
    if not location.is_file():
        raise SourceError(
            f"{location} does not exist. Give the folder, ZIP or TAR that holds the images."
        )
    try:
        with location.open("rb") as file:
            start = file.read(6)
        if start.startswith(b"PK"):
            return _list_zip(location, limits)
        plain = location
        for magic, decompressor in _DECOMPRESSORS.items():
            if start.startswith(magic):
                plain = _decompress(location, decompressor, scratch, limits)
        return _list_tar(location, plain, limits)
    except _DAMAGE as error:
        raise _no_archive(location, error) from error
    except OSError as error:
        if error.errno is None:  # The decompressors' own error for damage.
            raise _no_archive(location, error) from error
        raise unreadable(location, error) from error


def _no_archive(location: Path, error: Exception) -> SourceError:
    detail = shown(str(error)) or type(error).__name__
    return SourceError(
        f"{location} is cut short or damaged, or is neither a ZIP nor a TAR ({detail}). "
        "Fetch it again, or unpack it and give the folder."
    )


class ZipReader:
    """Reads members of a ZIP."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._archive = zipfile.ZipFile(path)

    def read(self, file: SourceFile) -> bytes:
        """Returns the bytes of a member; see `sources.Reader`."""
        try:
            with self._archive.open(str(file.key)) as member:
                data = member.read(file.size + 1)
        except (*_DAMAGE, OSError, RuntimeError) as error:
            raise _damaged(self._path, file.path, str(error)) from error
        if len(data) != file.size:
            raise _damaged(self._path, file.path, f"{len(data)} of {file.size} bytes")
        return data


class TarReader:
    """Reads members of a plain TAR by their offsets."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb", buffering=0)

    def read(self, file: SourceFile) -> bytes:
        """Returns the bytes of a member; see `sources.Reader`."""
        try:
            self._file.seek(int(file.key))
            data = self._file.read(file.size)
        except OSError as error:
            raise _damaged(self._path, file.path, str(error)) from error
        if len(data) != file.size:
            raise _damaged(self._path, file.path, f"{len(data)} of {file.size} bytes")
        return data


def _damaged(archive: Path, member: str, detail: str) -> SourceError:
    return SourceError(
        f"{archive}: {shown(member)} is damaged in the archive ({shown(detail)}). Fetch it again."
    )


def _list_zip(location: Path, limits: Limits) -> Source:
    files = []
    packed = max(location.stat().st_size, 1)
    with zipfile.ZipFile(location) as archive:
        members = archive.infolist()
    for member in members:
        path = _safe_path(location, member.orig_filename)
        kind = stat.S_IFMT(member.external_attr >> 16)
        is_folder = member.is_dir() or (
            member.orig_filename.endswith("\\") and not member.file_size
        )
        if is_folder and kind in (0, stat.S_IFDIR):
            continue
        if kind not in (0, stat.S_IFREG):
            raise _refused(location, path, "is a link or a device, not a file")
        if member.flag_bits & 1:
            raise _refused(location, path, "is encrypted", "Decrypt the archive first.")
        if member.compress_type not in _ZIP_METHODS:
            raise _refused(
                location,
                path,
                f"is packed by method {member.compress_type}, which Python cannot read",
                "Unpack the archive and give the folder.",
            )
        _check_ratio(location, path, member.file_size, member.compress_size, limits, _MEGABYTE)
        files.append(SourceFile(path, member.file_size, 0, member.filename))
    _check_names(location, files)
    check_limits(location, files, limits)
    # Overlapping members may each be within the limits while all of them together are not.
    total = sum(file.size for file in files)
    _check_ratio(location, "all members together", total, packed, limits, _RATIO_COUNTS_FROM)
    return Source(location, "zip", location.resolve(), in_order(files))


def _list_tar(location: Path, plain: Path, limits: Limits) -> Source:
    files = []
    with tarfile.open(plain, "r:") as archive:
        for member in archive:
            path = _safe_path(location, member.name)
            if member.size < 0:  # Sends older releases of Python into an endless loop.
                raise _refused(location, path, "has a negative size")
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise _refused(location, path, "is a link or a device, not a file")
            files.append(SourceFile(path, member.size, 0, member.offset_data))
            if len(files) > limits.members:
                break
        end = archive.offset
    # `tarfile` takes a damaged header for the end; the real end is a block of zeros or nothing.
    with plain.open("rb") as file:
        file.seek(end)
        block = file.read(tarfile.BLOCKSIZE)
    if len(files) <= limits.members and block and block != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"no valid header at byte {end:,}")
    _check_names(location, files)
    check_limits(location, files, limits)
    return Source(location, "tar", plain.resolve(), in_order(files))


def _decompress(
    location: Path, decompressor: Callable[[Path], Any], scratch: Path, limits: Limits
) -> Path:
    """Decompresses an archive into `scratch`, once for each state of the archive."""
    status = location.stat()
    state = f"{location.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    plain = scratch / f"{hashlib.sha256(state.encode()).hexdigest()[:16]}.tar"
    if plain.is_file():
        return plain
    scratch.mkdir(parents=True, exist_ok=True)
    beside = plain.with_suffix(f".{os.getpid()}.part")
    unpacked = 0
    try:
        with decompressor(location) as packed, beside.open("wb") as file:
            while block := packed.read(4 * _MEGABYTE):
                unpacked += len(block)
                if unpacked > limits.total_bytes:
                    raise SourceError(
                        f"{location} has more than {limits.total_bytes:,} bytes unpacked, which "
                        "is refused. Give the folder or archive that holds the images alone."
                    )
                _check_ratio(
                    location, "its content", unpacked, status.st_size, limits, _RATIO_COUNTS_FROM
                )
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        rename_durably(beside, plain)
    except OSError as error:
        if is_full(error):
            raise disk_full(scratch, error) from error
        raise
    finally:
        beside.unlink(missing_ok=True)
    return plain


def _safe_path(location: Path, name: str) -> str:
    """Returns a member's path without `.` parts; refuses one that could lead elsewhere.

    Backslashes separate folders too: some of Windows' own tools write them (PowerShell 5.1 does).
    """
    parts = name.replace("\\", "/").split("/")
    if (
        name.startswith(("/", "\\"))
        or ".." in parts
        or "\0" in name
        or re.match(r"[A-Za-z]:", name)
    ):
        raise _refused(location, name, "has a path that leads outside")
    return "/".join(part for part in parts if part not in ("", "."))


def _check_names(location: Path, files: list[SourceFile]) -> None:
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            raise _refused(location, file.path, "is there twice")
        seen.add(file.path)


def _check_ratio(
    location: Path, member: str, unpacked: int, packed: int, limits: Limits, counts_from: int
) -> None:
    if unpacked > counts_from and unpacked > limits.ratio * max(packed, 1):
        raise _refused(
            location,
            member,
            f"unpacks to more than {limits.ratio} times its size, as no image does",
        )


def _refused(
    location: Path, member: str, why: str, remedy: str = "Do not use this archive."
) -> SourceError:
    return SourceError(f"{location}: {shown(member)} {why}. {remedy}")
