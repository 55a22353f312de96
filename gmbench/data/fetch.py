"""Fetches the archive of images that the paper's authors host, and records what was received.

No checksum of the archive is published. Its SHA-256 and size are therefore recorded beside it on
the first fetch, and every later fetch is compared with that record: a file that the host replaces
silently is noticed, and the earlier one is kept.
"""

from __future__ import annotations

import json
import shlex
import zipfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gmbench.data.checksums import sha256_of
from gmbench.data.download import check_address, download, page_title
from gmbench.errors import HubError, SourceError, UnknownNameError
from gmbench.files import LOCK, alone_in, parse_json, rename_durably, write_durably
from gmbench.progress import Progress

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", ".zip"),
    (0, b"\x1f\x8b", ".tar.gz"),
    (0, b"BZh", ".tar.bz2"),
    (0, b"\xfd7zXZ\x00", ".tar.xz"),
    (257, b"ustar", ".tar"),
    (0, b"Rar!\x1a\x07", ".rar"),
    (0, b"7z\xbc\xaf\x27\x1c", ".7z"),
)
_TO_UNPACK = (".rar", ".7z")
_SUFFIXES = tuple(suffix for _, _, suffix in _MAGIC)
_START = 4096


@dataclass(frozen=True, slots=True)
class Archive:
    """A hosted archive of images.

    Attributes:
        name: The benchmark that is built from it.
        page: URL for downloading it in a browser.
        address: URL for downloading it with a program.
    """

    name: str
    page: str
    address: str


_RED116 = "1bAmC_9aMkWJB_scGvOOWvNeLa9FBoMUr"

ARCHIVES: dict[str, Archive] = {
    "red116": Archive(
        name="red116",
        page=f"https://drive.google.com/file/d/{_RED116}/view",
        address=f"https://drive.google.com/uc?id={_RED116}",
    )
}


@dataclass(frozen=True, slots=True)
class Record:
    """What is known about a fetched file; stored as `FILE.json` beside it.

    Attributes:
        url: Where it came from; empty if it was put there by hand.
        date: When, in UTC, in the format of ISO 8601.
        sha256: Its checksum, in hexadecimal digits.
        bytes: Its size.
    """

    url: str
    date: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The result of a fetch.

    Attributes:
        file: The archive.
        record: What is known about it.
        downloaded: Whether it was downloaded just now; otherwise it already existed and is sound.
        changed_from: The record of an earlier file that differs from this one, if there is one.
        next_step: What to do next, with the command.
    """

    file: Path
    record: Record
    downloaded: bool
    changed_from: Record | None
    next_step: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as plain data, for JSON."""
        return asdict(self) | {"file": str(self.file)}


def get_archive(name: str) -> Archive:
    """Returns the hosted archive of a benchmark.

    Raises:
        UnknownNameError: No archive of that name is hosted.
    """
    try:
        return ARCHIVES[name]
    except KeyError:
        hosted = ", ".join(ARCHIVES)
        raise UnknownNameError("Archive", name, ARCHIVES, f"There is: {hosted}.") from None


def fetch_archive(
    archive: Archive,
    out: Path,
    *,
    url: str | None = None,
    again: bool = False,
    progress: Progress | None = None,
    timeout: float = 60.0,
) -> FetchResult:
    """Fetches an archive into a folder, or checks the one that is already there.

    An interrupted transfer is resumed. The file gets its final name only when it is complete and
    an archive.

    Args:
        archive: What to fetch.
        out: Folder for the archive; created if needed.
        url: A mirror to use instead of the authors' host.
        again: Whether to fetch the archive even if it exists, to see whether the host's copy has
            changed.
        progress: Called while bytes arrive.
        timeout: Seconds to wait for the host at any time.

    Raises:
        HubError: The host refused, could not be reached, or sent something else; the message says
            how to fetch the archive by hand.
        SourceError: The folder cannot be used, the disk is full, or the existing file is not the
            one that was fetched.
    """
    if url is not None:
        check_address(url)
    # Not NAME.partial, in which `gmbench data build --out NAME` works.
    arriving = out / f"{archive.name}.archive.partial"
    try:
        out.mkdir(parents=True, exist_ok=True)
        present = next((file for file in _candidates(archive, out) if file.is_file()), None)
        if present is not None and not again:
            return _check_present(archive, present)
        arriving.mkdir(exist_ok=True)
    except OSError as error:
        raise SourceError(
            f"{out} cannot be used as a folder: {error.strerror}. Give another --out."
        ) from error
    busy = SourceError(
        f"Another fetch is at work in {arriving}. Wait for it, or give another --out."
    )
    with alone_in(arriving, busy):
        try:
            whole = download(url or archive.address, arriving, progress, timeout=timeout)
            suffix, fault = _kind_of(whole)
            if fault:
                # The next attempt must not take it for the beginning of the archive.
                _clear(arriving)
                raise HubError(f"What the host sent is {fault}, not the archive.")
        except HubError as error:
            raise HubError(f"{error}\n{by_hand(archive, out)}") from error
        record = _describe(whole, url or archive.address)
        before = _set_aside(archive, out, record)
        target = out / f"{archive.name}{suffix}"
        rename_durably(whole, target)
        _write_record(target, record)
        _clear(arriving)
    return FetchResult(target, record, True, before, _next_step(archive, target))


def by_hand(archive: Archive, out: Path) -> str:
    """Returns how to fetch by hand an archive that could not be fetched by program."""
    file = out / f"{archive.name}.zip"
    return (
        "To fetch it by hand:\n"
        f"  1. open {archive.page} in a browser and download the file;\n"
        f"  2. put it at {file}\n"
        f"     (or .tar, .tar.gz: as it is called);\n"
        f"  3. run `{_next_step(archive, file)}`.\n"
        f"From a mirror: `gmbench data fetch {archive.name} --url URL`."
    )


def _next_step(archive: Archive, file: Path) -> str:
    images = file.with_name(archive.name) if file.suffix in _TO_UNPACK else file
    command = f"gmbench data build --benchmark {archive.name} --images {shlex.quote(str(images))}"
    if file.suffix in _TO_UNPACK:
        return f"unpack {file} into {images}, then {command}"
    return command


def _candidates(archive: Archive, out: Path) -> list[Path]:
    return [out / f"{archive.name}{suffix}" for suffix in _SUFFIXES]


def _check_present(archive: Archive, file: Path) -> FetchResult:
    known = _read_record(file)
    if known is None:
        _, fault = _kind_of(file)
        if fault:
            raise SourceError(f"{file} is {fault}, not an archive. Delete it and fetch it again.")
        known = _describe(file, "")
        _write_record(file, known)
    elif _describe(file, known.url).sha256 != known.sha256:
        raise SourceError(
            f"{file} is not the file that was fetched on {known.date[:10]}: its SHA-256 differs "
            f"from {file.name}.json. Put that file back, or fetch it again with --again."
        )
    return FetchResult(file, known, False, None, _next_step(archive, file))


def _set_aside(archive: Archive, out: Path, record: Record) -> Record | None:
    """Renames an earlier file that differs from the new one; returns what is known about it."""
    before = None
    for file in _candidates(archive, out):
        known = _read_record(file)
        if file.is_file():
            lying = _describe(file, "")
            # A record of other bytes says nothing about the file that exists.
            known = known if known is not None and known.sha256 == lying.sha256 else lying
        if known is None or known.sha256 == record.sha256:
            continue
        before = known
        aside = file.with_name(f"{archive.name}-{known.sha256[:8]}{file.name[len(archive.name) :]}")
        if file.is_file():
            rename_durably(file, aside)
        _write_record(aside, known)
        _record_of(file).unlink(missing_ok=True)
    return before


def _kind_of(file: Path) -> tuple[str, str]:
    """Returns the suffix of an archive, and what is wrong with the file, if anything."""
    with file.open("rb") as opened:
        start = opened.read(_START)
    for offset, magic, suffix in _MAGIC:
        if start[offset : offset + len(magic)] == magic:
            whole = suffix != ".zip" or zipfile.is_zipfile(file)
            return suffix, "" if whole else "a ZIP whose end is missing"
    title = page_title(start)
    return "", f"a web page ({title})" if title else f"neither ZIP nor TAR (begins {start[:8]!r})"


def _clear(arriving: Path) -> None:
    for path in arriving.iterdir():
        if path.name != LOCK:
            path.unlink()


def _describe(file: Path, url: str) -> Record:
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return Record(url, date, sha256_of(file), file.stat().st_size)


def _record_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _write_record(file: Path, record: Record) -> None:
    write_durably(_record_of(file), json.dumps(asdict(record), indent=2) + "\n")


def _read_record(file: Path) -> Record | None:
    path = _record_of(file)
    if not path.is_file():
        return None
    try:
        return Record(**parse_json(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise SourceError(
            f"{path} is not a record of a fetch ({type(error).__name__}). Delete it and try again."
        ) from error
