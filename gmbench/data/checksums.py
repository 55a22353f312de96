"""`checksums.sha256` of a dataset folder: which files belong to it, and whether they are unchanged.

The list has the format of `sha256sum`, so `sha256sum -c` can read it too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gmbench.data.sources import shown
from gmbench.errors import DatasetError
from gmbench.progress import Progress

CHECKSUMS = "checksums.sha256"

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_THREADS = 4
"""Hashing releases the GIL; more threads than this would wait for the disk."""


@dataclass(frozen=True, slots=True)
class ComparedFiles:
    """The result of comparing a dataset folder with its checksums; paths are safe to print.

    Attributes:
        missing: Paths of listed files that do not exist.
        changed: Paths of files whose checksum differs from the listed one.
        further: Paths of files that are not listed, except hidden ones.
    """

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    further: tuple[str, ...]


def checksums_text(sums: Mapping[str, str]) -> str:
    """Returns the text of the list, sorted by path, given the SHA-256 of each file by path."""
    return "".join(f"{sums[path]}  {path}\n" for path in sorted(sums))


def read_checksums(folder: Path) -> dict[str, str]:
    """Reads the list of a dataset folder: the SHA-256 of every file, by path.

    Raises:
        DatasetError: The list cannot be read, or a line is malformed, names a file twice, or leads
            out of the folder.
    """
    path = folder / CHECKSUMS
    promised: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DatasetError(
            f"{folder} is not a dataset folder of gmbench: {CHECKSUMS} cannot be read. Make one "
            f"with `gmbench data build --out {folder}`."
        ) from error
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        inside = PurePosixPath(match[2]) if match else PurePosixPath("..")
        if not match or inside.is_absolute() or ".." in inside.parts or match[2] in promised:
            raise DatasetError(
                f"{path}, line {number}: {line[:80]!r} is not the SHA-256 of a file in the folder, "
                "or names it twice. Build the dataset again."
            )
        promised[match[2]] = match[1]
    return promised


def compare_files(
    folder: Path, promised: Mapping[str, str], progress: Progress | None = None
) -> ComparedFiles:
    """Hashes every listed file of a folder, and finds the files that are not listed.

    Args:
        folder: The dataset folder.
        promised: SHA-256 of every listed file, by path.
        progress: Called after every file.
    """
    sizes = {path: (folder / path).stat().st_size for path in promised if is_there(folder / path)}
    done, total, changed = 0, sum(sizes.values()), []
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda path: sha256_of(folder / path), sizes)
        for (path, size), sha256 in zip(sizes.items(), found, strict=True):
            if sha256 != promised[path]:
                changed.append(path)
            done += size
            if progress is not None:
                progress("bytes checked", done, total)
    return ComparedFiles(
        missing=tuple(shown(path) for path in promised if path not in sizes),
        changed=tuple(map(shown, changed)),
        further=tuple(shown(path) for path in _visible(folder) if path not in promised),
    )


def is_there(path: Path) -> bool:
    """Returns whether a path is that of a file; False for a path that the system rejects."""
    try:
        return path.is_file()
    except OSError:
        return False


def sha256_of(file: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _visible(folder: Path) -> list[str]:
    """Returns the paths of all files except hidden ones and the list itself."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        path.as_posix()
        for path in files
        if path.as_posix() != CHECKSUMS and not any(part.startswith(".") for part in path.parts)
    )
