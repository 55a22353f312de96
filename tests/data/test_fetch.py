"""Fetching an archive from hosts on 127.0.0.1: whole, in pieces, refused, replaced."""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from filelock import FileLock
from syrupy.assertion import SnapshotAssertion

from gmbench.data.download import check_space, drive_reason, page_title
from gmbench.data.fetch import FetchResult, fetch_archive, get_archive
from gmbench.errors import GmbenchError, HubError, SourceError, UnknownNameError
from tests.commands import gmbench
from tests.data.local_server import Handler, LocalServer

QUOTA = b"""<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head>
<body><p class="uc-error-subcaption">Too many users have viewed or downloaded this file.</p>
</body></html>"""


class _FileHandler(Handler):
    host: FileHost

    def route(self, method: str, path: str) -> Any:
        content = self.host.files[path]
        headers = {"Content-Type": "text/html"} if content.startswith(b"<") else {}
        if self.host.versions:
            headers["ETag"] = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if not self.host.ranges:
            del self.headers["Range"]
        self.send_file(content, headers)


class FileHost(LocalServer):
    """Serves files; `ranges` and `versions` say whether it can continue and tells versions."""

    handler: ClassVar[type[Handler]] = _FileHandler

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.ranges = self.versions = True


@pytest.fixture
def host() -> Iterator[FileHost]:
    with FileHost() as server:
        server.files["/a.zip"] = zip_of(1)
        yield server


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps gdown from this computer's cookies and proxies."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def zip_of(seed: int, size: int = 3_000_000) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("GAN_1/0.png", random.Random(seed).randbytes(size))
    return buffer.getvalue()


def tar_of(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{mode}") as archive:  # type: ignore[call-overload]
        entry = tarfile.TarInfo("GAN_1/0.png")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"png"))
    return buffer.getvalue()


def fetched(host: FileHost, out: Path, path: str = "/a.zip", **options: Any) -> FetchResult:
    return fetch_archive(get_archive("red116"), out, url=host.url + path, **options)


def said(error: pytest.ExceptionInfo[GmbenchError], host: FileHost, out: Path) -> str:
    text = str(error.value).replace(str(out), "OUT").replace(host.url, "http://host")
    return re.sub(r"Errno \d+", "Errno N", text)


# -- a transfer that works ---------------------------------------------------------------------


def test_the_archive_arrives_whole(host: FileHost, tmp_path: Path) -> None:
    reports: list[tuple[int, int | None]] = []
    out = tmp_path / "new" / "folder"
    result = fetched(host, out, progress=lambda what, done, total: reports.append((done, total)))
    content = host.files["/a.zip"]
    assert result.file == out / "red116.zip"
    assert result.file.read_bytes() == content
    assert (result.downloaded, result.changed_from) == (True, None)
    assert reports[-1] == (len(content), len(content))
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    assert sorted(path.name for path in out.iterdir()) == ["red116.zip", "red116.zip.json"]
    record = json.loads((out / "red116.zip.json").read_text())
    assert record.pop("date") == result.record.date
    assert record == {
        "url": f"{host.url}/a.zip",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    assert result.next_step == f"gmbench data build --benchmark red116 --images {result.file}"


@pytest.mark.parametrize("packed", ["", "gz", "bz2", "xz"])
def test_what_it_is_decides_the_name(host: FileHost, tmp_path: Path, packed: str) -> None:
    host.files["/download"] = tar_of(packed)
    result = fetched(host, tmp_path, "/download?id=1")
    assert result.file.name == f"red116.tar.{packed}".rstrip(".")
    assert result.next_step == f"gmbench data build --benchmark red116 --images {result.file}"


def test_what_python_cannot_read_is_to_be_unpacked(host: FileHost, tmp_path: Path) -> None:
    host.files["/a.zip"] = b"Rar!\x1a\x07\x01\x00 and so on"
    assert fetched(host, tmp_path).next_step == (
        f"unpack {tmp_path}/red116.rar into {tmp_path}/red116, then gmbench data build "
        f"--benchmark red116 --images {tmp_path}/red116"
    )


def test_what_is_here_is_not_fetched_twice(host: FileHost, tmp_path: Path) -> None:
    first = fetched(host, tmp_path)
    host.heal()
    second = fetched(host, tmp_path)
    assert (second.downloaded, second.record) == (False, first.record)
    assert host.requests == []


def test_a_file_put_there_by_hand_is_recorded(host: FileHost, tmp_path: Path) -> None:
    (tmp_path / "red116.zip").write_bytes(host.files["/a.zip"])
    result = fetched(host, tmp_path)
    assert (result.downloaded, result.record.url) == (False, "")
    assert fetched(host, tmp_path).record == result.record
    assert host.requests == []


# -- a transfer that breaks off ----------------------------------------------------------------


def test_a_broken_transfer_is_continued_at_once(host: FileHost, tmp_path: Path) -> None:
    host.cut("GET /a.zip", 1_000_000, times=2)
    result = fetched(host, tmp_path)
    assert result.file.read_bytes() == host.files["/a.zip"]
    assert len(host.requests) == 3


def test_a_broken_transfer_is_continued_later(host: FileHost, tmp_path: Path) -> None:
    host.cut("GET /a.zip", 1_000_000, times=1)
    host.fail("GET /a.zip", 404)
    with pytest.raises(HubError):
        fetched(host, tmp_path)
    assert not (tmp_path / "red116.zip").exists()
    host.heal()
    done: list[int] = []
    result = fetched(host, tmp_path, progress=lambda what, now, total: done.append(now))
    assert result.file.read_bytes() == host.files["/a.zip"]
    assert done[0] > 1_000_000


def test_two_versions_are_never_mixed(host: FileHost, tmp_path: Path) -> None:
    host.cut("GET /a.zip", 1_000_000, times=1)
    host.fail("GET /a.zip", 404)
    with pytest.raises(HubError):
        fetched(host, tmp_path)
    host.heal()
    host.files["/a.zip"] = zip_of(2, size=3_000_001)
    assert fetched(host, tmp_path).file.read_bytes() == host.files["/a.zip"]


@pytest.mark.parametrize(("ranges", "versions"), [(False, True), (True, False)])
def test_a_host_that_cannot_continue_starts_again(
    host: FileHost, tmp_path: Path, ranges: bool, versions: bool
) -> None:
    host.ranges, host.versions = ranges, versions
    host.cut("GET /a.zip", 1_000_000, times=1)
    host.fail("GET /a.zip", 404)
    with pytest.raises(HubError):
        fetched(host, tmp_path)
    host.heal()
    assert fetched(host, tmp_path).file.read_bytes() == host.files["/a.zip"]


def test_a_mirror_that_always_breaks_off(
    host: FileHost, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    host.cut("GET /a.zip", 1_000_000, times=1)
    host.cut("GET /a.zip", 0)
    with pytest.raises(HubError) as error:
        fetched(host, tmp_path)
    assert said(error, host, tmp_path).splitlines()[0] == snapshot


def test_two_fetches_do_not_mix(
    host: FileHost, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    (tmp_path / "red116.archive.partial").mkdir()
    busy = FileLock(tmp_path / "red116.archive.partial" / "lock")
    with busy, pytest.raises(SourceError) as error:
        fetched(host, tmp_path)
    assert said(error, host, tmp_path) == snapshot
    assert fetched(host, tmp_path).downloaded


def test_the_work_folder_of_a_build_is_let_alone(host: FileHost, tmp_path: Path) -> None:
    work = tmp_path / "red116.partial"
    (work / "dataset").mkdir(parents=True)
    (work / "plan.json").write_text("{}")
    assert fetched(host, tmp_path).downloaded
    assert sorted(path.name for path in work.iterdir()) == ["dataset", "plan.json"]


# -- something else than the archive -----------------------------------------------------------


def test_a_quota_page_is_no_archive(
    host: FileHost, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    host.files["/a.zip"] = QUOTA
    with pytest.raises(HubError) as error:
        fetched(host, tmp_path)
    assert said(error, host, tmp_path) == snapshot
    assert list(tmp_path.glob("red116*")) == []
    host.files["/a.zip"] = zip_of(1)
    assert fetched(host, tmp_path).downloaded


@pytest.mark.parametrize("content", [b"", b'{"error": 1}', zip_of(1)[:-100]])
def test_other_bytes_are_no_archive(
    host: FileHost, tmp_path: Path, content: bytes, snapshot: SnapshotAssertion
) -> None:
    host.files["/a.zip"] = content
    with pytest.raises(HubError) as error:
        fetched(host, tmp_path)
    assert said(error, host, tmp_path).splitlines()[0] == snapshot
    (tmp_path / "red116.zip").write_bytes(content)
    with pytest.raises(SourceError) as own:
        fetched(host, tmp_path)
    assert said(own, host, tmp_path) == snapshot


def test_titles_of_pages() -> None:
    assert page_title(QUOTA) == "Google Drive - Quota exceeded"
    assert page_title(b"\xef\xbb\xbf <HTML><body>") == "without a title"
    assert page_title(b"PK\x03\x04") is None


# -- the host changes the file -----------------------------------------------------------------


def test_a_replaced_file_is_noticed_and_the_old_one_kept(host: FileHost, tmp_path: Path) -> None:
    first, old = fetched(host, tmp_path), host.files["/a.zip"]
    unchanged = fetched(host, tmp_path, again=True)
    assert (unchanged.downloaded, unchanged.changed_from) == (True, None)
    host.files["/a.zip"] = zip_of(2)
    result = fetched(host, tmp_path, again=True)
    assert result.changed_from == unchanged.record
    assert result.changed_from.sha256 == first.record.sha256
    assert result.file.read_bytes() == host.files["/a.zip"]
    kept = tmp_path / f"red116-{first.record.sha256[:8]}.zip"
    assert kept.read_bytes() == old
    assert json.loads(kept.with_name(kept.name + ".json").read_text())["bytes"] == len(old)


def test_a_replaced_file_is_noticed_by_its_record_alone(host: FileHost, tmp_path: Path) -> None:
    first = fetched(host, tmp_path)
    first.file.unlink()
    host.files["/a.zip"] = zip_of(2)
    assert fetched(host, tmp_path).changed_from == first.record


def test_a_file_that_changed_here(
    host: FileHost, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    result = fetched(host, tmp_path)
    result.file.write_bytes(zip_of(3))
    with pytest.raises(SourceError) as error:
        fetched(host, tmp_path)
    assert said(error, host, tmp_path).replace(result.record.date[:10], "DATE") == snapshot
    (tmp_path / "red116.zip.json").write_text("[]")
    with pytest.raises(SourceError) as error:
        fetched(host, tmp_path)
    assert said(error, host, tmp_path) == snapshot


# -- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_host_that_refuses(
    host: FileHost, tmp_path: Path, status: int, snapshot: SnapshotAssertion
) -> None:
    host.fail("GET /a.zip", status)
    with pytest.raises(HubError) as error:
        fetched(host, tmp_path)
    assert said(error, host, tmp_path).splitlines()[0] == snapshot


def test_a_slow_host(host: FileHost, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    host.delay("GET /a.zip", 1.0)
    with pytest.raises(HubError) as error:
        fetched(host, tmp_path, timeout=0.2)
    assert said(error, host, tmp_path).splitlines()[0] == snapshot


def test_a_host_that_is_not_there(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    host = FileHost()
    host.__enter__().__exit__()
    with pytest.raises(HubError) as error:
        fetched(host, tmp_path)
    assert said(error, host, tmp_path).splitlines()[0] == snapshot


def test_addresses_that_are_none(host: FileHost, tmp_path: Path) -> None:
    for url in (
        "file:///etc/passwd",
        "ftp://host/a.zip",
        "a.zip",
        "http://",
        "http://h:x/",
        "http://a b",
    ):
        with pytest.raises(HubError, match="is not the address of a file"):
            fetch_archive(get_archive("red116"), tmp_path, url=url)


def test_folders_that_are_none(host: FileHost, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError) as error:
        fetched(host, tmp_path / "file" / "below")
    assert said(error, host, tmp_path) == snapshot


def test_a_disk_that_is_too_small(tmp_path: Path) -> None:
    check_space(tmp_path, 1)
    with pytest.raises(
        SourceError, match=r"1000000\.0 GB are still to come, but only .* GB are free"
    ):
        check_space(tmp_path, 10**15)


def test_what_google_drive_says(snapshot: SnapshotAssertion) -> None:
    # As gdown words them: the first is Google's sentence, the second gdown's own.
    wrapped = (
        "Failed to retrieve file url:\n\n\t{}\n\nYou may still be able to access the file from"
    )
    messages = (
        "Too many users have viewed or downloaded this file recently. Please try\n\tlater.",
        "Cannot retrieve the public link of the file. You may need to change the\n\tpermission to "
        "'Anyone with the link', or have had many accesses. Check FAQ in https://github.com/x.",
        "Sorry, the file you have requested does not exist.",
    )
    assert [drive_reason(wrapped.format(message)) for message in messages] == snapshot


def test_an_unknown_archive() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean red116"):
        get_archive("red-117")


# -- the command -------------------------------------------------------------------------------


def test_the_command(host: FileHost, tmp_path: Path) -> None:
    arguments = ("data", "fetch", "red116", "--out", str(tmp_path), "--url", f"{host.url}/a.zip")
    first = gmbench(*arguments, cwd=tmp_path)
    assert hashlib.sha256(host.files["/a.zip"]).hexdigest() in first.stdout
    assert f"Next: gmbench data build --benchmark red116 --images {tmp_path}" in first.stderr
    host.files["/a.zip"] = zip_of(2)
    second = gmbench(*arguments, "--again", "--json", cwd=tmp_path)
    facts = json.loads(second.stdout)
    assert facts["changed_from"]["sha256"] in first.stdout
    assert "the host has changed it" in second.stderr


def fails(out: Path) -> str:
    """Returns the first line of what `gmbench data fetch` writes when it fails."""
    done = gmbench("data", "fetch", "--out", str(out), cwd=out, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"put it at {out}/red116.zip" in done.stderr
    return done.stderr.splitlines()[0]


def test_the_command_without_gdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)
    assert fails(tmp_path) == snapshot


def test_the_command_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    with FileHost() as host:
        nowhere = host.url
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, nowhere)
    assert fails(tmp_path) == snapshot
