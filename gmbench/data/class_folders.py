"""Reads a user's folder that holds one folder of images per class."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from gmbench.data.listing import IMAGE_SUFFIXES, is_hidden
from gmbench.errors import SourceError


def images_in(folder: Path, suffixes: Collection[str] = IMAGE_SUFFIXES) -> list[Path]:
    """Returns the image files of a folder, at any depth, in the order of their paths.

    Hidden files and folders are left out: macOS puts `._a.png`, no image, beside `a.png`.

    Args:
        folder: The folder.
        suffixes: Suffixes of the files, in lower case.
    """
    files = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    return sorted(
        path for path in files if not path.is_dir() and not is_hidden(path.relative_to(folder))
    )


def read_class_folders(folder: Path) -> dict[str, list[Path]]:
    """Returns the image files of each class, by the name of its folder.

    Raises:
        SourceError: The folder does not exist, has fewer than two folders, or has one without an
            image.
    """
    if not folder.is_dir():
        raise SourceError(
            f"{folder} is not there. Give a folder with one folder of images a class."
        )
    classes = {
        path.name: images_in(path)
        for path in sorted(folder.iterdir())
        if path.is_dir() and not is_hidden(path.relative_to(folder))
    }
    if len(classes) < 2:
        found = ", ".join(classes) or "none"
        raise SourceError(
            f"{folder} has {len(classes)} class ({found}): one folder of images a class is needed, "
            "and two classes at least."
        )
    if empty := [name for name, files in classes.items() if not files]:
        raise SourceError(
            f"{folder}: no image in {', '.join(empty)}. Put images in, or take the folder away."
        )
    return classes
