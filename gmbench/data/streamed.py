"""One image of a stream of images, and which files hold many of them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from gmbench.data.remote import WEB

TARS = (".tar", ".tar.gz", ".tgz")
PARQUET = ".parquet"


@dataclass(frozen=True, slots=True)
class Streamed:
    """The bytes of an image file, or why there are none.

    Attributes:
        name: Which image it is.
        data: The bytes; empty where they cannot be had.
        fault: Why not; empty where they can.
    """

    name: str
    data: bytes
    fault: str = ""


def is_shard(name: str) -> bool:
    """Returns whether a name is that of a file of many images: a TAR or Parquet."""
    return ending_of(name).endswith((*TARS, PARQUET))


def ending_of(name: str) -> str:
    """Returns what a path or an address ends with, in small letters, without a query."""
    path = urlsplit(name).path if name.startswith(WEB) else name
    return path.casefold()
