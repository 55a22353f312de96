"""The finished GMs of a build: one archive and one record each, whole or absent.

The record is written last, so a GM with a record is whole. Its key is a fingerprint of everything
that the GM depends on; a record with another key belongs to another build and is deleted.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gmbench.data.listing import GMFiles
from gmbench.data.sources import SourceFile
from gmbench.files import parse_json, rename_durably, write_durably
from gmbench.zoo.training import Outcome


@dataclass(frozen=True, slots=True)
class FinishedGM:
    """A GM that was trained or given up on.

    Attributes:
        name: Name of the GM.
        labels: The 25 label values; None if it failed.
        attempts: Every training as plain values: `seed`, `steps`, `quality`, `fault`, `spare`.
        sha256: SHA-256 over its image files, in order; empty if it failed.
        archive: Plain TAR of its images as PNG files.
        files: Where they are in the archive.
    """

    name: str
    labels: tuple[float, ...] | None
    attempts: tuple[Mapping[str, Any], ...]
    sha256: str
    archive: Path
    files: tuple[SourceFile, ...]

    @property
    def images(self) -> GMFiles:
        """The list of its images from which the dataset's shards are made."""
        return GMFiles(self.name, self.name, self.files)

    def read(self, most: int) -> list[bytes]:
        """Returns the bytes of its first image files, at most `most` of them."""
        found = []
        with self.archive.open("rb") as archive:
            for file in self.files[:most]:
                archive.seek(int(file.key))
                found.append(archive.read(file.size))
        return found


class FinishedGMs:
    """The finished GMs in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, key: str, outcome: Outcome) -> FinishedGM:
        """Writes the outcome of a GM: first its images, then the record that marks it as whole.

        Args:
            key: Fingerprint of everything that it depends on.
            outcome: The outcome to write.

        Raises:
            OSError: The disk is full, or the folder cannot be written to.
        """
        name = outcome.specification.name
        archive = self._folder / f"{name}.tar"
        files = _write_archive(archive, name, outcome.images) if outcome.images else ()
        digest = hashlib.sha256()
        for data in outcome.images:
            digest.update(data)
        record = {
            "key": key,
            "labels": outcome.labels,
            "attempts": [asdict(attempt) for attempt in outcome.attempts],
            "sha256": digest.hexdigest() if outcome.images else "",
            "files": [[file.path, file.size, file.key] for file in files],
        }
        write_durably(self._folder / f"{name}.json", json.dumps(record))
        return self._from(name, record)

    def read(self, keys: Mapping[str, str]) -> dict[str, FinishedGM]:
        """Returns the finished GMs that have the given keys, and deletes all others.

        Args:
            keys: Fingerprint of everything that a GM depends on, by its name.
        """
        found = self._having(keys)
        kept = {f"{name}.json" for name in found} | {f"{name}.tar" for name in found}
        for path in self._folder.iterdir():
            if path.name not in kept:
                path.unlink()
        return found

    def count(self, keys: Mapping[str, str]) -> int:
        """Returns how many finished GMs have the given keys; deletes nothing."""
        return len(self._having(keys))

    def _having(self, keys: Mapping[str, str]) -> dict[str, FinishedGM]:
        found = {}
        for name, key in keys.items():
            try:
                record = parse_json((self._folder / f"{name}.json").read_text(encoding="utf-8"))
                gm = self._from(name, record)
                end = max((int(file.key) + file.size for file in gm.files), default=0)
                # An archive may have been lost since, as in a copy of the folder that broke off.
                if record["key"] == key and (not end or gm.archive.stat().st_size >= end):
                    found[name] = gm
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return found

    def _from(self, name: str, record: Mapping[str, Any]) -> FinishedGM:
        return FinishedGM(
            name=name,
            labels=None if record["labels"] is None else tuple(map(float, record["labels"])),
            attempts=tuple(record["attempts"]),
            sha256=record["sha256"],
            archive=self._folder / f"{name}.tar",
            files=tuple(SourceFile(path, size, 0, key) for path, size, key in record["files"]),
        )


def _write_archive(path: Path, name: str, images: tuple[bytes, ...]) -> tuple[SourceFile, ...]:
    """Writes images as a TAR that contains nothing specific to the machine or the time."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for number, data in enumerate(images):
                member = tarfile.TarInfo(f"{name}/{number:06d}.png")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        file.flush()
        os.fsync(file.fileno())
    rename_durably(beside, path)
    with tarfile.open(path, "r:") as archive:
        return tuple(
            SourceFile(member.name, member.size, 0, member.offset_data) for member in archive
        )
