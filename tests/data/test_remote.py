from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from gmbench.data.image_streams import images_of_files
from gmbench.data.remote import UnreachedError, opened, read_file, web_session
from gmbench.errors import SourceError
from tests.data.fake_images import image_bytes
from tests.data.image_host import ImageHost

PNG = image_bytes(0)[1]
PAGE = b"<!doctype html><title>No such picture</title>"


@pytest.fixture
def host() -> Iterator[ImageHost]:
    with ImageHost() as server:
        server.files = {"/a.png": PNG, "/page.png": PAGE, "/large.png": b"x" * 10_000}
        yield server


def test_what_is_there_is_read(host: ImageHost) -> None:
    with web_session() as session:
        assert read_file(f"{host.url}/a.png", session) == PNG
        with opened(f"{host.url}/a.png", session) as file:
            assert file.read(4) + file.read() == PNG


def test_what_a_host_may_pack_arrives_as_it_is(host: ImageHost) -> None:
    host.packs = True
    with web_session() as session:
        assert read_file(f"{host.url}/a.png", session) == PNG
        with opened(f"{host.url}/a.png", session) as file:
            assert file.read() == PNG


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/none.png", "the host answers 404 Not Found"),
        ("/page.png", r"a web page \(No such picture\), no image"),
        ("/large.png", "more than 5,000 bytes"),
    ],
)
def test_what_is_refused_is_not_asked_for_again(path: str, reason: str, host: ImageHost) -> None:
    with web_session() as session, pytest.raises(SourceError, match=reason):
        read_file(f"{host.url}{path}", session, most=5_000)
    assert len(host.requests) == 1


def test_what_fails_for_the_moment_is_asked_for_again(host: ImageHost) -> None:
    host.fail("GET /a.png", 503, times=1)
    host.cut("GET /a.png", after=10, times=1)
    with web_session() as session:
        assert read_file(f"{host.url}/a.png", session) == PNG
    assert len(host.requests) == 3


def test_a_slow_host_is_not_waited_for_beyond_the_limit(host: ImageHost) -> None:
    host.delay("GET /a.png", 5.0)
    began = time.monotonic()
    with web_session() as session, pytest.raises(UnreachedError, match="does not answer in time"):
        read_file(f"{host.url}/a.png", session, patience=0.5)
    assert time.monotonic() - began < 3


def test_nobody_there_and_no_address() -> None:
    with web_session() as session:
        with pytest.raises(UnreachedError, match="cannot be reached"):
            read_file("http://127.0.0.1:9/a.png", session, patience=0.4)
        with pytest.raises(SourceError, match="No such file"):
            read_file("none.png", session)
        with pytest.raises(Exception, match="is not the address of a file"):
            read_file("http:///a.png", session)


def test_a_file_that_breaks_off_while_it_is_read(host: ImageHost) -> None:
    host.cut("GET /large.png", after=5_000)
    with (
        web_session() as session,
        pytest.raises(UnreachedError, match="broke off"),
        opened(f"{host.url}/large.png", session) as file,
    ):
        file.read()


def test_all_images_are_accounted_for_in_order(host: ImageHost) -> None:
    host.delay("GET /a.png", 0.2, times=1)
    names = [f"{host.url}/{name}.png" for name in ("a", "none", "page", "a", "a")]
    found = list(images_of_files(names))
    assert [one.name for one in found] == names
    assert [bool(one.data) for one in found] == [True, False, False, True, True]
    assert [bool(one.fault) for one in found] == [False, True, True, False, False]
