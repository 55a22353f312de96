"""Downloads a file from Google Drive with gdown, which knows the host's confirmation pages.

gdown is an optional part (`pip install "gmbench[fetch]"`). It can go on with a transfer that broke
off but cannot tell whether the host's file has changed in between, so the size is noted here and
a file of another size is started again.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

from gmbench.data.download import Advance, check_space
from gmbench.errors import HubError, SourceError
from gmbench.files import is_full

_NEEDED = (6, 3)
"""The first gdown with `progress` and `timeout`."""


class _ChangedError(Exception):
    """The host's file is not the one that is here in part."""


def download_from_drive(
    address: str, folder: Path, advance: Advance | None = None, *, timeout: float = 60.0
) -> Path:
    """Downloads a file into a folder kept for it, going on from what is there already.

    Args:
        address: Address of the file; gdown takes other hosts' too.
        folder: Folder for the file and what is known about it; must exist.
        advance: Called after every block.
        timeout: Seconds to wait for the host at any time.

    Returns:
        The whole file.

    Raises:
        HubError: gdown is missing, or the host refused or broke off; what has arrived is kept.
        SourceError: The disk is full or would be.
    """
    gdown = load_gdown()
    import requests

    try:
        return _attempt(gdown, address, folder, advance, timeout)
    except gdown.exceptions.FileURLRetrievalError as error:
        raise HubError(
            f"Google Drive does not hand the file out: {drive_reason(str(error))}"
        ) from error
    except gdown.exceptions.DownloadError as error:
        raise HubError(
            f"{address}: the transfer broke off. Run the same command again: it goes on from there."
        ) from error
    except requests.exceptions.HTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        raise HubError(f"{address}: the host answers {status}.") from error
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


def load_gdown() -> Any:
    """Returns the module gdown.

    Raises:
        HubError: It is not installed, or too old.
    """
    try:
        import gdown
    except ImportError as error:
        raise HubError(
            'Google Drive needs gdown, which is not installed: pip install "gmbench[fetch]".'
        ) from error
    version = importlib.metadata.version("gdown")
    if tuple(int(part) for part in version.split(".")[:2]) < _NEEDED:
        raise HubError(f'gdown {version} is too old: pip install --upgrade "gmbench[fetch]".')
    return gdown


def drive_reason(message: str) -> str:
    """Returns what a message of gdown says about a refusal, in one sentence or two."""
    words = " ".join(message.split())
    reason = words.removeprefix("Failed to retrieve file url: ")
    reason = reason.split(" You may still be able to access")[0].split(" Check FAQ")[0]
    if any(sign in reason.casefold() for sign in ("quota", "too many users", "many accesses")):
        return (
            f"{reason.rstrip('.')}. Most often the file's daily quota is used up; a day later it "
            "works again."
        )
    return f"{reason.rstrip('.')}."


def _attempt(
    gdown: Any, address: str, folder: Path, advance: Advance | None, timeout: float
) -> Path:
    target, note = folder / "archive", folder / "bytes"
    noted = note.read_text(encoding="utf-8").strip() if note.is_file() else ""
    begun = sorted(folder.glob("archive*.part"), key=lambda path: path.stat().st_size)
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
        if advance is not None:
            advance(done, total)

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
        refused = isinstance(error, gdown.exceptions.FileURLRetrievalError)
        if not begun or arrived or refused:
            raise
        # What is here cannot be continued: another file, or a host without ranges.
        begun[-1].unlink()
        begun.clear()
        fetch()
    return target
