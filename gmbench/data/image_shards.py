"""Which files hold many images: TAR archives and Parquet files, recognised by their names."""

from __future__ import annotations

from urllib.parse import urlsplit

from gmbench.data.remote import WEB

TARS = (".tar", ".tar.gz", ".tgz")
PARQUET = ".parquet"


def is_shard(name: str) -> bool:
    """Returns whether a name is that of a file of many images: a TAR or Parquet file."""
    return ending_of(name).endswith((*TARS, PARQUET))


def ending_of(name: str) -> str:
    """Returns a path, or the path of a web URL without its query, in lower case."""
    path = urlsplit(name).path if name.startswith(WEB) else name
    return path.casefold()
