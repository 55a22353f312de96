"""Assigns files to GMs by the names of folders alone, before anything is read.

A GM's folder may be at any depth, and its name is compared without case and separators:
`images/Style-GAN 2/` holds STYLEGAN_2. Position is never used: the order of sorted folders and the
order of the published label rows differ.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.sources import Source, SourceFile, shown
from gmbench.errors import SourceError, nearest_names, plain_form

IMAGE_SUFFIXES = frozenset(
    [
        ".bmp",
        ".gif",
        ".jfif",
        ".jp2",
        ".jpeg",
        ".jpg",
        ".pgm",
        ".png",
        ".ppm",
        ".tga",
        ".tif",
        ".tiff",
        ".webp",
    ]
)
"""Suffixes of files that are taken for images. Whether one is an image shows on decoding."""

_TABLE_SUFFIXES = (".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class GMFiles:
    """The image files of one GM.

    Attributes:
        gm: Canonical name of the GM.
        folder: The GM's folder inside the source.
        files: Its image files in natural order of their names, empty ones included.
    """

    gm: str
    folder: str
    files: tuple[SourceFile, ...]

    def name_of(self, file: SourceFile) -> str:
        """Returns the path of a file relative to the GM's folder."""
        return shown(file.path[len(self.folder) + 1 :])


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of a source, grouped by what they are.

    Attributes:
        gms: Files of each GM that has any, by GM name, in the benchmark's order.
        unknown_folders: Number of images and nearest GM names of each folder that matches no GM.
        not_images: Paths of files that are not images.
        csv_files: Paths of tables; not read, because labels come from the benchmark.
    """

    gms: dict[str, GMFiles]
    unknown_folders: dict[str, tuple[int, tuple[str, ...]]]
    not_images: tuple[str, ...]
    csv_files: tuple[str, ...]


def list_images(source: Source, benchmark: Benchmark) -> Listing:
    """Groups the files of a source by GM.

    Raises:
        SourceError: Two folders match the same GM.
    """
    forms = {plain_form(name): name for name in benchmark.index}
    homes: dict[str, tuple[str, str] | None] = {}
    found: dict[str, dict[str, list[SourceFile]]] = defaultdict(lambda: defaultdict(list))
    strangers: dict[str, int] = defaultdict(int)
    not_images = list(source.unread)
    tables = []
    for file in source.files:
        folder, _, name = file.path.rpartition("/")
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in _TABLE_SUFFIXES:
            tables.append(file.path)
        elif suffix not in IMAGE_SUFFIXES or is_hidden(PurePosixPath(file.path)):
            not_images.append(file.path)
        else:
            if folder not in homes:
                homes[folder] = _home(folder, forms)
            home = homes[folder]
            if home is None:
                strangers[folder] += 1
            else:
                found[home[0]][home[1]].append(file)
    for gm, folders in found.items():
        if len(folders) > 1:
            raise SourceError(
                f"{source.location}: {len(folders)} folders fit the GM {gm}: "
                f"{', '.join(shown(folder) for folder in sorted(folders)[:3])}. "
                "Keep one, and rename or remove the others."
            )
    return Listing(
        gms={
            gm: GMFiles(gm, folder, tuple(sorted(files, key=lambda file: _natural(file.path))))
            for gm in benchmark.index
            for folder, files in found.get(gm, {}).items()
        },
        unknown_folders={
            folder: (count, tuple(nearest_names(folder.rpartition("/")[2], benchmark.index)))
            for folder, count in sorted(strangers.items())
        },
        not_images=tuple(sorted(not_images)),
        csv_files=tuple(tables),
    )


def is_hidden(path: PurePath) -> bool:
    """Returns whether a file is not for people, such as what a Mac puts beside each image.

    Args:
        path: Its path inside the folder or archive that was given.
    """
    named = (part for part in path.parts if part != "..")
    return any(part.startswith(".") or part == "__MACOSX" for part in named)


def _home(folder: str, forms: dict[str, str]) -> tuple[str, str] | None:
    """Returns the GM that a folder belongs to and the GM's own folder: the deepest that matches."""
    parts = folder.split("/")
    for depth in range(len(parts), 0, -1):
        gm = forms.get(plain_form(parts[depth - 1]))
        if gm is not None:
            return gm, "/".join(parts[:depth])
    return None


def _natural(name: str) -> tuple[list[str | tuple[int, str]], str]:
    """Returns a sort key that puts `img2` before `img10`; the name itself breaks ties."""
    parts: list[str | tuple[int, str]] = []
    for index, part in enumerate(re.split(r"([0-9]+)", name.casefold())):
        digits = part.lstrip("0")
        # Numbers are compared by length, then by digits: unlike with `int`, neither is limited.
        parts.append((len(digits), digits) if index % 2 else part)
    return parts, name
