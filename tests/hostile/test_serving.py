"""Requests to `gmbench leaderboard serve` that no browser of its user would send."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gmbench.board import serving as serving_module
from gmbench.board.serving import serving

SECRET = b"a secret beside the pages"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    here = tmp_path_factory.mktemp("served")
    (here / "secret.txt").write_bytes(SECRET)
    site = here / "site"
    (site / "data").mkdir(parents=True)
    (site / "index.html").write_text("<p>page</p>")
    (site / "data" / "a b.json").write_text("{}")
    (site / "link.txt").symlink_to(here / "secret.txt")
    (site / "circle").symlink_to(site / "circle")
    (site / "up").symlink_to(here)
    with serving(site) as address:
        yield int(urlsplit(address).port or 0)


def answer(port: int, request: bytes) -> bytes:
    """All that comes back until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        # What is not read when the server closes makes the system reset the connection.
        with suppress(ConnectionResetError):
            while part := connection.recv(65536):
                parts.append(part)
    return b"".join(parts)


def get(port: int, path: bytes, host: bytes | None = None, more: bytes = b"") -> bytes:
    host = b"127.0.0.1:%d" % port if host is None else host
    return answer(
        port,
        b"GET %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n" % (path, host, more),
    )


def status(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


@pytest.mark.parametrize("path", [b"/", b"/index.html", b"/data/a%20b.json", b"/?q=../x#y"])
@pytest.mark.parametrize("name", [b"127.0.0.1", b"localhost"])
def test_pages_are_handed_out(path: bytes, name: bytes, port: int) -> None:
    assert status(get(port, path, b"%s:%d" % (name, port))) == 200


@pytest.mark.parametrize(
    "path",
    [b"/../secret.txt", b"/%2e%2e/secret.txt", b"/..%2fsecret.txt", b"/data/../../secret.txt",
     b"//../secret.txt", b"/....//secret.txt", b"/%252e%252e/secret.txt", b"/..\\secret.txt",
     b"/..%5csecret.txt", b"/%c0%ae%c0%ae/secret.txt", b"../secret.txt", b"/link.txt",
     b"/up/secret.txt", b"/circle", b"/index.html%00.txt", b"/%00", b"/" + b"a" * 5_000,
     b"/" + b"a/" * 5_000, b"/data", b"/data/", b"http://127.0.0.1/../secret.txt",
     b"//example.org/%2f..", b"/etc/passwd", b"/%ff%fe", b"/CON", b"/index.html/"],
)  # fmt: skip
def test_nothing_else_is_handed_out(
    path: bytes, port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    said = get(port, path)
    assert SECRET not in said
    assert status(said) in (301, 404)
    assert b"Location: //" not in said
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "host",
    [b"evil.example", b"evil.example:8116", b"127.0.0.1.evil.example", b"localhost@evil.example",
     b"", b"127.0.0.1:1", b"[::1]"],
)  # fmt: skip
def test_another_name_gets_nothing(host: bytes, port: int) -> None:
    said = get(port, b"/", host)
    assert status(said) == 421
    assert b"page" not in said


def test_two_names_or_none_get_nothing(port: int) -> None:
    own = b"127.0.0.1:%d" % port
    assert status(get(port, b"/", own, b"Host: evil.example\r\n")) == 421
    assert status(answer(port, b"GET / HTTP/1.0\r\n\r\n")) == 421


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\nabc", 501),
        (b"PUT /index.html HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 501),
        (b"DELETE /index.html HTTP/1.1\r\n\r\n", 501),
        (b"\xff\xfe\x00 / HTTP/1.1\r\n\r\n", 501),
    ],
    ids=["path", "header", "headers", "post", "put", "delete", "bytes"],
)
def test_large_and_odd_requests(request_: bytes, code: int, port: int) -> None:
    assert status(answer(port, request_)) == code
    assert status(get(port, b"/")) == 200


def test_a_body_is_no_second_request(port: int) -> None:
    inner = b"GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port
    for header in (b"Content-Length: %d" % len(inner), b"Transfer-Encoding: chunked"):
        said = answer(
            port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n\r\n%s" % (port, header, inner)
        )
        assert status(said) == 413
        assert said.count(b"HTTP/1.1 ") == 1


def test_who_says_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_module._Handler, "timeout", 0.2)
    (tmp_path / "index.html").write_text("page")
    before = threading.active_count()
    with serving(tmp_path) as address:
        port = int(urlsplit(address).port or 0)
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        silent[0].sendall(b"GET / HT")
        with urllib.request.urlopen(address) as page:
            assert page.read() == b"page"
        for connection in silent:
            connection.settimeout(20)
            assert connection.recv(1) == b""
            connection.close()
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.binary(max_size=40), prefix=st.sampled_from([b"/", b"/../", b"/%2e%2e/", b"/up/"]))
def test_no_path_leaves_the_folder(
    path: bytes, prefix: bytes, port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    path = bytes(b for b in path if b > 32)
    said = get(port, prefix + path)
    assert SECRET not in said
    assert said.startswith((b"HTTP/1.1 ", b"<!DOCTYPE HTML"))
    assert capfd.readouterr().err == ""
