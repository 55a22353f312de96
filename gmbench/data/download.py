"""Downloads one file with gdown, and resumes where an earlier attempt broke off.

gdown is an optional dependency (`pip install "gmbench[fetch]"`). It handles Google Drive's
confirmation pages and accepts any other web URL. It resumes an interrupted transfer, but cannot
tell whether the host's file has changed since an earlier command, so the size is noted here, and a
file of another size is downloaded afresh.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gmbench.errors import HubError, SourceError
from gmbench.files import is_full
from gmbench.progress import Progress

_NEEDED = (6, 3)
"""The first version of gdown with `progress` and `timeout`."""


class _ChangedError(Exception):
    """The host's file is not the one that has been downloaded in part."""


def download(
    address: str, folder: Path, progress: Progress | None = None, *, timeout: float = 60.0
) -> Path:
    """Downloads a file into a folder reserved for it, resuming from what is already there.

    Args:
        address: URL of the file on Google Drive or on any host, `http` or `https`.
        folder: Folder for the file and what is known about it; must exist.
        progress: Called after every block.
        timeout: Seconds to wait for the host at any time.

    Returns:
        Path of the complete file.

    Raises:
        HubError: The URL is invalid, gdown is missing or too old, or the host refused or broke
            off; what has arrived is kept.
        SourceError: The disk is full or would be.
    """
    check_address(address)
    gdown = _load_gdown()
    import requests

    try:
        while True:
            before = _arrived(folder)
            try:
                return _attempt(gdown, address, folder, progress, timeout)
            except (gdown.exceptions.DownloadError, requests.exceptions.ConnectionError):
                if _arrived(folder) <= before:
                    raise
    except gdown.exceptions.FileURLRetrievalError as error:
        raise HubError(
            f"Google Drive does not hand the file out: {drive_reason(str(error))}"
        ) from error
    except gdown.exceptions.DownloadError as error:
        raise HubError(
            f"{address}: the transfer broke off at {_arrived(folder):,} bytes. Run the same "
            "command again: it goes on from there."
        ) from error
    except requests.exceptions.HTTPError as error:
        said = error.response
        answer = f"{said.status_code} {said.reason}" if said is not None else "with an error"
        raise HubError(f"{address}: the host answers {answer}.") from error
    except requests.exceptions.RequestException as error:
        kind = type(error).__name__
        raise HubError(f"{address}: the host cannot be reached ({kind}).") from error
    except OSError as error:
        if not is_full(error):
            raise
        raise SourceError(
            f"{folder} cannot be written: {error.strerror}. Make room, then run the same command "
            "again: it goes on from where it stopped."
        ) from error


def check_address(url: str) -> None:
    """Checks that a URL is one of the web.

    Raises:
        HubError: It is not `http` or `https`, or names no host.
    """
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or any(character.isspace() for character in url):
        raise HubError(
            f"{url!r} is not the address of a file: it must begin with http:// or https://."
        )


def check_space(folder: Path, needed: int) -> None:
    """Checks that a number of further bytes fits on the disk of a folder.

    Raises:
        SourceError: It does not.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise SourceError(
            f"{folder}: {needed / 1e9:.1f} GB are still to come, but only {free / 1e9:.1f} GB are "
            "free on this disk. Make room, or give another --out."
        )


def page_title(start: bytes) -> str | None:
    """Returns a web page's title from its first bytes, or None if they do not begin a web page."""
    text = start.decode("utf-8", errors="replace").lstrip("\ufeff \r\n\t")
    if not re.match(r"<(!doctype html|html|head|\?xml)", text, re.IGNORECASE):
        return None
    title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
    return " ".join(title[1].split()) if title else "without a title"


def drive_reason(message: str) -> str:
    """Returns what a message of gdown says about a refusal, in one or two sentences."""
    words = " ".join(message.split())
    reason = words.removeprefix("Failed to retrieve file url: ")
    reason = reason.split(" You may still be able to access")[0].split(" Check FAQ")[0]
    if any(sign in reason.casefold() for sign in ("quota", "too many users", "many accesses")):
        return (
            f"{reason.rstrip('.')}. Most often the file's daily quota is used up; a day later it "
            "works again."
        )
    return f"{reason.rstrip('.')}."


def _load_gdown() -> Any:
    try:
        import gdown
    except ImportError as error:
        raise HubError(
            'Fetching needs gdown, which is not installed: pip install "gmbench[fetch]".'
        ) from error
    version = importlib.metadata.version("gdown")
    if tuple(int(part) for part in version.split(".")[:2]) < _NEEDED:
        raise HubError(f'gdown {version} is too old: pip install --upgrade "gmbench[fetch]".')
    return gdown


def _begun(folder: Path) -> list[Path]:
    """Returns the files that gdown has kept of interrupted transfers, smallest first."""
    return sorted(folder.glob("archive*.part"), key=lambda path: path.stat().st_size)


def _arrived(folder: Path) -> int:
    """Returns how many bytes of an unfinished transfer have arrived."""
    return max((path.stat().st_size for path in _begun(folder)), default=0)


def _attempt(
    gdown: Any, address: str, folder: Path, progress: Progress | None, timeout: float
) -> Path:
    target, note = folder / "archive", folder / "bytes"
    noted = note.read_text(encoding="utf-8").strip() if note.is_file() else ""
    begun = _begun(folder)
    for further in begun[:-1]:
        further.unlink()
    arrived = False

    def follow(done: int, total: int | None) -> None:
        nonlocal arrived
        if not arrived and total is not None:
            if begun and str(total) != noted:
                raise _ChangedError
            check_space(folder, total - done)
            note.write_text(f"{total}\n", encoding="utf-8")
        arrived = True
        if progress is not None:
            progress("bytes", done, total)

    def fetch() -> None:
        gdown.download(
            url=address,
            output=str(target),
            quiet=True,
            resume=True,
            progress=follow,
            timeout=timeout,
        )

    try:
        fetch()
    except (_ChangedError, gdown.exceptions.DownloadError) as error:
        # Another file, or a host without range requests: what has arrived cannot be resumed.
        # gdown has no exception of its own for the latter, only these words.
        changed = isinstance(error, _ChangedError) or "byte range" in str(error)
        if not (begun and changed):
            raise
        begun[-1].unlink()
        begun.clear()
        fetch()
    return target
