"""Downloads one file over HTTP, continues where an earlier attempt broke off, and never mixes two.

The bytes go to `part` in a folder of their own; `part.json` beside it says which version of
which address they belong to. A later attempt asks for the rest (`Range`) only on condition that
the host still has that version (`If-Range`); otherwise it starts again.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gmbench.errors import HubError, SourceError
from gmbench.files import is_full, write_durably

Advance = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes in all, where the host says how many."""

_BLOCK = 1 << 18
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_ATTEMPTS = 4
"""Attempts in a row without a byte more, after which a download is given up."""


@dataclass(frozen=True, slots=True)
class _Version:
    """What the bytes in `part` belong to."""

    url: str
    validator: str
    total: int | None


class _BrokeOffError(Exception):
    """The transfer ended too early; another attempt may go on."""


class _NoAnswerError(_BrokeOffError):
    """The host did not even begin to send; another attempt may help where one has helped before."""


class _StaleError(Exception):
    """The host no longer continues the file that is here in part."""


def download(
    url: str,
    folder: Path,
    advance: Advance | None = None,
    *,
    timeout: float = 60.0,
    pause: float = 1.0,
) -> Path:
    """Downloads a file into a folder kept for it, going on from what is there already.

    Args:
        url: Address, `http` or `https`.
        folder: Folder for the file and what is known about it; must exist.
        advance: Called after every block.
        timeout: Seconds to wait for the host at any time.
        pause: Seconds before another attempt after one that brought nothing; then twice as many.

    Returns:
        The whole file, `folder/part`.

    Raises:
        HubError: The host refused, could not be reached, or broke off again and again; what has
            arrived is kept.
        SourceError: The disk is full or would be.
    """
    check_address(url)
    part, failures, arrived = folder / "part", 0, False
    while True:
        before = _size(part)
        try:
            _continue(url, part, advance, timeout)
        except _StaleError:
            part.unlink(missing_ok=True)
            failures += 1
            reason = "the host does not go on from where the transfer stopped"
        except _BrokeOffError as error:
            if isinstance(error, _NoAnswerError) and not arrived:
                raise HubError(f"{url}: {error}.") from error
            more = _size(part) > before
            arrived, failures = arrived or more, 0 if more else failures + 1
            reason = str(error)
        else:
            return part
        if failures >= _ATTEMPTS:
            raise HubError(
                f"{url}: the transfer broke off at {_size(part)} bytes ({reason}). Run the same "
                "command again: it goes on from there."
            )
        if failures:
            time.sleep(pause * 2 ** (failures - 1))


def check_address(url: str) -> None:
    """Checks that an address is one of the web.

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
    """Checks that so many bytes more fit on the disk of a folder.

    Raises:
        SourceError: They do not.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise SourceError(
            f"{folder}: {needed / 1e9:.1f} GB are still to come, but only {free / 1e9:.1f} GB are "
            "free on this disk. Make room, or give another --out."
        )


def page_title(start: bytes) -> str | None:
    """Returns the title of a web page from its first bytes, or None if they begin no web page."""
    text = start.decode("utf-8", errors="replace").lstrip("\ufeff \r\n\t")
    if not re.match(r"<(!doctype html|html|head|\?xml)", text, re.IGNORECASE):
        return None
    title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
    return " ".join(title[1].split()) if title else "without a title"


def _continue(url: str, part: Path, advance: Advance | None, timeout: float) -> None:
    version, have = _read_version(part), _size(part)
    if version is None or version.url != url or not version.validator:
        version, have = None, 0
    elif have and have == version.total:
        return
    headers = {"User-Agent": "gmbench", "Accept-Encoding": "identity"}
    if version is not None and have:
        headers |= {"Range": f"bytes={have}-", "If-Range": version.validator}
    try:
        request = urllib.request.Request(url, headers=headers)
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            raise _StaleError from error
        if error.code == 429 or error.code >= 500:
            raise _NoAnswerError(f"the host answers {error.code} {error.reason}") from error
        raise HubError(f"{url}: the host answers {error.code} {error.reason}.") from error
    except (urllib.error.URLError, TimeoutError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise _NoAnswerError(f"the host cannot be reached ({reason})") from error
    with response:
        have = _place(response.status, response.headers, have, version)
        total = _total(response.headers, have)
        check_space(part.parent, (total or have) - have)
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        validator = "" if validator.startswith("W/") else validator
        try:
            if have == 0:
                part.unlink(missing_ok=True)
                described = asdict(_Version(url, validator, total))
                write_durably(part.with_suffix(".json"), json.dumps(described) + "\n")
            _receive(response, part, have, total, advance)
        except OSError as error:
            if is_full(error):
                raise SourceError(
                    f"{part.parent} cannot be written: {error.strerror}. Make room, then run the "
                    "same command again: it goes on from where it stopped."
                ) from error
            raise


def _place(status: int, headers: Mapping[str, str], have: int, version: _Version | None) -> int:
    """Returns the position at which the answer's bytes belong."""
    if status != 206:
        return 0
    match = _RANGE.fullmatch(headers.get("Content-Range", ""))
    if not match or int(match[1]) != have or version is None:
        raise _StaleError
    if version.total is not None and int(match[2]) != version.total:
        raise _StaleError
    return have


def _total(headers: Mapping[str, str], have: int) -> int | None:
    length = headers.get("Content-Length", "")
    return have + int(length) if length.isdecimal() else None


def _receive(
    response: http.client.HTTPResponse,
    part: Path,
    have: int,
    total: int | None,
    advance: Advance | None,
) -> None:
    with part.open("ab") as file:
        while True:
            try:
                block = response.read(_BLOCK)
            except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
                raise _BrokeOffError(str(error) or type(error).__name__) from error
            if not block:
                break
            file.write(block)
            have += len(block)
            if advance is not None:
                advance(have, total)
    if total is not None and have < total:
        raise _BrokeOffError(f"{total} bytes were announced")


def _read_version(part: Path) -> _Version | None:
    note = part.with_suffix(".json")
    try:
        return _Version(**json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # Nothing usable is noted, so nothing can be continued: it starts again.


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
