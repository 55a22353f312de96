"""What has been done of a long run: `manifest.json`, or one such file per machine if several.

A part is done if and only if its file exists. The manifest describes what is in it: it is what
people and programs read, and saves reading the parts again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gmbench.files import WriteError, json_text, parse_json, write_whole
from gmbench.parsing.parts import PartRecord
from gmbench.parsing.work import Part, Work, part_path

_EVERY = 10.0
"""Seconds between two writes of a manifest, which takes 15 MB for 100,000 parts."""


def manifest_path(folder: Path, shard: tuple[int, int]) -> Path:
    """Returns the path of a machine's manifest; `manifest.json` if there is only one machine."""
    number, of = shard
    return folder / ("manifest.json" if of == 1 else f"manifest-{number}-of-{of}.json")


class Manifest:
    """Keeps the records of a machine's parts.

    Args:
        work: The run.
        shard: Number of the machine, from 0, and the number of machines.
        about: What else the manifest states about the run.

    Attributes:
        records: Records of the parts that are done, by number.
        rows: Total number of their rows.
        failures: Total number of their failures.
        unread: Why a file of many images could not be reached, by the number of its part.
    """

    def __init__(self, work: Work, shard: tuple[int, int], about: Mapping[str, Any]) -> None:
        self._work, self._shard, self._about = work, shard, about
        self._written = time.monotonic()
        self.records: dict[int, PartRecord] = {}
        self.rows, self.failures = 0, 0
        self.unread: dict[int, str] = {}

    def find_done(self, parts: Iterable[Part]) -> list[Part]:
        """Records the parts whose files exist, and returns the others.

        Raises:
            WriteError: A file is not the one that was written.
        """
        known = _known(self._work.folder)
        left = []
        for part in parts:
            path = part_path(self._work.folder, part.number)
            if not path.is_file():
                left.append(part)
                continue
            record = known.get(part.number)
            if record is None:
                record = PartRecord.of_file(path, part.number)
            elif record.bytes != path.stat().st_size:
                raise WriteError(
                    f"{path} is not the file that was written: it has another size. Delete it, "
                    "and run the same command again."
                )
            self._keep(record)
        return left

    def add(self, record: PartRecord) -> None:
        """Records a part that has been done, and writes the manifest from time to time."""
        self._keep(record)
        if time.monotonic() - self._written >= _EVERY:
            self.write()

    def _keep(self, record: PartRecord) -> None:
        self.records[record.part] = record
        self.rows += record.rows
        self.failures += record.failures

    def write(self) -> None:
        """Writes the manifest.

        Raises:
            WriteError: The manifest cannot be written.
        """
        records = [self.records[number] for number in sorted(self.records)]
        number, of = self._shard
        data = {
            **self._about,
            **self._work.facts,
            "shard": f"{number}/{of}",
            "rows": self.rows,
            "failures": self.failures,
            "unread": {str(part): self.unread[part] for part in sorted(self.unread)},
            "parts": [asdict(record) for record in records],
        }
        write_whole(manifest_path(self._work.folder, self._shard), json_text(data))
        self._written = time.monotonic()


def _known(folder: Path) -> dict[int, PartRecord]:
    """Returns the records in the manifests of all machines; an unreadable one is skipped.

    Of a part that was deleted and done again, an older manifest describes what it was.
    """
    known: dict[int, PartRecord] = {}
    for path in sorted(folder.glob("manifest*.json"), key=lambda path: path.stat().st_mtime_ns):
        try:
            for one in parse_json(path.read_text(encoding="utf-8"))["parts"]:
                known[int(one["part"])] = PartRecord(**one)
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return known
