"""Pushing to a Hub on 127.0.0.1 with an unmodified huggingface_hub, and loading it back."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi
from syrupy.assertion import SnapshotAssertion

from gmbench.benchmark.benchmark import MINI116
from gmbench.data.checksums import CHECKSUMS, checksums_text
from gmbench.data.hub import check_folder, check_repository_name, push_dataset
from gmbench.errors import DatasetError, GmbenchError, HubError
from tests.commands import gmbench
from tests.data.hub_server import HubServer

COMPARE = """
import json, os, sys, datasets, gmbench
def rows(where):
    loaded = gmbench.load_dataset(where, "set_1")
    raw = loaded.cast_column("image", datasets.Image(decode=False))
    return {split: (str(part.features), part.to_list()) for split, part in raw.items()}
flow = datasets.load_dataset("org/tiny", "set_1", split="test", streaming=True)
flow = flow.cast_column("image", datasets.Image(decode=False))
here, there = rows(sys.argv[1]), rows("org/tiny")
print(json.dumps([here == there, list(flow) == here["test"][1]]), flush=True)
os._exit(0)  # Arrow's threads can abort Python when it exits after streaming.
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with HubServer() as server:
        yield server


@pytest.fixture
def tiny(tmp_path: Path, pristine_own_dataset: Path) -> Path:
    return Path(shutil.copytree(pristine_own_dataset, tmp_path / "tiny"))


def seal(folder: Path) -> None:
    (folder / CHECKSUMS).unlink(missing_ok=True)
    (folder / CHECKSUMS).write_text(checksums_text(digests(folder)), encoding="utf-8")


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def stored(hub: HubServer, repository: str = "org/tiny") -> dict[str, str]:
    files = hub.dataset(repository).files
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


def push(hub: HubServer, folder: Path, repository: str = "org/tiny", **options: Any) -> Any:
    return push_dataset(repository, folder, **{"endpoint": hub.url, "token": hub.token, **options})


def said(error: pytest.ExceptionInfo[GmbenchError], hub: HubServer | None, folder: Path) -> str:
    text = str(error.value).replace(str(folder), "FOLDER")
    return text.replace(hub.url, "https://hub") if hub else text


# -- the circle --------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_pushed_is_what_load_dataset_reads(
    hub: HubServer, tiny: Path, tmp_path: Path
) -> None:
    result = push(hub, tiny)
    assert (result.created, result.private, result.files) == (True, False, len(digests(tiny)))
    assert result.bytes == sum((tiny / path).stat().st_size for path in digests(tiny))
    assert result.url == f"{hub.url}/datasets/org/tiny"
    assert result.commit == hub.dataset("org/tiny").commit
    assert stored(hub) == digests(tiny)

    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    nowhere = "http://127.0.0.1:9"
    environment = kept | {
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_ENDPOINT": hub.url,
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1",
    }
    process = subprocess.run(
        [sys.executable, "-c", COMPARE, str(tiny)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout) == [True, True]


def test_pushing_again_makes_the_hub_hold_what_is_here(hub: HubServer, tiny: Path) -> None:
    first = push(hub, tiny)
    second = push(hub, tiny)
    assert (second.commit, second.created) == (first.commit, False)
    assert hub.dataset("org/tiny").titles == ["own 1"]

    (tiny / "data" / "train" / "STYLEGAN.parquet").rename(tiny / "data" / "train" / "[1].parquet")
    seal(tiny)
    push(hub, tiny, message="one shard")
    assert hub.dataset("org/tiny").titles == ["own 1", "one shard"]
    assert stored(hub) == digests(tiny)


def test_an_interrupted_push_goes_on(hub: HubServer, tiny: Path) -> None:
    hub.fail("POST /api/datasets/org/tiny/commit", 403, "Request has expired")
    with pytest.raises(HubError, match="403: Request has expired"):
        push(hub, tiny)
    assert stored(hub) == {}
    hub.heal()
    assert not push(hub, tiny).created
    assert stored(hub) == digests(tiny)


def test_a_dry_run_sends_nothing(hub: HubServer, tiny: Path) -> None:
    result = push(hub, tiny, dry_run=True)
    assert (result.created, result.dry_run, result.commit) == (True, True, "")
    assert result.files == len(digests(tiny))
    assert {method for method, _, _ in hub.requests} == {"GET"}
    assert hub.repositories == {}


def test_files_that_are_not_in_the_checksums_stay_here(hub: HubServer, tiny: Path) -> None:
    before = digests(tiny)
    (tiny / "notes.txt").write_text("mine")
    (tiny / "data" / "train" / "mine.txt").write_text("mine")
    (tiny / ".cache").mkdir()
    (tiny / ".cache" / "x").write_text("mine")
    assert push(hub, tiny).left_out == ("data/train/mine.txt", "notes.txt")
    assert stored(hub) == before


def test_a_path_in_the_checksums_does_not_steer_the_terminal(tiny: Path) -> None:
    with (tiny / CHECKSUMS).open("a", encoding="utf-8") as file:
        file.write(f"{'0' * 64}  a\x1b[2J\n")
    with pytest.raises(DatasetError, match=r"  a\\x1b\[2J is missing"):
        check_folder(tiny)


def test_a_change_during_the_push_is_noticed(
    hub: HubServer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = HfApi.upload_folder

    def meddle(api: HfApi, **options: Any) -> Any:
        (tiny / "eval.yaml").write_text("changed", encoding="utf-8")
        return upload(api, **options)

    monkeypatch.setattr(HfApi, "upload_folder", meddle)
    with pytest.raises(HubError, match=r"does not hold what was checked: eval\.yaml"):
        push(hub, tiny)


# -- who may see it ----------------------------------------------------------------------------


def test_a_private_push_is_private(hub: HubServer, tiny: Path) -> None:
    assert push(hub, tiny, private=True).private
    assert hub.dataset("org/tiny").private
    assert push(hub, tiny).private, "an existing repository keeps its visibility"


def test_private_is_not_ignored_where_the_repository_is_public(
    hub: HubServer, tiny: Path, snapshot: SnapshotAssertion
) -> None:
    push(hub, tiny)
    hub.heal()
    with pytest.raises(HubError) as error:
        push(hub, tiny, private=True)
    assert said(error, hub, tiny) == snapshot
    assert {method for method, _, _ in hub.requests} == {"GET"}


def test_the_authors_images_are_not_published(
    hub: HubServer, dataset: Path, snapshot: SnapshotAssertion
) -> None:
    """They are known by the labels of their GMs: the benchmark is called `small`."""
    with pytest.raises(HubError) as error:
        push(hub, dataset)
    assert said(error, hub, dataset) == snapshot
    assert hub.requests == []
    assert push(hub, dataset, private=True).private
    assert not push(hub, dataset, "org/public", has_permission=True).private


def test_a_benchmark_of_ones_own_may_have_any_name(hub: HubServer, tiny: Path) -> None:
    described = json.loads((tiny / "benchmark.json").read_text())
    (tiny / "benchmark.json").write_text(json.dumps({**described, "name": "red116"}))
    seal(tiny)
    assert not push(hub, tiny).private
    assert not push(hub, MINI116, "org/mini116", dry_run=True).private


# -- what is refused here ----------------------------------------------------------------------


def test_a_damaged_folder_never_leaves(
    hub: HubServer, tiny: Path, snapshot: SnapshotAssertion
) -> None:
    (tiny / "data" / "train" / "STYLEGAN.parquet").write_bytes(b"PAR1")
    (tiny / "README.md").unlink()
    with pytest.raises(DatasetError) as error:
        push(hub, tiny)
    assert said(error, hub, tiny) == snapshot
    assert hub.requests == []


def test_a_folder_that_is_no_dataset(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    with pytest.raises(DatasetError) as error:
        check_folder(tmp_path)
    assert said(error, None, tmp_path) == snapshot


@pytest.mark.parametrize(
    "line", ["", "no checksum", f"{'0' * 64}  ../outside", f"{'0' * 64}  /etc/passwd"]
)
def test_checksums_that_are_none(tiny: Path, line: str) -> None:
    with (tiny / "checksums.sha256").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DatasetError) as error:
        check_folder(tiny)
    assert said(error, None, tiny) == (
        f"FOLDER/checksums.sha256, line 12: '{line}' is not the SHA-256 of a file in the folder, "
        "or names it twice. Build the dataset again."
    )


def test_checksums_without_the_files_a_dataset_has(tiny: Path, snapshot: SnapshotAssertion) -> None:
    (tiny / "checksums.sha256").write_text("")
    with pytest.raises(DatasetError) as error:
        check_folder(tiny)
    assert said(error, None, tiny) == snapshot


def test_names_of_repositories(snapshot: SnapshotAssertion) -> None:
    for sound in ("org/name", "me/gm-parsing_1.0", "A/b"):
        check_repository_name(sound)
    wrong = ("name", "a/b/c", "org/", "/name", "org/na me", "org/-name", "org/a--b", "org/a..b", "")
    for name in (*wrong, "o/" + "x" * 97):
        with pytest.raises(HubError, match=f"^'{name}' is not the name of a repository"):
            check_repository_name(name)
    with pytest.raises(HubError) as error:
        check_repository_name("https://huggingface.co/datasets/org/name")
    assert str(error.value) == snapshot


# -- what the Hub refuses ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("repository", "token"),
    [
        ("org/tiny", "hf_mistyped"),
        ("org/tiny", HubServer.read_token),
        ("others/tiny", HubServer.token),
        ("nobody/tiny", HubServer.token),
    ],
    ids=["bad token", "read token", "foreign namespace", "no namespace"],
)
def test_refusals(
    hub: HubServer, tiny: Path, repository: str, token: str, snapshot: SnapshotAssertion
) -> None:
    with pytest.raises(HubError) as error:
        push(hub, tiny, repository, token=token)
    assert said(error, hub, tiny) == snapshot
    assert hub.repositories == {}


@pytest.mark.parametrize("status", [402, 409, 429, 503])
def test_answers_that_are_no_success(
    hub: HubServer, tiny: Path, status: int, snapshot: SnapshotAssertion
) -> None:
    hub.fail("POST /api/repos/create", status, "Said by the Hub.")
    with pytest.raises(HubError) as error:
        push(hub, tiny)
    assert said(error, hub, tiny) == snapshot


def test_a_slow_hub(hub: HubServer, tiny: Path, snapshot: SnapshotAssertion) -> None:
    hub.delay("GET /api/datasets", 1.0)
    with pytest.raises(HubError) as error:
        push(hub, tiny, timeout=0.2)
    assert said(error, hub, tiny) == snapshot


def test_a_hub_that_hangs_up(hub: HubServer, tiny: Path) -> None:
    push(hub, tiny)
    hub.cut("GET /api/datasets", 10)
    with pytest.raises(HubError, match="cannot be reached"):
        push(hub, tiny)


def test_a_hub_that_is_not_there(tiny: Path, snapshot: SnapshotAssertion) -> None:
    with HubServer() as gone:
        port = gone.url.rpartition(":")[2]
    with pytest.raises(HubError) as error:
        push_dataset("org/tiny", tiny, endpoint=f"http://127.0.0.1:{port}", token="hf_write")
    assert re.sub(r"Errno \d+", "Errno N", str(error.value).replace(str(port), "PORT")) == snapshot


def test_what_breaks_off_for_no_known_reason_names_another_way(
    hub: HubServer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(api: HfApi, **options: Any) -> Any:
        raise RuntimeError("Data processing error: storage is not there")

    monkeypatch.setattr(HfApi, "upload_folder", fail)
    with pytest.raises(HubError, match=r"storage is not there.*HF_HUB_DISABLE_XET=1"):
        push(hub, tiny)


def test_offline(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_write")
    done = gmbench("data", "push", "org/tiny", "--data", str(tiny), cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout, done.stderr) == snapshot


# -- the command -------------------------------------------------------------------------------


def test_the_command_without_a_token(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    done = gmbench("data", "push", "org/tiny", "--data", str(tiny), cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout, done.stderr) == snapshot


def test_the_command(
    hub: HubServer,
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    snapshot: SnapshotAssertion,
) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.token)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    start = ("data", "push", "org/tiny", "--data", str(tiny))
    first = gmbench(*start, "--private", cwd=tmp_path, offline=False)
    commit = hub.dataset("org/tiny").commit
    printed = first.stdout.replace(hub.url, "https://hub").replace(commit, "COMMIT")
    printed = re.sub(r"[0-9.]+ MB", "N MB", printed)
    assert [line.rstrip() for line in printed.splitlines() if line.strip(" ─")] == snapshot
    assert first.stderr.splitlines()[-1] == 'Load it: datasets.load_dataset("org/tiny")'
    again = gmbench(*start, "--json", cwd=tmp_path, offline=False)
    facts = json.loads(again.stdout)
    assert (facts["commit"], facts["created"], facts["private"]) == (commit, False, True)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_quiet_draws_no_bars_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[bool] = []

    def refuse(*_: Any, show_bars: bool, **__: Any) -> None:
        shown.append(show_bars)
        raise HubError("no")

    monkeypatch.setattr("gmbench.data.hub.push_dataset", refuse)
    monkeypatch.setattr("tests.commands.io.StringIO", _Terminal)
    for quiet in (["--quiet"], []):
        gmbench(*quiet, "data", "push", "org/tiny", cwd=tmp_path, check=False)
    assert shown == [False, True]
