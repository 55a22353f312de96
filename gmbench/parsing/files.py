"""The image files that a user names, one by one or as a folder with all its images."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gmbench.data.class_folders import images_in
from gmbench.data.image_shards import is_shard
from gmbench.errors import SourceError


def image_files(named: Iterable[Path]) -> list[Path]:
    """Returns files as they are, and for folders their images as `images_in` finds them.

    Raises:
        SourceError: A folder holds no image, or a file is a TAR or Parquet file of images.
    """
    found: list[Path] = []
    for path in named:
        try:
            is_folder = path.is_dir()
        except OSError:  # Such as a name that is too long: opening the file says so.
            is_folder = False
        if not is_folder:
            if is_shard(path.name):
                raise SourceError(
                    f"{path} is no image but may hold many. Unpack it; `gmbench parse` takes it "
                    "as it is with --out DIR, and parses each image on its own."
                )
            found.append(path)
            continue
        inside = images_in(path)
        if not inside:
            raise SourceError(f"{path} holds no image. Give image files, or a folder of them.")
        found += inside
    return found
