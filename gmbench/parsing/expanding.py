"""Expands what a user names into names of files: image files, and files of many images.

A source is a folder, a file, an address on the web or on the Hub, or a pattern such as
`shards-{000..127}.tar`; a list is a file with one of these per line. Names are yielded one by one,
so that even a long list is never held in memory, and in an order independent of the machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from gmbench.data.image_shards import PARQUET, TARS
from gmbench.data.listing import IMAGE_SUFFIXES
from gmbench.data.remote import HUB, WEB, hub_files, told_by_hub
from gmbench.errors import SourceError, printable
from gmbench.parsing.work import FACTS
from gmbench.predictions.parts import PARTS

_RANGE = re.compile(r"\{(\d{1,18})\.\.(\d{1,18})\}")
_KINDS = {"datasets/": "dataset", "spaces/": "space", "": "model"}
_ON_HUB = re.compile(
    # The branches of converted files and of pull requests have slashes in their names.
    r"(datasets/|spaces/|(?!datasets/|spaces/))([^/@]+/[^/@]+)"
    r"(?:@(refs/(?:convert|pr)/[^/]+|[^/]*))?(/.*)?"
)
_HUB_REMEDY = "Check the name, such as hf://datasets/ORG/NAME, and your access (`hf auth login`)."
_ENDINGS = (*IMAGE_SUFFIXES, *TARS, PARQUET)


def names_of(sources: Sequence[str], lists: Sequence[Path] = ()) -> Iterator[str]:
    """Yields the names of image files and of files of many images, source by source.

    Args:
        sources: What a user named.
        lists: Text files with one source per line; empty lines are ignored.

    Raises:
        SourceError: A folder or repository holds no image, or a source or list does not exist.
        HubError: The Hub did not answer.
    """
    # The Hub is asked once for each branch, however many of its files a list names.
    _commit.cache_clear()
    for source in sources:
        yield from _expanded(source)
    for path in lists:
        try:
            # Notepad begins a file with a mark that is no part of the first name.
            with path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
                for line in lines:
                    if "\0" in line:
                        raise SourceError(
                            f"{path} holds NUL bytes, such as `find -print0` writes. Give a text "
                            "file with a path or an address a line."
                        )
                    if line.strip():
                        yield from _expanded(line.strip(), listed=True)
        except OSError as error:
            raise SourceError(
                f"{path} cannot be read as a list ({error.strerror or error}). Give a text file "
                "with a path or an address a line."
            ) from error


def _expanded(source: str, *, listed: bool = False) -> Iterator[str]:
    if "\n" in source:
        raise SourceError(f"{printable(source)} has a line break in its name. Rename it.")
    try:
        yield from _named(source, listed=listed)
    except OSError as error:
        raise SourceError(
            f"{printable(source)} cannot be read ({error.strerror or error}). Give what you may "
            "read, or leave it out."
        ) from error


def _named(source: str, *, listed: bool) -> Iterator[str]:
    if source.startswith(WEB):
        yield from _counted_out(source)
    elif source.startswith(HUB):
        for one in _counted_out(source):
            yield from _on_hub(one)
    elif listed and _is_file_name(source):
        # A list may have millions of lines: whether each file exists shows when it is read.
        yield source
    else:
        # A file may have braces in its name.
        for one in [source] if os.path.lexists(source) else _counted_out(source):
            yield from _here(Path(one))


def _is_file_name(source: str) -> bool:
    """Returns whether a line of a list is taken for one file as it stands."""
    if not Path(source).suffix or _RANGE.search(source):
        return False
    return source.casefold().endswith(_ENDINGS) or not Path(source).is_dir()


def _counted_out(pattern: str) -> Iterator[str]:
    """Yields the names that `{000..127}` stands for in a shell, where `{3..1}` counts down."""
    found = _RANGE.search(pattern)
    if found is None:
        yield pattern
        return
    first, last = int(found[1]), int(found[2])
    # A leading zero asks for as many digits in all of them.
    width = max(len(end) if end.startswith("0") else 1 for end in found.groups())
    step = 1 if first <= last else -1
    for number in range(first, last + step, step):
        name = f"{number:0{width}}"
        yield from _counted_out(pattern[: found.start()] + name + pattern[found.end() :])


def _here(path: Path) -> Iterator[str]:
    if not path.is_dir():
        if not path.is_file():
            raise SourceError(
                f"{path} is not there. Give image files, folders, TAR or Parquet files, addresses, "
                "or a list of them (--list)."
            )
        yield path.as_posix()
        return
    empty = True
    for inside in _walked(path):
        empty = False
        yield inside
    if empty:
        raise SourceError(f"{path} holds no image. Give image files, or a folder of them.")


def _walked(folder: Path) -> Iterator[str]:
    """Yields files at any depth, those of a folder by name before those of its subfolders.

    The parts of a long run are no images: its folder may be in that of the images, or be the same.
    """
    folders: list[str] = []
    is_run = (folder / FACTS).is_file()
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 - a million names as paths take a GB
        inside = folder / name
        if name.startswith(".") or (is_run and name == PARTS):
            continue
        if inside.is_dir() and not inside.is_symlink():
            folders.append(name)
        elif name.casefold().endswith(_ENDINGS):
            if "\n" in name:
                raise SourceError(f"{printable(str(inside))} has a line break in its name.")
            yield inside.as_posix()
    for name in folders:
        yield from _walked(folder / name)


def _on_hub(address: str) -> Iterator[str]:
    """Yields the files of a repository, folder or pattern on the Hub, at its current commit."""
    try:
        found = _found_on_hub(address)
    except SourceError as error:
        raise SourceError(f"{address}: {error}. {_HUB_REMEDY}") from error
    kept = [one for one in found if one.casefold().endswith(_ENDINGS)]
    if not kept:
        raise SourceError(f"{address} holds no image, TAR or Parquet file. {_HUB_REMEDY}")
    yield from (f"{HUB}{one}" for one in kept)


def _found_on_hub(address: str) -> list[str]:
    with told_by_hub(address):
        path = _of_commit(address.removeprefix(HUB))
        if any(sign in path for sign in "*?["):
            return sorted(hub_files().glob(path))
        if path.casefold().endswith(_ENDINGS):
            return [path]
        return sorted(hub_files().find(path))


def _of_commit(path: str) -> str:
    """Returns a path on the Hub with the current commit of its branch, as a branch moves on."""
    found = _ON_HUB.fullmatch(path)
    if found is None:
        raise FileNotFoundError(path)
    folder, name, revision, inside = found.groups(default="")
    return f"{folder}{name}@{_commit(name, _KINDS[folder], unquote(revision) or None)}{inside}"


@cache
def _commit(name: str, kind: str, revision: str | None) -> str:
    from huggingface_hub import HfApi

    return str(HfApi().repo_info(name, repo_type=kind, revision=revision).sha)
