"""A server for the pages, on this computer alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from gmbench.board.board import BoardError

HOST = "127.0.0.1"


class _Handler(SimpleHTTPRequestHandler):
    """Hands out files; says what each is, whatever the system's own tables say."""

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

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        self.send_error(404, "There is no list of files")

    def log_message(self, *arguments: Any) -> None:
        """Says nothing: the terminal belongs to the person who started it."""


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[str]:
    """Serves a folder of pages while the block runs.

    Args:
        folder: What `gmbench leaderboard build` made.
        port: Port on 127.0.0.1; 0 for any that is free.

    Yields:
        The address of the first page.

    Raises:
        BoardError: The port is taken.
    """
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Handler, directory=str(folder)))
    except (OSError, OverflowError) as error:
        raise BoardError(f"Port {port} cannot be used ({error}). Give another --port.") from error
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
