"""Reports what a source was found to hold, accounting for every file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.listing import Listing
from gmbench.data.shards import ShardRecord
from gmbench.data.sources import shown
from gmbench.errors import DatasetError, SourceError
from gmbench.files import json_text, parse_json
from gmbench.predictions.checks import Checklist
from gmbench.wording import plural

INSPECTION = "inspection.json"


@dataclass(frozen=True, slots=True)
class GMCount:
    """Images of one GM.

    Attributes:
        folder: Its folder in the source; empty if there is none.
        expected: Number of images that the benchmark has.
        found: Number of image files in the folder.
        kept: Number of images in the dataset; None if nothing has been decoded yet.
    """

    folder: str
    expected: int
    found: int
    kept: int | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """The whole report.

    Attributes:
        benchmark: Name of the benchmark to be built.
        version: Its version.
        decoded: Whether the images were decoded; if not, only the list of files was examined.
        checklist: One check per kind of finding, always all of them, in a fixed order; each names
            everything that was found. A failed check stops a build unless missing images are
            allowed; a warning never does.
        gms: Counts by GM name, in the benchmark's order.
    """

    benchmark: str
    version: str
    decoded: bool
    checklist: Checklist
    gms: Mapping[str, GMCount]

    @property
    def n_gms(self) -> int:
        """Number of GMs that have images in the dataset."""
        return sum(bool(count.kept) for count in self.gms.values())

    @property
    def n_images(self) -> int:
        """Number of images in the dataset."""
        return sum(count.kept or 0 for count in self.gms.values())

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON-serialisable data; `from_dict` reads it back."""
        return {
            "benchmark": self.benchmark,
            "version": self.version,
            "decoded": self.decoded,
            "n_gms": self.n_gms,
            "n_images": self.n_images,
            **self.checklist.to_dict(),
            "gms": {gm: asdict(count) for gm, count in self.gms.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Inspection:
        """Reads a report back from the data that `to_dict` returned.

        Raises:
            KeyError: A key is missing.
            ValueError: A status is unknown.
            TypeError: A count is missing, or a value is not a mapping.
        """
        return cls(
            benchmark=data["benchmark"],
            version=data["version"],
            decoded=data["decoded"],
            checklist=Checklist.from_dict(data, keeps_all=True),
            gms={gm: GMCount(**count) for gm, count in data["gms"].items()},
        )

    def text(self) -> str:
        """Returns the report as the text of a JSON file."""
        return json_text(self.to_dict())


def read_inspection(folder: Path) -> Inspection:
    """Reads the report of a built dataset.

    Raises:
        DatasetError: It is missing or damaged.
    """
    path = folder / INSPECTION
    try:
        return Inspection.from_dict(parse_json(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path} is damaged, or of another version ({type(error).__name__}). Build the dataset "
            "again with --overwrite."
        ) from error


class IncompleteSourceError(SourceError):
    """Images are missing, empty or corrupt, and this was not allowed.

    Attributes:
        inspection: The full report.
    """

    exit_code = 1

    def __init__(self, message: str, inspection: Inspection) -> None:
        super().__init__(message)
        self.inspection = inspection


_STOPPING = {
    "missing_gms": ("GM", "of the benchmark without a folder of images"),
    "missing_images": ("GM", "with fewer images than the benchmark has"),
    "empty_files": ("image file", "without a byte, left out"),
    "corrupt_images": ("image file", "that cannot be decoded, left out"),
}
_TOLD = {
    "surplus_images": ("image", "beyond the benchmark's number, left out"),
    "duplicates": ("image", "with the same bytes as an earlier one, kept"),
    "unknown_folders": ("folder", "of images whose name fits no GM, left out"),
    "not_images": ("file", "other than images, left out"),
    "csv_files": ("table", "not read: the labels are the benchmark's own"),
}
"""What each check counts, and what it says of that."""

_NEED_DECODING = ("corrupt_images", "duplicates")
_REMEDIES = {
    "unknown_folders": "Call each folder like its GM; for GMs of your own give --gms FILE.csv.",
}
_REMEDY = "Complete the images, or give --allow-missing to build what is there."


def _checklist(
    source: str, found: Mapping[str, list[str]], looked_at: Collection[str]
) -> Checklist:
    """Makes the checks for everything that a source can be found to hold.

    Args:
        source: What is checked.
        found: The findings, one line each, by the name of the check.
        looked_at: Names of the checks that were made.
    """
    checklist = Checklist(source, keeps_all=True)
    for name, (what, meaning) in {**_STOPPING, **_TOLD}.items():
        offenders = found.get(name, [])
        message = f"{plural(len(offenders), what)} {meaning}"
        if name not in looked_at:
            checklist.skipped(name, "no image was read yet")
        elif not offenders:
            checklist.passed(name, message)
        elif name in _STOPPING:
            checklist.failed(name, message, _REMEDY, offenders)
        else:
            checklist.warned(name, message, offenders, _REMEDIES.get(name, ""))
    return checklist


def inspect(
    benchmark: Benchmark, listing: Listing, records: Mapping[str, ShardRecord] | None
) -> Inspection:
    """Makes the report.

    Args:
        benchmark: The benchmark to be built.
        listing: The files, grouped by GM.
        records: The result for each GM that has files, by GM name; None before images are read.
    """
    expected = dict(zip(benchmark.index, benchmark.n_images, strict=True))
    gms: dict[str, GMCount] = {}
    found: dict[str, list[str]] = defaultdict(list)
    for gm, wanted in expected.items():
        files = listing.gms.get(gm)
        record = records.get(gm) if records is not None else None
        if files is None:
            gms[gm] = GMCount("", wanted, 0, None if records is None else 0)
            if wanted:
                found["missing_gms"].append(f"{gm}: no folder with images has its name")
            continue
        empty = [file for file in files.files if file.size == 0]
        usable = len(files.files) - len(empty)
        kept = record.n_images if record else None
        gms[gm] = GMCount(shown(files.folder), wanted, len(files.files), kept)
        available = min(usable, wanted) if kept is None else kept
        if available < wanted:
            none = (
                f"; none of its {plural(usable, 'file')} can be decoded"
                if kept == 0 < usable
                else ""
            )
            found["missing_images"].append(f"{gm}: {available:,} of {wanted:,}{none}")
        found["empty_files"] += [f"{shown(file.path)}: 0 bytes" for file in empty]
        if record:
            found["corrupt_images"] += [
                f"{shown(files.folder)}/{name}: {why}" for name, why in record.corrupt
            ]
            surplus = record.surplus
        else:
            surplus = tuple(files.name_of(one) for one in files.files if one.size)[wanted:]
        found["surplus_images"] += [
            f"{shown(files.folder)}/{name}: more than {wanted:,} of {gm}" for name in surplus
        ]
    if records is not None:
        found["duplicates"] = list(_duplicates(records))
    found["unknown_folders"] = [
        f"{shown(folder) or '(top level)'}: images: {count:,}"
        + (f"; nearest: {', '.join(near)}" if near else "")
        for folder, (count, near) in listing.unknown_folders.items()
    ]
    found["not_images"] = [f"{shown(path)}: not read" for path in listing.not_images]
    found["csv_files"] = [f"{shown(path)}: not read" for path in listing.csv_files]
    return Inspection(
        benchmark=benchmark.name,
        version=benchmark.version,
        decoded=records is not None,
        checklist=_checklist(
            f"images of {benchmark.name}",
            found,
            [n for n in (*_STOPPING, *_TOLD) if records is not None or n not in _NEED_DECODING],
        ),
        gms=gms,
    )


def _duplicates(records: Mapping[str, ShardRecord]) -> Iterable[str]:
    """Yields a line for each image whose bytes occurred before, naming the first that has them."""
    first: dict[str, str] = {}
    for gm, record in records.items():
        for name, digest in zip(record.names, record.digests, strict=True):
            here = f"{gm}/{name}"
            earlier = first.setdefault(digest, here)
            if earlier != here:
                where = "same GM" if earlier.startswith(f"{gm}/") else "another GM"
                yield f"{here}: same bytes as {earlier} ({where})"
