from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from gmbench.errors import GmbenchError
from gmbench.files import WriteError, alone_in, whole_folder, write_whole


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_whole(path, "one")
    write_whole(path, b"two")
    assert path.read_text() == "two"
    assert list(path.parent.iterdir()) == [path]


def test_is_as_readable_as_any_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "ours", "x")
    (tmp_path / "plain").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_refusal_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(WriteError, match="folder cannot be written"):
        write_whole(tmp_path / "folder", "x")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


def test_a_folder_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    for text in ("one", "two"):
        with whole_folder(folder) as beside:
            (beside / text).write_text(text)
    assert list(folder.iterdir()) == [folder / "two"]
    with pytest.raises(KeyboardInterrupt):
        _write_half(folder)
    assert list(folder.iterdir()) == [folder / "two"]
    assert list(folder.parent.iterdir()) == [folder]


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    folder, link = tmp_path / "far" / "folder", tmp_path / "link"
    link.symlink_to(folder)
    for text in ("one", "two"):
        with whole_folder(link) as beside:
            (beside / text).write_text(text)
    assert link.is_symlink()
    assert list(folder.iterdir()) == [folder / "two"]
    assert list(folder.parent.iterdir()) == [folder]
    assert sorted(tmp_path.iterdir()) == [folder.parent, link]


def _write_half(folder: Path) -> None:
    with whole_folder(folder) as beside:
        (beside / "three").write_text("three")
        raise KeyboardInterrupt


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="cannot be written"):
        write_whole(tmp_path / "file" / "deeper", "x")


def test_one_after_the_other_in_a_folder_that_is_removed_in_between(tmp_path: Path) -> None:
    folder, waits = tmp_path / "work", threading.Event()
    order: list[str] = []

    def second() -> None:
        waits.set()
        with alone_in(folder, GmbenchError("busy"), patience=60):
            (folder / "file").touch()
            order.append("second")
            (folder / "file").unlink()

    thread = threading.Thread(target=second)
    with alone_in(folder, GmbenchError("busy")):
        with pytest.raises(GmbenchError, match="busy"), alone_in(folder, GmbenchError("busy")):
            pass
        thread.start()
        waits.wait()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not folder.exists()


def test_a_folder_with_something_in_it_stays(tmp_path: Path) -> None:
    for _ in range(2):
        with alone_in(tmp_path / "work", GmbenchError("busy")):
            (tmp_path / "work" / "file").touch()
        assert (tmp_path / "work" / "file").exists()
