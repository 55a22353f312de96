"""What a source was found to hold: one report, in which every file is accounted for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.listing import Listing
from gmbench.data.shards import ShardRecord
from gmbench.data.sources import shown
from gmbench.errors import SourceError

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was found.

    Attributes:
        where: A file, a folder or a GM.
        detail: What is the matter with it.
    """

    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """All that was found of one sort.

    Attributes:
        name: Such as `corrupt_images`.
        severity: An `error` stops a build unless missing images are allowed; a `warning` never.
        meaning: One sentence for people.
        entries: What was found; empty when all is well.
    """

    name: str
    severity: Severity
    meaning: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class GMCount:
    """Images of one GM.

    Attributes:
        folder: Its folder in the source; empty when there is none.
        expected: Images that the benchmark has.
        found: Image files in the folder.
        kept: Images in the dataset; None while nothing has been decoded.
    """

    folder: str
    expected: int
    found: int
    kept: int | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """The whole report.

    Attributes:
        benchmark: Name of the benchmark that was to be built.
        version: Its version.
        decoded: Whether every image was decoded; if not, only the list of files was looked at.
        findings: One for each sort of finding, always all of them, in a fixed order.
        gms: Counts by the GM's name, in the benchmark's order.
    """

    benchmark: str
    version: str
    decoded: bool
    findings: tuple[Finding, ...]
    gms: Mapping[str, GMCount]

    @property
    def n_gms(self) -> int:
        """GMs that have images in the dataset."""
        return sum(bool(count.kept) for count in self.gms.values())

    @property
    def n_images(self) -> int:
        """Images in the dataset."""
        return sum(count.kept or 0 for count in self.gms.values())

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a build unless missing images are allowed."""
        return tuple(f for f in self.findings if f.severity == "error" and f.entries)

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as what JSON can hold; `from_dict` reads it back."""
        return {
            "benchmark": self.benchmark,
            "version": self.version,
            "decoded": self.decoded,
            "complete": not self.errors,
            "n_gms": self.n_gms,
            "n_images": self.n_images,
            "findings": [
                {
                    "name": finding.name,
                    "severity": finding.severity,
                    "meaning": finding.meaning,
                    "count": len(finding.entries),
                    "entries": [
                        {"where": entry.where, "detail": entry.detail} for entry in finding.entries
                    ],
                }
                for finding in self.findings
            ],
            "gms": {
                gm: {
                    "folder": count.folder,
                    "expected": count.expected,
                    "found": count.found,
                    "kept": count.kept,
                }
                for gm, count in self.gms.items()
            },
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Inspection:
        """Reads a report back from what `to_dict` made.

        Raises:
            KeyError: A key is missing.
        """
        return cls(
            benchmark=data["benchmark"],
            version=data["version"],
            decoded=data["decoded"],
            findings=tuple(
                Finding(
                    name=finding["name"],
                    severity=finding["severity"],
                    meaning=finding["meaning"],
                    entries=tuple(Entry(**entry) for entry in finding["entries"]),
                )
                for finding in data["findings"]
            ),
            gms={gm: GMCount(**count) for gm, count in data["gms"].items()},
        )


class IncompleteSourceError(SourceError):
    """Images are missing, empty or corrupt, and it was not said that they may be.

    Attributes:
        inspection: The full report.
    """

    exit_code = 1

    def __init__(self, message: str, inspection: Inspection) -> None:
        super().__init__(message)
        self.inspection = inspection


_FINDINGS: tuple[tuple[str, Severity, str], ...] = (
    ("missing_gms", "error", "GMs of the benchmark without a folder of images"),
    ("missing_images", "error", "GMs with fewer images than the benchmark has"),
    ("empty_files", "error", "Image files without a byte; left out"),
    ("corrupt_images", "error", "Image files that cannot be decoded; left out"),
    ("surplus_images", "warning", "Images beyond the benchmark's number; the last ones, left out"),
    ("duplicates", "warning", "Images with the same bytes as an earlier one; kept"),
    ("unknown_folders", "warning", "Folders of images whose name fits no GM; left out"),
    ("not_images", "warning", "Files that are not images; left out"),
    ("csv_files", "warning", "Tables; not read, the labels are the benchmark's own"),
)

NEEDS_DECODING = frozenset({"corrupt_images", "duplicates"})
"""What cannot be told from the list of files alone."""


def inspect(
    benchmark: Benchmark, listing: Listing, records: Mapping[str, ShardRecord] | None
) -> Inspection:
    """Makes the report.

    Args:
        benchmark: What was to be built.
        listing: The files, sorted by GM.
        records: What came of each GM that has files, by its name; None before images were read.
    """
    expected = dict(zip(benchmark.index, benchmark.n_images, strict=True))
    gms: dict[str, GMCount] = {}
    found: dict[str, list[Entry]] = defaultdict(list)
    for gm, wanted in expected.items():
        files = listing.gms.get(gm)
        record = records.get(gm) if records is not None else None
        if files is None:
            gms[gm] = GMCount("", wanted, 0, None if records is None else 0)
            if wanted:
                found["missing_gms"].append(Entry(gm, "no folder with images has its name"))
            continue
        empty = [file for file in files.files if file.size == 0]
        usable = len(files.files) - len(empty)
        kept = record.n_images if record else None
        gms[gm] = GMCount(shown(files.folder), wanted, len(files.files), kept)
        available = min(usable, wanted) if kept is None else kept
        if available < wanted:
            found["missing_images"].append(Entry(gm, f"{available:,} of {wanted:,}"))
        found["empty_files"] += [Entry(shown(file.path), "0 bytes") for file in empty]
        if record:
            found["corrupt_images"] += [
                Entry(f"{shown(files.folder)}/{name}", why) for name, why in record.corrupt
            ]
            found["surplus_images"] += [
                Entry(f"{shown(files.folder)}/{name}", f"more than {wanted:,} of {gm}")
                for name in record.surplus
            ]
        elif usable > wanted:
            found["surplus_images"].append(Entry(gm, f"{usable:,}, of which {wanted:,} are taken"))
    if records is not None:
        found["duplicates"] = list(_duplicates(records))
    found["unknown_folders"] = [
        Entry(
            shown(folder) or "(top level)",
            f"images: {count:,}" + (f"; nearest: {', '.join(near)}" if near else ""),
        )
        for folder, (count, near) in listing.unknown_folders.items()
    ]
    found["not_images"] = [Entry(shown(path), "not read") for path in listing.not_images]
    found["csv_files"] = [Entry(shown(path), "not read") for path in listing.csv_files]
    return Inspection(
        benchmark=benchmark.name,
        version=benchmark.version,
        decoded=records is not None,
        findings=tuple(
            Finding(name, severity, meaning, tuple(found[name]))
            for name, severity, meaning in _FINDINGS
        ),
        gms=gms,
    )


def _duplicates(records: Mapping[str, ShardRecord]) -> Iterable[Entry]:
    """Names each image whose bytes occurred before, and the first image that has them."""
    first: dict[str, str] = {}
    for gm, record in records.items():
        for name, digest in zip(record.names, record.digests, strict=True):
            here = f"{gm}/{name}"
            earlier = first.setdefault(digest, here)
            if earlier != here:
                where = "same GM" if earlier.startswith(f"{gm}/") else "another GM"
                yield Entry(here, f"same bytes as {earlier} ({where})")
