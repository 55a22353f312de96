from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gmbench.errors import SourceError
from gmbench.parsing.expanding import _of_commit, names_of
from tests.data.hub_server import HubServer, Repository

READ = """
import json, sys
from gmbench.data.image_shards import is_shard
from gmbench.data.image_streams import images_of_files, images_of_shard
from gmbench.errors import GmbenchError
from gmbench.parsing.expanding import names_of
said = []
try:
    for name in names_of(sys.argv[1:]):
        found = images_of_shard(name) if is_shard(name) else images_of_files([name])
        said += [[one.name, one.data.decode("latin-1"), one.fault] for one in found]
except GmbenchError as error:
    said = str(error)
print(json.dumps(said))
"""


def test_a_folder_in_an_order_of_its_own(tmp_path: Path) -> None:
    for name in ("b/1.png", "a.png", "c.JPG", "notes.txt", ".hidden.png", "b/a/0.webp", "b/s.tar"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [Path(name).relative_to(tmp_path).as_posix() for name in names_of([str(tmp_path)])]
    assert found == ["a.png", "c.JPG", "b/1.png", "b/s.tar", "b/a/0.webp"]


def test_patterns_of_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(names_of(["https://host/a-{008..011}.tar"])) == [
        f"https://host/a-{n:03}.tar" for n in range(8, 12)
    ]
    assert len(list(names_of(["https://host/{0..3}/{00..11}.png"]))) == 48
    assert list(names_of(["https://host/{10..9}.png"])) == [
        "https://host/10.png", "https://host/9.png",
    ]  # fmt: skip
    # Python reads no number of so many digits.
    odd = f"https://host/{{1..{'9' * 5000}}}.png"
    assert list(names_of([odd])) == [odd]
    monkeypatch.chdir(tmp_path)
    for name in ("s-0.tar", "s-1.tar", "odd{0..1}.tar"):
        Path(name).touch()
    assert list(names_of(["s-{0..1}.tar", "odd{0..1}.tar"])) == [
        "s-0.tar", "s-1.tar", "odd{0..1}.tar",
    ]  # fmt: skip


def test_lists(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "0.png").touch()
    listed = tmp_path / "list.txt"
    # As Notepad writes it.
    listed.write_text(
        f"https://host/a.png\n\n  not there.png  \r\n{folder}\n", encoding="utf-8-sig"
    )
    assert list(names_of([], [listed])) == [
        "https://host/a.png",
        "not there.png",
        f"{folder}/0.png",
    ]


def test_patterns_and_folders_with_a_dot_in_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("s-0.tar", "s-1.tar", "v1.0/0.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    Path("list.txt").write_text("s-{0..1}.tar\nv1.0\nodd.name\n", encoding="utf-8")
    assert list(names_of([], [Path("list.txt")])) == [
        "s-0.tar", "s-1.tar", "v1.0/0.png", "odd.name",
    ]  # fmt: skip


def test_the_parts_of_a_run_among_the_images_are_none(tmp_path: Path) -> None:
    for name in ("a.png", "run/run.json", "parts/part-0.parquet", "in/parts/0.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [Path(name).relative_to(tmp_path).as_posix() for name in names_of([str(tmp_path)])]
    assert found == ["a.png", "in/parts/0.parquet"]


def test_a_list_that_ends_its_lines_with_nul(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"a.png\0b.png\0")
    with pytest.raises(SourceError, match="find -print0"):
        list(names_of([], [tmp_path / "list.txt"]))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.png", "none.png is not there"),
        ("empty", "empty holds no image"),
        ("a" * 300, "cannot be read"),
    ],
)
def test_what_is_not_there(
    source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with pytest.raises(SourceError, match=message):
        list(names_of([source]))
    with pytest.raises(SourceError, match="cannot be read as a list"):
        list(names_of([], [Path("none.txt")]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "asked", "wanted"),
    [
        ("datasets/a/b/0.png", ("a/b", "dataset", None), "datasets/a/b@1f/0.png"),
        ("a/b@v1", ("a/b", "model", "v1"), "a/b@1f"),
        ("spaces/a/b@v1/c@2x.png", ("a/b", "space", "v1"), "spaces/a/b@1f/c@2x.png"),
        (
            "datasets/a/b@refs/convert/parquet/c/0.parquet",
            ("a/b", "dataset", "refs/convert/parquet"),
            "datasets/a/b@1f/c/0.parquet",
        ),
        ("datasets/a/b@refs%2Fpr%2F1/c", ("a/b", "dataset", "refs/pr/1"), "datasets/a/b@1f/c"),
    ],
)
def test_branches_of_the_hub(
    path: str,
    asked: tuple[str, str, str | None],
    wanted: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def repo_info(_: object, name: str, *, repo_type: str, revision: str | None) -> object:
        assert (name, repo_type, revision) == asked
        return SimpleNamespace(sha="1f")

    monkeypatch.setattr("huggingface_hub.HfApi.repo_info", repo_info)
    assert _of_commit(path) == wanted
    with pytest.raises(FileNotFoundError):
        _of_commit("datasets/b")


def test_the_hub_is_asked_once_for_a_branch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def repo_info(_: object, name: str, **__: object) -> object:
        asked.append(name)
        return SimpleNamespace(sha=len(asked))

    monkeypatch.setattr("huggingface_hub.HfApi.repo_info", repo_info)
    lines = "".join(f"hf://datasets/c/d/{number}.png\n" for number in range(3))
    (tmp_path / "list.txt").write_text(lines)
    for commit in (1, 2):  # Later, the branch has moved on.
        found = list(names_of([], [tmp_path / "list.txt"]))
        assert found == [f"hf://datasets/c/d@{commit}/{number}.png" for number in range(3)]
    assert asked == ["c/d", "c/d"]


def test_a_repository_of_the_hub(tmp_path: Path) -> None:
    from tests.data.test_image_streams import tar_of

    with HubServer() as hub:
        files = {
            "README.md": b"-",
            "a/0.png": b"0",
            "a/b/1.png": b"1",
            "t.tar": tar_of({"2.png": b"2"}),
        }
        hub.repositories["dataset", "org/name"] = Repository(files=files)
        commit = hub.dataset("org/name").commit
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        environment = kept | {
            "HF_HOME": str(tmp_path),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_ENDPOINT": hub.url,
        }

        def read(*sources: str) -> object:
            done = subprocess.run(
                [sys.executable, "-c", READ, *sources],
                env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        begin = f"hf://datasets/org/name@{commit}"
        assert read("hf://datasets/org/name") == [
            [f"{begin}/a/0.png", "0", ""],
            [f"{begin}/a/b/1.png", "1", ""],
            [f"{begin}/t.tar/2.png", "2", ""],
        ]
        assert read("hf://datasets/org/name/a/*.png") == [[f"{begin}/a/0.png", "0", ""]]
        lacking = read("hf://datasets/org/name/a/9.png")
        assert lacking == [[f"{begin}/a/9.png", "", "it is not on the Hub, or not for this token"]]
        assert "holds no image" in str(read("hf://datasets/org/name/none"))
        assert "org/none: it is not on the Hub" in str(read("hf://datasets/org/none"))
