"""The image files that a user names, one by one or as a folder with all its images."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gmbench.data.listing import IMAGE_SUFFIXES, is_hidden
from gmbench.errors import SourceError


def image_files(named: Iterable[Path]) -> list[Path]:
    """Returns files as they are, and for folders the images at any depth, sorted by name.

    Raises:
        SourceError: A folder holds no image.
    """
    found: list[Path] = []
    for path in named:
        if not path.is_dir():
            found.append(path)
            continue
        files = (file for file in path.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES)
        inside = sorted(file for file in files if not is_hidden(file))
        if not inside:
            raise SourceError(f"{path} holds no image. Give image files, or a folder of them.")
        found += inside
    return found
