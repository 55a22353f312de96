"""Folders that appear as a whole, and are undone if a later step fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from gmbench.files import WriteError, exchange, rename_durably

Writers = Mapping[str, Callable[[Path], object]]
"""Functions that write the files of a folder, by file name."""


@contextmanager
def folders_in_place(folders: Mapping[Path, Writers]) -> Iterator[None]:
    """Puts folders in place for the duration of a block, and keeps them if it succeeds.

    Each folder is written next to its destination and renamed. If anything fails, including
    by a keyboard interrupt, every file and folder is as it was, byte for byte. A killed process can
    leave behind a folder whose name begins with a dot; the board ignores those.

    Args:
        folders: The files of each folder. An existing folder is replaced.

    Raises:
        WriteError: A file cannot be written.
    """
    undo: list[Callable[[], object]] = []
    old: list[Path] = []
    try:
        try:
            for folder, writers in folders.items():
                _make_parents(folder.parent, undo)
                staged = folder.with_name(f".{folder.name}.{os.getpid()}")
                shutil.rmtree(staged, ignore_errors=True)
                undo.append(partial(shutil.rmtree, staged, ignore_errors=True))
                staged.mkdir()
                for name, write in writers.items():
                    write(staged / name)
                if folder.exists():
                    undo.append(partial(_back, staged, folder, folder.stat().st_ino))
                    if exchange(staged, folder):
                        old.append(staged)
                        continue
                    aside = folder.with_name(f".{folder.name}.{os.getpid()}.old")
                    shutil.rmtree(aside, ignore_errors=True)
                    folder.replace(aside)
                    undo.append(partial(aside.replace, folder))
                    old.append(aside)
                # The undo step comes first: the rename may succeed and the flush after it fail.
                undo.append(partial(shutil.rmtree, folder, ignore_errors=True))
                rename_durably(staged, folder)
        except OSError as error:
            raise WriteError(
                f"{error.filename or folder} cannot be written ({error.strerror}). "
                "Give another place, or make room. Everything is as it was."
            ) from error
        yield
    except BaseException:
        for step in reversed(undo):
            step()
        raise
    for aside in old:
        shutil.rmtree(aside, ignore_errors=True)


def _back(staged: Path, folder: Path, before: int) -> None:
    """Undoes an exchange of two folders, if it happened; `before` is the old one's inode."""
    if staged.exists() and staged.stat().st_ino == before:
        exchange(staged, folder)


def _make_parents(folder: Path, undo: list[Callable[[], object]]) -> None:
    """Creates a folder and its parents, and records how to remove the new ones."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        undo.append(one.rmdir)
