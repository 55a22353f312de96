"""Folders that appear whole, and that are taken back when something after them fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from gmbench.files import WriteError, exchange, rename_durably

Writers = Mapping[str, Callable[[Path], object]]
"""What writes each file of a folder, by the file's name."""


@contextmanager
def folders_in_place(folders: Mapping[Path, Writers]) -> Iterator[None]:
    """Puts folders in place while the block runs, and leaves them there when it ends well.

    Each folder is written beside its place and renamed. When anything fails, a stop by the
    keyboard included, every file and folder is as it was, byte for byte. A process that is killed
    can leave a folder behind whose name begins with a dot; the board does not look at those.

    Args:
        folders: The files of each folder. A folder that is there already is replaced.

    Raises:
        WriteError: The system refused.
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
                # First the way back: the rename may succeed and the flush after it fail.
                undo.append(partial(shutil.rmtree, folder, ignore_errors=True))
                rename_durably(staged, folder)
        except OSError as error:
            raise WriteError(
                f"{error.filename or folder} cannot be written ({error.strerror}). "
                "Give another --board, or make room. Everything is as it was."
            ) from error
        yield
    except BaseException:
        for step in reversed(undo):
            step()
        raise
    for aside in old:
        shutil.rmtree(aside, ignore_errors=True)


def _back(staged: Path, folder: Path, before: int) -> None:
    """Takes an exchange of two folders back, if it happened; `before` is the old one's inode."""
    if staged.exists() and staged.stat().st_ino == before:
        exchange(staged, folder)


def _make_parents(folder: Path, undo: list[Callable[[], object]]) -> None:
    """Makes a folder and those above it, and notes how to take the new ones back."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        undo.append(one.rmdir)
