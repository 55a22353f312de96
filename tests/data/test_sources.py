from __future__ import annotations

import os
from pathlib import Path

import pytest

from gmbench.data.sources import FolderReader, Limits, scan_folder, shown
from gmbench.errors import SourceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images" / "DCGAN").mkdir(parents=True)
    (tmp_path / "images" / "DCGAN" / "1.png").write_bytes(b"one")
    (tmp_path / "images" / "DCGAN" / "2.png").write_bytes(b"")
    return tmp_path / "images"


def test_files_are_listed_in_order_with_their_sizes(folder: Path) -> None:
    source = scan_folder(folder, Limits())
    assert [(file.path, file.size) for file in source.files] == [
        ("DCGAN/1.png", 3),
        ("DCGAN/2.png", 0),
    ]


def test_link_to_the_outside_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (folder / "DCGAN" / "3.png").symlink_to(tmp_path / "secret")
    with pytest.raises(SourceError, match=r"the link DCGAN/3.png leads outside"):
        scan_folder(folder, Limits())


def test_folder_link_to_the_outside_is_refused(folder: Path) -> None:
    (folder / "BEGAN").symlink_to("/usr")
    with pytest.raises(SourceError, match=r"the link BEGAN leads outside"):
        scan_folder(folder, Limits())


def test_links_that_stay_inside(folder: Path) -> None:
    (folder / "3.png").symlink_to(folder / "DCGAN" / "1.png")
    (folder / "loop").symlink_to(folder)
    source = scan_folder(folder, Limits())
    assert [file.path for file in source.files] == ["3.png", "DCGAN/1.png", "DCGAN/2.png"]
    assert source.unread == ("loop",)
    assert FolderReader(source.readable).read(source.files[0]) == b"one"


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert len(scan_folder(tmp_path / "link", Limits()).files) == 2


def test_a_link_that_leads_to_itself_is_not_read(folder: Path) -> None:
    (folder / "3.png").symlink_to(folder / "3.png")
    source = scan_folder(folder, Limits())
    assert [file.path for file in source.files] == ["DCGAN/1.png", "DCGAN/2.png"]
    assert source.unread == ("3.png",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipe_is_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "DCGAN" / "3.png")
    assert scan_folder(folder, Limits()).unread == ("DCGAN/3.png",)


def test_folder_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if path.name == "DCGAN":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match=r"DCGAN cannot be read: Permission denied"):
        scan_folder(folder, Limits())


def test_file_that_changed_or_vanished(folder: Path) -> None:
    source = scan_folder(folder, Limits())
    (folder / "DCGAN" / "1.png").write_bytes(b"longer")
    with pytest.raises(SourceError, match="changed while the dataset was built"):
        FolderReader(source.readable).read(source.files[0])
    (folder / "DCGAN" / "1.png").unlink()
    with pytest.raises(SourceError, match=r"1\.png cannot be read: No such file"):
        FolderReader(source.readable).read(source.files[0])


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(members=1), r"holds 2 files; more than 1"),
        (Limits(member_bytes=2), r"DCGAN/1.png has 3 bytes unpacked; more than 2"),
        (Limits(total_bytes=2), r"has 3 bytes unpacked; more than 2"),
    ],
)
def test_limits(folder: Path, limits: Limits, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        scan_folder(folder, limits)


def test_names_are_fit_to_be_printed() -> None:
    assert shown("Straße 1.png") == "Straße 1.png"
    assert shown("a\x1b[31m\n") == "a\\x1b[31m\\n"
    assert shown(os.fsdecode(b"\xff.png")) == "\\udcff.png"
