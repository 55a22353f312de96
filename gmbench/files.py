"""Files that are complete or absent: written alongside, flushed to disk, then renamed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gmbench.errors import DatasetError, GmbenchError


class WriteError(GmbenchError):
    """A file that cannot be written: no permission, a full disk, a folder in its place."""


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def json_text(data: Any) -> str:
    """Returns data as the text of a JSON file: finite numbers or null, keys in the given order."""
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def parse_json(text: str | bytes) -> Any:
    """Parses JSON that may be anyone's.

    Raises:
        ValueError: It is not JSON, or is nested deeper than Python can follow.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def write_durably(path: Path, content: bytes | str) -> None:
    """Writes a file so that, whatever happens, it is the old one, the new one, or absent.

    Args:
        path: The file; its folder must exist.
        content: What it is to hold; text is encoded as UTF-8.

    Raises:
        OSError: The disk is full, or the folder cannot be written to.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        rename_durably(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def rename_durably(source: Path, target: Path) -> None:
    """Renames a file or folder and flushes the directory entry to disk."""
    source.replace(target)
    _flush(target.parent)


def exchange(first: Path, second: Path) -> bool:
    """Swaps two folders in one step, so that at no moment either is missing.

    Returns:
        Whether they were swapped: Linux can, on most of its file systems; otherwise nothing
        happened.
    """
    if sys.platform != "linux":
        return False
    import ctypes

    call = getattr(ctypes.CDLL(None), "renameat2", None)
    here, swap = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    if call is None or call(here, os.fsencode(first), here, os.fsencode(second), swap) != 0:
        return False
    _flush(first.parent)
    _flush(second.parent)
    return True


def followed(folder: Path) -> Path:
    """Returns where a folder that is to be replaced is: what a link leads to, never the link."""
    return Path(os.path.realpath(folder)) if folder.is_symlink() else folder


def put_folder(made: Path, folder: Path, aside: Path) -> None:
    """Puts a finished folder in its place, in one step where the system can.

    Args:
        made: The finished folder.
        folder: Where it goes, on the same disk; no link (see `followed`).
        aside: Where a folder that is already there goes. On a system that cannot swap folders, a
            process killed between two renames leaves it only there.
    """
    if folder.exists():
        shutil.rmtree(aside, ignore_errors=True)
        if exchange(made, folder):
            made.replace(aside)
            return
        folder.replace(aside)
    rename_durably(made, folder)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yields a new folder beside another, whose place it takes if the block ends without an error.

    Args:
        folder: The folder, replaced as a whole if it exists; its parent is created if needed.
    """
    folder = followed(folder)
    beside, aside = (folder.with_name(f".{folder.name}.{end}") for end in ("new", "old"))
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        yield beside
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    put_folder(beside, folder, aside)
    shutil.rmtree(aside, ignore_errors=True)


def _flush(folder: Path) -> None:
    if os.name == "posix":  # Windows has no handle on a folder to flush.
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


LOCK = "lock"
"""Name of the lock file that is held while working in a folder; meaningless when not held."""


@contextmanager
def alone_in(folder: Path, busy: GmbenchError, patience: float = 0.0) -> Iterator[None]:
    """Keeps others out of a work folder, and removes the folder at the end if nothing is in it.

    Args:
        folder: The folder; created if needed.
        busy: Raised if another process is working there.
        patience: Seconds to wait for that process.
    """
    from filelock import FileLock, Timeout

    end = time.monotonic() + patience
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=max(end - time.monotonic(), 0), poll_interval=0.05)
        except Timeout:
            raise busy from None
        except FileNotFoundError:
            continue  # who worked there has removed it
        if (folder / LOCK).exists():
            break
        lock.release()
    try:
        yield
    finally:
        _remove_if_empty(folder)  # before anyone else may work there
        lock.release()
        if os.name == "nt":  # which removes no open file, be it ours or theirs
            _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        if not any(path.name != LOCK for path in folder.iterdir()):
            (folder / LOCK).unlink(missing_ok=True)
            folder.rmdir()


def is_full(error: OSError) -> bool:
    """Returns whether an error means that no more can be written: disk, quota or file size."""
    return error.errno in _FULL


def disk_full(folder: Path, error: OSError) -> DatasetError:
    """Returns the error for a folder whose disk is full."""
    return DatasetError(
        f"{folder} cannot be written: {error.strerror}. Make room, or give another --out, and "
        "build again: finished GMs are kept."
    )


def refuse_existing(*paths: Path, overwrite: bool, option: str = "--out") -> None:
    """Protects what a user already has; called before the work whose results go there.

    Args:
        paths: Files and folders that will be written.
        overwrite: Whether the user said that they may be replaced.
        option: The option that gives another place.

    Raises:
        WriteError: One exists and may not be replaced, or is a device or a pipe, which no file
            can replace.
    """
    for path in paths:
        if not os.path.lexists(path):
            continue
        if not overwrite:
            raise WriteError(
                f"{path} is there already. Say --overwrite to replace it, or give another {option}."
            )
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise WriteError(f"{path} is no file that can be replaced. Give another {option}.")


def check_ending(path: Path, *endings: str) -> None:
    """Checks, before the work whose result goes there, that a file's ending says how to write it.

    Args:
        path: The file.
        endings: The endings that do, each with its dot.

    Raises:
        WriteError: The file has none of these endings.
    """
    if not path.name.lower().endswith(endings):
        *most, last = endings
        choice = f"{', '.join(most)} or {last}" if most else last
        raise WriteError(f"{path} has an unknown ending: take {choice}.")


_OF_FILES = (".csv", ".gz", ".html", ".json", ".parquet", ".pdf", ".png", ".txt")


def refuse_file_name(folder: Path, option: str = "--out") -> None:
    """Refuses a name by which the user seems to expect a file where a folder will be made.

    Args:
        folder: Where results go; what already exists may have any name.
        option: The option that gives it.

    Raises:
        WriteError: It ends like a file name.
    """
    if folder.suffix.lower() in _OF_FILES and not folder.exists():
        raise WriteError(
            f"{folder} is the name of a file, and a folder will be made. Give a folder's name, "
            f"such as {option} {folder.with_suffix('')}."
        )


def write_whole(path: Path, content: bytes | str) -> None:
    """Writes a result file completely or not at all, and says in one line why it cannot.

    Args:
        path: The file; its folder is created if needed.
        content: What it is to hold; text is encoded as UTF-8.

    Raises:
        WriteError: The system refused; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, content)
    except OSError as error:
        raise WriteError(
            f"{path} cannot be written ({error.strerror}). Give another place, or make room."
        ) from error
