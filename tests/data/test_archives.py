from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gmbench.data.archives import TarReader, ZipReader, open_source
from gmbench.data.sources import Limits, Source
from gmbench.errors import SourceError

MEGABYTE = 2**20


def zipped(path: Path, members: dict[str, bytes], **facts: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            member = zipfile.ZipInfo(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            for fact, value in facts.items():
                setattr(member, fact, value)
            archive.writestr(member, data)
    return path


def tarred(path: Path, members: dict[str, bytes], mode: str = "w", **facts: object) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for fact, value in facts.items():
                setattr(member, fact, value)
            archive.addfile(member, io.BytesIO(data))
    return path


def opened(path: Path, limits: Limits | None = None) -> Source:
    return open_source(path, path.parent / "scratch", limits or Limits())


GOOD = {"a/DCGAN/1.png": b"one", "./a/DCGAN/2.png": b"twotwo"}


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_members_are_listed_and_read(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "any-name"
    source = opened(zipped(path, GOOD) if mode == "zip" else tarred(path, GOOD, mode))
    reader = (ZipReader if source.kind == "zip" else TarReader)(source.readable)
    found = {file.path: reader.read(file) for file in source.files}
    assert found == {"a/DCGAN/1.png": b"one", "a/DCGAN/2.png": b"twotwo"}


def test_backslashes_as_windows_writes_them(tmp_path: Path) -> None:
    path = zipped(tmp_path / "w.zip", {"a/#": b"", "a/DCGAN#1.png": b"one", "a/DCGAN/2.png": b"2"})
    path.write_bytes(path.read_bytes().replace(b"a/#", b"a/\\").replace(b"N#1", b"N\\1"))
    source = opened(path)
    assert [file.path for file in source.files] == ["a/DCGAN/1.png", "a/DCGAN/2.png"]
    assert ZipReader(path).read(source.files[0]) == b"one"


HOSTILE_NAMES = ["/etc/passwd", "../x.png", "a/../../x.png", "C:/x.png", "a\\..\\x.png", "c:x.png"]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_paths_that_lead_outside(
    tmp_path: Path, make: Callable[[Path, dict[str, bytes]], Path], name: str
) -> None:
    path = make(tmp_path / "bad", {"DCGAN/1.png": b"x", name: b"x"})
    with pytest.raises(SourceError) as caught:
        opened(path)
    assert (
        str(caught.value)
        == f"{path}: {name} has a path that leads outside. Do not use this archive."
    )


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_tar_links_and_devices(tmp_path: Path, kind: bytes) -> None:
    path = tarred(tmp_path / "x.tar", {"DCGAN/1.png": b""}, type=kind, linkname="/etc/passwd")
    with pytest.raises(SourceError, match=r"DCGAN/1.png is a link or a device"):
        opened(path)


def test_tar_that_leads_in_circles(tmp_path: Path) -> None:
    path = tarred(tmp_path / "x.tar", {"DCGAN/1.png": b""})
    header = tarfile.TarInfo("DCGAN/2.png")
    header.size = -512
    path.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + path.read_bytes())
    with pytest.raises(SourceError, match=r"DCGAN/2.png has a negative size"):
        opened(path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_zip_links_and_devices(tmp_path: Path, kind: int) -> None:
    path = zipped(tmp_path / "x.zip", {"DCGAN/1.png": b"/etc/passwd"}, external_attr=kind << 16)
    with pytest.raises(SourceError, match=r"DCGAN/1.png is a link or a device"):
        opened(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a/1.png is there twice"):
        opened(zipped(tmp_path / "x.zip", {"a/1.png": b"x", "a//1.png": b"y"}))
    with pytest.raises(SourceError, match=r"a/1.png is there twice"):
        opened(tarred(tmp_path / "x.tar", {"a/1.png": b"x", "./a/1.png": b"y"}))


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (8, 1, r"a/1.png is encrypted\. Decrypt the archive first"),
        (10, 99, r"a/1.png is packed by method 99"),
    ],
)
def test_zip_whose_members_python_cannot_read(
    tmp_path: Path, offset: int, value: int, message: str
) -> None:
    path = zipped(tmp_path / "x.zip", {"a/1.png": b"x"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + offset] = value
    path.write_bytes(data)
    with pytest.raises(SourceError, match=message):
        opened(path)


def test_zip_bomb(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a/1.png": bytes(20 * MEGABYTE)})
    with pytest.raises(SourceError, match=r"a/1.png unpacks to more than 200 times its size"):
        opened(path)


def test_zip_whose_members_overlap(tmp_path: Path) -> None:
    """Each member is harmless; all point at the same packed bytes."""
    path = zipped(tmp_path / "x.zip", {f"a/{n}.png": bytes(MEGABYTE) for n in range(100)})
    data = bytearray(path.read_bytes())
    first = data.index(b"PK\x01\x02")
    packed = data[: data.index(b"PK\x03\x04", 4)]
    entries = data[first:]
    position = entries.find(b"PK\x01\x02")
    while position >= 0:  # Every entry of the list now points at the first member.
        entries[position + 42 : position + 46] = bytes(4)
        position = entries.find(b"PK\x01\x02", position + 4)
    end = entries.index(b"PK\x05\x06")
    entries[end + 16 : end + 20] = len(packed).to_bytes(4, "little")
    path.write_bytes(packed + entries)
    with pytest.raises(SourceError, match="all members together unpacks to more than 200 times"):
        opened(path, Limits(ratio=200, member_bytes=2 * MEGABYTE))


def test_tar_bomb(tmp_path: Path) -> None:
    path = tarred(tmp_path / "x.tar.gz", {"a/1.png": bytes(100 * MEGABYTE)}, "w:gz")
    with pytest.raises(SourceError, match=r"its content unpacks to more than 200 times its size"):
        opened(path)
    assert not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(members=1), r"holds 2 files; more than 1"),
        (Limits(member_bytes=4), r"2.png has 6 bytes unpacked; more than 4"),
        (Limits(total_bytes=8), r"more than 8"),
    ],
)
@pytest.mark.parametrize("make", [zipped, tarred, lambda p, m: tarred(p, m, "w:gz")])
def test_limits(
    tmp_path: Path, make: Callable[[Path, dict[str, bytes]], Path], limits: Limits, message: str
) -> None:
    path = make(tmp_path / "x", GOOD)
    with pytest.raises(SourceError, match=message):
        opened(path, limits)


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("kept", [0.01, 0.5, 0.9])
def test_cut_short(tmp_path: Path, mode: str, kept: float) -> None:
    noise = {f"DCGAN/{n}.png": bytes((n * k * k) % 251 for k in range(9000)) for n in range(1, 9)}
    path = tmp_path / "x"
    path = zipped(path, noise) if mode == "zip" else tarred(path, noise, mode)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(SourceError, match=r"is cut short or damaged, or is neither") as caught:
        opened(path)
    assert len(str(caught.value).splitlines()) == 1


def test_tar_with_a_damaged_header_in_the_middle(tmp_path: Path) -> None:
    path = tarred(tmp_path / "x.tar", {"a/1.png": b"x", "a/2.png": b"y", "a/3.png": b"z"})
    data = bytearray(path.read_bytes())
    data[1024 + 5] ^= 255
    path.write_bytes(data)
    with pytest.raises(SourceError, match="no valid header at byte 1,024"):
        opened(path)


def test_zip_member_with_damaged_bytes(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a/1.png": bytes(range(256))})
    data = bytearray(path.read_bytes())
    data[60] ^= 255
    path.write_bytes(data)
    source = opened(path)
    with pytest.raises(SourceError, match=r"x.zip: a/1.png is damaged in the archive"):
        ZipReader(source.readable).read(source.files[0])


def test_neither_folder_nor_archive(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    with pytest.raises(SourceError, match="neither a ZIP nor a TAR"):
        opened(tmp_path / "x")
    with pytest.raises(SourceError, match="does not exist"):
        opened(tmp_path / "y")


def test_compressed_tar_is_decompressed_once(tmp_path: Path) -> None:
    path = tarred(tmp_path / "x.tgz", GOOD, "w:gz")
    first = opened(path).readable.stat()
    again = opened(path).readable.stat()
    assert (first.st_ino, first.st_mtime_ns) == (again.st_ino, again.st_mtime_ns)
