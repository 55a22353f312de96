"""A real HTTP server on 127.0.0.1 whose answers can be made to fail, to wait or to break off.

`hub_server.py` builds a small Hugging Face Hub on it; `test_fetch.py` a host of archives.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, urlsplit

ALWAYS = 1_000_000


@dataclass
class Fault:
    """What goes wrong with the next `times` requests whose `METHOD /path` matches `pattern`.

    A request suffers the first fault that matches it, so that faults given one after the other
    happen one after the other.
    """

    pattern: str
    status: int = 0
    message: str = ""
    seconds: float = 0.0
    cut_after: int | None = None
    times: int = ALWAYS


class Refusal(Exception):  # noqa: N818 - an answer, not a mistake
    """An answer other than success, with the headers that the Hub gives to explain it."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class LocalServer:
    """The server; a context manager that starts and stops it.

    Attributes:
        handler: What answers the requests.
        url: `http://127.0.0.1:PORT`.
        requests: `(METHOD, path, bytes of the body)` of every request, in order.
    """

    handler: ClassVar[type[Handler]]

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, int]] = []
        self.faults: list[Fault] = []
        self.lock = Lock()
        self._http = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Bound", (self.handler,), {"host": self})
        )
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def fail(self, pattern: str, status: int, message: str = "", times: int = ALWAYS) -> None:
        """Answers with an HTTP status instead of doing what was asked."""
        self.faults.append(Fault(pattern, status=status, message=message, times=times))

    def delay(self, pattern: str, seconds: float, times: int = ALWAYS) -> None:
        """Waits before it answers."""
        self.faults.append(Fault(pattern, seconds=seconds, times=times))

    def cut(self, pattern: str, after: int, times: int = ALWAYS) -> None:
        """Closes the connection after so many bytes of the answer's body."""
        self.faults.append(Fault(pattern, cut_after=after, times=times))

    def heal(self) -> None:
        """Forgets all faults and what was asked so far."""
        self.faults.clear()
        self.requests.clear()


class Handler(BaseHTTPRequestHandler):
    """One connection. A subclass says in `route` what each request is answered with."""

    host: LocalServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def route(self, method: str, path: str) -> Any:
        """Returns what to send as JSON, or None if it has sent the answer itself.

        Raises:
            Refusal: The answer is not success.
        """
        raise NotImplementedError

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keeps quiet; `LocalServer.requests` is the log."""

    def do_GET(self) -> None:
        self._respond("GET")

    def do_HEAD(self) -> None:
        self._respond("HEAD")

    def do_POST(self) -> None:
        self._respond("POST")

    def do_PUT(self) -> None:
        self._respond("PUT")

    def _respond(self, method: str) -> None:
        parts = urlsplit(self.path)
        self.query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.cut_after: int | None = None
        self.host.requests.append((method, parts.path, len(self.body)))
        try:
            self._suffer(f"{method} {parts.path}")
            answer = self.route(method, parts.path)
        except Refusal as refusal:
            headers = {"Content-Type": "application/json", "X-Error-Message": refusal.message}
            if refusal.code:
                headers["X-Error-Code"] = refusal.code
            self.send(refusal.status, json.dumps({"error": refusal.message}).encode(), headers)
        else:
            if answer is not None:
                self.send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _suffer(self, request: str) -> None:
        for fault in self.host.faults:
            if fault.times > 0 and re.search(fault.pattern, request):
                fault.times -= 1
                time.sleep(fault.seconds)
                self.cut_after = fault.cut_after
                if fault.status:
                    raise Refusal(fault.status, fault.message)
                return

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Sends a whole answer, or less of it where a fault says so."""
        try:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            self.wfile.write(body[: self.cut_after])
            self.close_connection |= self.cut_after is not None
        except (BrokenPipeError, ConnectionResetError):
            # The client has heard enough.
            self.close_connection = True

    def send_file(self, content: bytes, headers: dict[str, str]) -> None:
        """Sends a file, or the part of it that `Range` asks for while `If-Range` still holds."""
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **headers}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if asked is None or condition not in (None, headers.get("ETag")):
            self.send(200, content, headers)
            return
        start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if start >= len(content):
            raise Refusal(416, "Range not satisfiable")
        headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        self.send(206, content[start : end + 1], headers)
