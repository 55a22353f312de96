"""A server for the pages, on this computer only.

Other users of this computer, and every page open in a browser on it, can send it requests. It
serves only the files of one folder, and only to requests that use this computer's own name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote

from gmbench.board.board import BoardError

HOST = "127.0.0.1"

_NAMES = (HOST, "localhost")
"""Names of this computer that requests may use. If another site's name that resolves to it (DNS
rebinding) were allowed, that site's scripts could read the responses."""

_PATIENCE = 30.0
"""Seconds that a connection may stay silent."""


class _Handler(SimpleHTTPRequestHandler):
    """Serves files with fixed content types, whatever the system's own tables say."""

    # One connection serves the page and its modules.
    protocol_version = "HTTP/1.1"

    extensions_map = {  # noqa: RUF012 - the base class declares it as an instance's
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".json": "application/json",
        ".csv": "text/csv; charset=utf-8",
        ".md": "text/plain; charset=utf-8",
        ".yaml": "text/plain; charset=utf-8",
        ".png": "image/png",
        "": "application/octet-stream",
    }

    timeout = _PATIENCE

    def send_head(self) -> Any:
        """Responds with a file of the folder, or says why not."""
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            # A body that is not read would be taken for the next request.
            self.close_connection = True
            self.send_error(413, "No request here has a body")
        elif self.headers.get_all("Host") not in self._own_names():
            self.send_error(421, "Ask for this computer by its own name")
        elif not self._is_inside():
            self.send_error(404, "File not found")
        else:
            return super().send_head()
        return None

    def _own_names(self) -> list[list[str]]:
        _, port = self.connection.getsockname()
        return [[f"{name}{end}"] for name in _NAMES for end in (f":{port}", "")]

    def _is_inside(self) -> bool:
        """Returns whether the requested file lies in the folder, links resolved."""
        if "\0" in unquote(self.path):
            return False
        try:
            place = Path(self.translate_path(self.path)).resolve()
        except (OSError, RuntimeError):  # A name that is too long, or a cycle of links.
            return False
        return place.is_relative_to(Path(self.directory).resolve())

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        self.send_error(404, "There is no list of files")

    def log_message(self, *arguments: Any) -> None:
        """Logs nothing: the terminal belongs to the person who started it."""


class _Server(ThreadingHTTPServer):
    """Ignores browsers that disconnect in the middle of a response."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[str]:
    """Serves a folder of pages while the block runs.

    Args:
        folder: What `gmbench leaderboard build` made.
        port: Port on 127.0.0.1; 0 for any free one.

    Yields:
        The address of the first page.

    Raises:
        BoardError: The port cannot be used.
    """
    try:
        server = _Server((HOST, port), partial(_Handler, directory=str(folder)))
    except (OSError, OverflowError) as error:
        raise BoardError(f"Port {port} cannot be used ({error}). Give another --port.") from error
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
