"""A host of files on 127.0.0.1, as those that lists of addresses lead to."""

from __future__ import annotations

import gzip
from typing import Any, ClassVar

from tests.data.local_server import Handler, LocalServer, Refusal


class _FileHandler(Handler):
    host: ImageHost

    def route(self, method: str, path: str) -> Any:
        if path not in self.host.files:
            raise Refusal(404, "Not Found")
        kind = "text/html" if path.endswith(".html") else "application/octet-stream"
        content, headers = self.host.files[path], {"Content-Type": kind}
        if self.host.packs and "gzip" in self.headers.get("Accept-Encoding", ""):
            content, headers = gzip.compress(content), {**headers, "Content-Encoding": "gzip"}
        self.send(200, content, headers)


class ImageHost(LocalServer):
    """The host.

    Attributes:
        files: Content by path.
        packs: Whether it packs what it sends, where it may.
    """

    handler: ClassVar[type[Handler]] = _FileHandler

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.packs = False
