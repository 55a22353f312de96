"""The work of a long run: the list of its images, split into parts that are done one by one.

The list is kept in the folder of the run and compared with that of every later call: parts are
numbered by it, so another list would mix up results. Machines that share the folder make the same
list, and each takes its own parts.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gmbench.data.image_shards import is_shard
from gmbench.errors import GmbenchError
from gmbench.files import WriteError, json_text, parse_json, rename_durably, write_durably
from gmbench.predictions.parts import PARTS

LIST = "run/images.txt"
FACTS = "run/run.json"

_FORMAT = 1
_MEANING = {
    "parser_sha256": "parses by another parser ({parser})",
    "list_sha256": "parses of other images ({sources})",
    "part_images": "parts of another size (--part-images {part_images})",
    "format": "what another version of gmbench wrote",
}
"""What a folder holds if one of its facts differs from that of the call."""


class WorkError(GmbenchError):
    """The folder of a long run does not match what is asked."""


@dataclass(frozen=True, slots=True)
class Part:
    """Images that are parsed together, into one file.

    Attributes:
        number: Number of the part, from 0.
        start: Byte of the list at which its names begin.
        names: Number of its names: one if it is that of a file of many images.
    """

    number: int
    start: int
    names: int


@dataclass(frozen=True)
class Work:
    """A long run.

    Attributes:
        folder: Folder of the run.
        facts: What it was started with: parser, sources, size of the parts, the list's SHA-256.
        parts: All of its parts.
        n_images: Number of its images; None if files of many images are among them.
    """

    folder: Path
    facts: Mapping[str, Any]
    parts: tuple[Part, ...]
    n_images: int | None

    def of_shard(self, shard: tuple[int, int]) -> list[Part]:
        """Returns the parts that one of several machines takes.

        Args:
            shard: Number of the machine, from 0, and the number of machines.
        """
        number, of = shard
        return [part for part in self.parts if part.number % of == number]


def begin(folder: Path, names: Iterable[str], part_images: int, facts: Mapping[str, Any]) -> Work:
    """Starts a run, or finds it already started.

    Args:
        folder: Folder of the run; created if needed.
        names: Names of image files and of files of many images; each of the latter is a part.
        part_images: Number of image files of a part.
        facts: `parser_sha256`, and for display `parser` and `sources`.

    Raises:
        WorkError: The folder holds a run of another parser, of other images, or of other parts.
        WriteError: The folder cannot be written to.
    """
    place = folder / LIST
    beside = place.with_name(f".{place.name}.{socket.gethostname()}.{os.getpid()}")
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        try:
            parts, n_images, sha256 = _write_list(beside, names, part_images)
            whole = {
                "format": _FORMAT,
                **facts,
                "part_images": part_images,
                "list_sha256": sha256,
                "n_parts": len(parts),
                "n_images": n_images,
            }
            if not (folder / FACTS).is_file():
                if any((folder / PARTS).glob("part-*")):
                    raise WorkError(f"{folder} holds parts of no known run. Give another --out.")
                rename_durably(beside, place)
                write_durably(folder / FACTS, json_text(whole))
            # Read again in any case: another machine may have been first.
            _compare(folder, whole)
        finally:
            beside.unlink(missing_ok=True)
            _leave_no_empty(folder)
    except OSError as error:
        raise WriteError(
            f"{folder} cannot be written to ({error.strerror or error}). Give another --out, or "
            "make room."
        ) from error
    return Work(folder, whole, tuple(parts), n_images)


def names_of_part(folder: Path, part: Part) -> list[str]:
    """Returns the names of a part.

    Raises:
        WorkError: The list no longer exists, or has become shorter.
    """
    try:
        with (folder / LIST).open("rb") as file:
            file.seek(part.start)
            lines = [file.readline() for _ in range(part.names)]
    except OSError as error:
        raise WorkError(
            f"{folder / LIST} cannot be read ({error.strerror}). Every machine must see the folder "
            "of the run under this path."
        ) from error
    if not all(line.endswith(b"\n") for line in lines):
        raise WorkError(f"{folder / LIST} is not the list that was written. Begin anew.")
    return [os.fsdecode(line[:-1]) for line in lines]


def _write_list(
    path: Path, names: Iterable[str], part_images: int
) -> tuple[list[Part], int | None, str]:
    parts: list[Part] = []
    at, start, own, n_images = 0, 0, 0, 0
    digest, has_shards = hashlib.sha256(), False
    with path.open("wb") as file:
        for name in names:
            line = os.fsencode(name) + b"\n"
            shard = is_shard(name)
            if own and (shard or own == part_images):
                parts.append(Part(len(parts), start, own))
                start, own = at, 0
            file.write(line)
            digest.update(line)
            at += len(line)
            own += 1
            if shard:
                parts.append(Part(len(parts), start, 1))
                start, own, has_shards = at, 0, True
            else:
                n_images += 1
        if own:
            parts.append(Part(len(parts), start, own))
        file.flush()
        os.fsync(file.fileno())
    if not parts:
        raise WorkError("There is no image to parse. Give at least one.")
    return parts, None if has_shards else n_images, digest.hexdigest()


def _compare(folder: Path, facts: Mapping[str, Any]) -> None:
    try:
        there = parse_json((folder / FACTS).read_text(encoding="utf-8"))
        differing = [name for name in _MEANING if there[name] != facts[name]]
        if not differing:
            return
        shown = {**there, "sources": _shown(there["sources"])}
        meaning = _MEANING[differing[0]].format_map(shown)
    except (ValueError, KeyError, TypeError) as error:
        raise WorkError(
            f"{folder / FACTS} is damaged ({type(error).__name__}). Give another --out."
        ) from error
    raise WorkError(
        f"{folder} holds {meaning}. Give another --out, or what the run was begun with."
    )


def _shown(sources: list[str]) -> str:
    more = f" and {len(sources) - 2} more" if len(sources) > 2 else ""
    return " ".join(map(str, sources[:2])) + more


def _leave_no_empty(folder: Path) -> None:
    """Removes the empty folders of a run that could not start."""
    for path in ((folder / LIST).parent, folder):
        if not any(path.iterdir()):
            path.rmdir()


def part_path(folder: Path, number: int) -> Path:
    """Returns the file of a part."""
    return folder / PARTS / f"part-{number:05d}.parquet"


def leftovers(folder: Path, parts: Iterable[Part]) -> Iterator[Path]:
    """Yields files left behind by processes that were killed while writing parts."""
    own = {part_path(folder, part.number).name for part in parts}
    for path in (folder / PARTS).glob(".part-*"):
        if path.name[1:].rpartition(".parquet")[0] + ".parquet" in own:
            yield path
