"""A dataset folder that is fit to be published: the bytes are those that its checksums promise."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gmbench.data.workplace import CHECKSUMS
from gmbench.errors import DatasetError

REQUIRED = ("README.md", "gms.csv", "benchmark.json")
"""Files that a dataset folder has besides its checksums and `data/`."""

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_BLOCK = 1 << 20
_SMALL = 16 << 20
"""Bytes up to which a file may be kept in git itself; the Hub's own limit is lower."""
_FIRST = 10
"""So many offenders are named; the others are counted."""

Advance = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of a dataset folder.

    Attributes:
        path: Path inside the folder, with `/`.
        sha256: Its checksum, in hexadecimal digits.
        bytes: Its size.
        git_oid: Its name in git (SHA-1), by which the Hub knows small files; empty if it is large.
    """

    path: str
    sha256: str
    bytes: int
    git_oid: str


@dataclass(frozen=True, slots=True)
class CheckedFolder:
    """A dataset folder whose bytes are those that its checksums promise.

    Attributes:
        folder: Where it lies.
        benchmark: Name of the benchmark, such as `red116`.
        version: Version of the benchmark, such as `2023.1`.
        files: What belongs to the dataset, in order of paths, the checksums included.
        left_out: Paths of files that lie in the folder but not in the checksums, hidden ones aside.
    """

    folder: Path
    benchmark: str
    version: str
    files: tuple[LocalFile, ...]
    left_out: tuple[str, ...]


def check_folder(folder: Path, advance: Advance | None = None) -> CheckedFolder:
    """Reads a dataset folder and compares every file with its checksum.

    `gmbench data verify` is the deeper check, which also opens the images.

    Raises:
        DatasetError: The folder is no dataset, or not the one its checksums describe; names all
            that is wrong.
    """
    if not (folder / CHECKSUMS).is_file():
        raise DatasetError(
            f"{folder} is not a dataset folder of gmbench: {CHECKSUMS} is missing. Make one with "
            f"`gmbench data build --out {folder}`."
        )
    promised = read_checksums(folder / CHECKSUMS)
    problems = [f"{name} is not in {CHECKSUMS}" for name in REQUIRED if name not in promised]
    if not any(path.startswith("data/") for path in promised):
        problems.append(f"{CHECKSUMS} names nothing in data/")
    problems += [f"{path} is missing" for path in promised if not (folder / path).is_file()]
    present = [path for path in promised if (folder / path).is_file()]
    done, total = 0, sum((folder / path).stat().st_size for path in present)
    files = [_hashed(folder, CHECKSUMS)]
    for path in present:
        files.append(_hashed(folder, path))
        if files[-1].sha256 != promised[path]:
            problems.append(f"{path} is not the file that was built (its SHA-256 differs)")
        done += files[-1].bytes
        if advance is not None:
            advance(done, total)
    if problems:
        raise DatasetError(_listed(folder, problems))
    known = {file.path for file in files}
    lying = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    shown = (path.as_posix() for path in lying if not any(p[0] == "." for p in path.parts))
    name, version = benchmark_of(folder)
    return CheckedFolder(
        folder=folder,
        benchmark=name,
        version=version,
        files=tuple(sorted(files, key=lambda file: file.path)),
        left_out=tuple(sorted(path for path in shown if path not in known)),
    )


def read_checksums(path: Path) -> dict[str, str]:
    """Reads a list as `sha256sum` writes it: SHA-256 of every file, by its path.

    Raises:
        DatasetError: A line is not one, names a file twice, or leads out of the folder.
    """
    promised: dict[str, str] = {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
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


def benchmark_of(folder: Path) -> tuple[str, str]:
    """Returns name and version of the benchmark that a dataset folder holds.

    Raises:
        DatasetError: `benchmark.json` is missing or does not say.
    """
    try:
        facts = json.loads((folder / "benchmark.json").read_text(encoding="utf-8"))
        return str(facts["name"]), str(facts["version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{folder / 'benchmark.json'} does not say which benchmark this is "
            f"({type(error).__name__}). Build the dataset again."
        ) from error


def _listed(folder: Path, problems: list[str]) -> str:
    more = f"\n  and {len(problems) - _FIRST} more" if len(problems) > _FIRST else ""
    lines = "\n".join(f"  {problem}" for problem in problems[:_FIRST])
    return (
        f"{folder} is not the dataset that was built, so nothing was sent:\n{lines}{more}\n"
        f"Build it again with `gmbench data build`, or look closer with `gmbench data verify`."
    )


def _hashed(folder: Path, path: str) -> LocalFile:
    digest, size = hashlib.sha256(), (folder / path).stat().st_size
    # Git names a file by the SHA-1 of its size and bytes.
    git = hashlib.sha1(b"blob %d\0" % size) if size <= _SMALL else None
    with (folder / path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            if git is not None:
                git.update(block)
    return LocalFile(path, digest.hexdigest(), size, git.hexdigest() if git is not None else "")
