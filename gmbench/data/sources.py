"""Where images come from: a folder, a ZIP or a TAR, all read through one interface.

A source lists its files once, without reading them, and checks the list against `Limits`.
Archives are treated as hostile until proven otherwise; `archives` holds what is specific to them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gmbench.data.image_files import MOST_BYTES, MOST_PIXELS
from gmbench.errors import SourceError, printable


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits beyond which a source is refused.

    Attributes:
        members: Maximum number of files in a source.
        member_bytes: Maximum size of a file, unpacked, in bytes.
        total_bytes: Maximum size of all files together, unpacked, in bytes.
        ratio: Maximum number of unpacked bytes per packed byte; images hardly compress further.
        pixels: Maximum size of an image, width times height.
    """

    members: int = 2_000_000
    member_bytes: int = MOST_BYTES
    total_bytes: int = 2**40
    ratio: int = 200
    pixels: int = MOST_PIXELS


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source.

    Attributes:
        path: Path inside the source, with `/`, never absolute and without `..`.
        size: Size in bytes, unpacked.
        modified: Time of the last change in nanoseconds for a file in a folder; 0 otherwise.
        key: How its reader finds it: a path, the name of a ZIP member, an offset in a TAR, or a
            row of a shard.
    """

    path: str
    size: int
    modified: int
    key: str | int


class Reader(Protocol):
    """Reads the files of a source; every process opens its own."""

    def read(self, file: SourceFile) -> bytes:
        """Returns the bytes of a file.

        Raises:
            SourceError: The file cannot be read, or is not what the list says.
        """
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A folder or an archive, and the list of its files.

    Attributes:
        location: What the user gave.
        kind: `folder`, `zip` or `tar`.
        readable: The path that is read: the location, or its decompressed copy.
        files: Its files, in alphabetical order of their paths.
        unread: Paths that are never opened: links to folders or to nothing, devices, pipes.
    """

    location: Path
    kind: str
    readable: Path
    files: tuple[SourceFile, ...]
    unread: tuple[str, ...] = ()


class FolderReader:
    """Reads the files of a folder."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)

    def read(self, file: SourceFile) -> bytes:
        """Returns the bytes of a file; see `Reader`."""
        path = f"{self._root}{os.sep}{file.key}"
        try:
            with open(path, "rb", buffering=0) as opened:  # noqa: PTH123 - called 116,000 times
                data = opened.read(file.size + 1)
        except OSError as error:
            raise unreadable(Path(path), error) from error
        if len(data) != file.size:
            raise SourceError(
                f"{shown(path)} changed while the dataset was built. "
                "Let the images rest and build again."
            )
        return data


def scan_folder(root: Path, limits: Limits) -> Source:
    """Lists all files under a folder.

    Raises:
        SourceError: A folder cannot be read, a link leads outside, or a limit is exceeded.
    """
    inside = root.resolve()
    files: list[SourceFile] = []
    unread: list[str] = []
    waiting = [inside]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    path = Path(entry.path)
                    name = path.relative_to(inside).as_posix()
                    is_link = entry.is_symlink()
                    # `resolve` fails on a link that leads to itself.
                    if is_link and not Path(os.path.realpath(path)).is_relative_to(inside):
                        raise SourceError(
                            f"{root}: the link {shown(name)} leads outside the folder. "
                            "Put the files themselves there, or give the folder they lie in."
                        )
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
                    elif path.is_file() if is_link else entry.is_file():
                        status = entry.stat()
                        files.append(SourceFile(name, status.st_size, status.st_mtime_ns, name))
                    else:
                        unread.append(name)
        except OSError as error:
            raise unreadable(folder, error) from error
    check_limits(root, files, limits)
    return Source(root, "folder", inside, in_order(files), tuple(sorted(unread)))


def in_order(files: Iterable[SourceFile]) -> tuple[SourceFile, ...]:
    """Returns files in alphabetical order of their paths, whatever their order on the disk."""
    return tuple(sorted(files, key=lambda file: file.path))


def check_limits(location: Path, files: list[SourceFile], limits: Limits) -> None:
    """Checks a list of files against the limits of number and size.

    Raises:
        SourceError: A limit is exceeded; the message names the source, the limit and, if a single
            file is too large, the file.
    """
    if len(files) > limits.members:
        raise SourceError(
            f"{location} holds {len(files):,} files; more than {limits.members:,} are refused. "
            "Give the folder or archive that holds the images alone."
        )
    for file in files:
        if file.size > limits.member_bytes:
            raise SourceError(
                f"{location}: {shown(file.path)} has {file.size:,} bytes unpacked; more than "
                f"{limits.member_bytes:,} are refused. Remove it."
            )
    total = sum(file.size for file in files)
    if total > limits.total_bytes:
        raise SourceError(
            f"{location} has {total:,} bytes unpacked; more than {limits.total_bytes:,} are "
            "refused. Give the folder or archive that holds the images alone."
        )


def unreadable(path: Path, error: OSError) -> SourceError:
    """Returns the error for a file or folder that the system cannot read."""
    return SourceError(
        f"{shown(str(path))} cannot be read: {error.strerror or error}. "
        "Check that it is still there and that you may read it."
    )


def shown(name: str) -> str:
    """Returns a file name, which may come from anyone's archive, made safe to print and store."""
    return printable(name)
