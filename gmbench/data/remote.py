"""Reads bytes from wherever they are: a local path, a web URL, or a file on the Hub.

A URL may be anyone's: requests are limited in time and in bytes. Temporary failures of a host are
retried; refusals are not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from gmbench.data.download import check_address, page_title
from gmbench.data.hub_errors import explain
from gmbench.data.image_files import MOST_BYTES
from gmbench.errors import GmbenchError, HubError, SourceError, printable
from gmbench.version import __version__

if TYPE_CHECKING:
    import requests

WEB = ("http://", "https://")
HUB = "hf://"

ABREAST = 16
"""Number of files requested at once: most of the time is spent waiting."""

PATIENCE = 60.0
"""Seconds that a file may take over all attempts."""

_ATTEMPTS = 4
_FIRST_PAUSE = 0.25
_FOR_THE_MOMENT = (408, 425, 429, 500, 502, 503, 504)
_BLOCK = 2**16


class UnreachedError(HubError):
    """A host did not deliver a file, but may do so another time."""


def is_remote(name: str) -> bool:
    """Returns whether a name refers to a file that is not on this machine."""
    return name.startswith((*WEB, HUB))


@contextmanager
def web_session() -> Iterator[requests.Session]:
    """Yields a session for requests to web hosts that keeps connections for `ABREAST` threads."""
    import requests
    from requests.adapters import HTTPAdapter

    with requests.Session() as session:
        for begin in WEB:
            session.mount(begin, HTTPAdapter(pool_connections=ABREAST, pool_maxsize=ABREAST))
        session.headers["User-Agent"] = f"gmbench/{__version__}"
        # What a host packs on its way would reach the reader of an open file packed.
        session.headers["Accept-Encoding"] = "identity"
        # No cookies: threads share the session, and no host is to recognise the user.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        yield session


def read_file(
    name: str, session: requests.Session, patience: float = PATIENCE, most: int = MOST_BYTES
) -> bytes:
    """Returns the bytes of a file.

    Args:
        name: A path, or a URL that begins with http://, https:// or hf://.
        session: A session from `web_session`.
        patience: Seconds that the file may take over all attempts.
        most: Number of bytes beyond which the file is refused.

    Raises:
        SourceError: The file does not exist, is refused, or is too large; the message is the
            reason alone.
        UnreachedError: Its host did not answer or broke off the transfer.
    """
    if name.startswith(WEB):
        return _from_web(name, session, patience, most)
    with opened(name, session) as file:
        data = file.read(most + 1)
    return _no_larger(data, most)


@contextmanager
def opened(name: str, session: requests.Session, patience: float = PATIENCE) -> Iterator[BinaryIO]:
    """Opens a file for reading from front to back; errors in reading it are reported likewise.

    Args:
        name: A path, or a URL that begins with http://, https:// or hf://.
        session: A session from `web_session`.
        patience: Seconds that its host may take to answer.

    Raises:
        SourceError: The file does not exist or is refused; the message is the reason alone.
        UnreachedError: Its host did not answer or broke off the transfer.
    """
    if name.startswith(WEB):
        with _answering(name, session, patience) as answer:
            yield cast("BinaryIO", answer.raw)
    elif name.startswith(HUB):
        with told_by_hub(name):
            file = hub_files().open(name, "rb")
        with file:
            yield cast("BinaryIO", _HubFile(name, file))
    else:
        try:
            with Path(name).open("rb") as file:
                yield file
        except OSError as error:
            raise SourceError(error.strerror or str(error)) from error


@cache
def hub_files() -> Any:
    """Returns the Hub as a file system."""
    # The import takes half a second.
    from huggingface_hub import HfFileSystem

    return HfFileSystem()


@contextmanager
def told_by_hub(name: str) -> Iterator[None]:
    """Turns errors in requesting a file from the Hub into errors of gmbench.

    Args:
        name: URL of the file, which begins with hf://.

    Raises:
        SourceError: The file is not there.
        UnreachedError: The Hub did not answer or broke off the transfer.
    """
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

    try:
        yield
    except GmbenchError:
        raise
    # Without access, the Hub does not tell whether a repository is private or does not exist.
    except (FileNotFoundError, EntryNotFoundError, RepositoryNotFoundError) as error:
        raise SourceError("it is not on the Hub, or not for this token") from error
    except Exception as error:
        endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        told = explain(error, endpoint, name.removeprefix(HUB), "Run the same command again")
        raise UnreachedError(str(told)) from error


class _HubFile:
    """A file on the Hub; errors in reading it are reported like those in opening it."""

    closed = False

    def __init__(self, name: str, file: Any) -> None:
        self._name, self._file = name, file

    def read(self, size: int = -1) -> bytes:
        with told_by_hub(self._name):
            return bytes(self._file.read(size))

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Does nothing: whoever opened the file closes it."""


def _from_web(name: str, session: requests.Session, patience: float, most: int) -> bytes:
    until = time.monotonic() + patience
    for attempt in range(_ATTEMPTS):
        left = until - time.monotonic()
        try:
            with _answering(name, session, left) as answer:
                return _read_in_time(answer, until, most)
        except UnreachedError:
            pause = _FIRST_PAUSE * 2**attempt
            if attempt + 1 == _ATTEMPTS or time.monotonic() + pause >= until:
                raise
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


@contextmanager
def _answering(
    name: str, session: requests.Session, patience: float
) -> Iterator[requests.Response]:
    import requests
    from urllib3.exceptions import HTTPError

    try:
        check_address(name)
        with session.get(name, stream=True, timeout=max(0.1, patience)) as answer:
            said = f"the host answers {answer.status_code} {printable(answer.reason or '')}".strip()
            if answer.status_code in _FOR_THE_MOMENT:
                raise UnreachedError(said)
            if answer.status_code != 200:
                raise SourceError(said)
            yield answer
    except (requests.exceptions.Timeout, requests.exceptions.ConnectionError) as error:
        in_time = isinstance(error, requests.exceptions.Timeout)
        why = "does not answer in time" if in_time else "cannot be reached, or broke off"
        raise UnreachedError(f"the host {why}") from error
    except (requests.exceptions.ChunkedEncodingError, HTTPError) as error:
        raise UnreachedError("the host broke off") from error
    except requests.exceptions.RequestException as error:
        raise SourceError(f"the address cannot be asked ({type(error).__name__})") from error


def _read_in_time(answer: requests.Response, until: float, most: int) -> bytes:
    parts, size = [], 0
    for block in answer.iter_content(_BLOCK):
        parts.append(block)
        size += len(block)
        if size > most:
            break
        if time.monotonic() > until:
            raise UnreachedError("the host does not send it in time")
    data = _no_larger(b"".join(parts), most)
    # Many hosts answer with a web page and a success status if there is no such file.
    if title := page_title(data[:_BLOCK]):
        raise SourceError(f"a web page ({printable(title)}), no image")
    return data


def _no_larger(data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise SourceError(f"more than {most:,} bytes")
    return data
