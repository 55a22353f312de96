"""Pushing to a Hub on 127.0.0.1 with an unmodified huggingface_hub, and loading it back."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from syrupy.assertion import SnapshotAssertion

from gmbench.data.hub import check_repository_name, push_dataset
from gmbench.data.pushable import check_folder
from gmbench.errors import DatasetError, GmbenchError, HubError
from tests.data.hub_server import HubServer

# huggingface_hub uploads to LFS in a way that its own HTTP library frowns upon.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

CARD = """---
license: mit
configs:
- config_name: set_1
  default: true
  data_files:
  - split: train
    path: data/rest-*.parquet
  - split: test
    path: data/set_1-*.parquet
---
# A tiny dataset
"""
FEATURES = {"image": {"_type": "Image"}, "image_id": {"dtype": "string", "_type": "Value"}}

LOAD = """
import hashlib, json, os, datasets, huggingface_hub, pathlib
def digests(rows):
    return {row["image_id"]: hashlib.sha256(row["image"]["bytes"]).hexdigest() for row in rows}
raw = datasets.Image(decode=False)
whole = datasets.load_dataset("org/tiny", "set_1").cast_column("image", raw)
flow = datasets.load_dataset("org/tiny", "set_1", split="test", streaming=True)
copy = pathlib.Path(huggingface_hub.snapshot_download("org/tiny", repo_type="dataset"))
print(json.dumps({
    "train": digests(whole["train"]),
    "test": digests(whole["test"]),
    "flow": digests(flow.cast_column("image", raw)),
    "files": {p.relative_to(copy).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
              for p in copy.rglob("*") if p.is_file()},
}), flush=True)
os._exit(0)  # Arrow's threads can abort Python when it exits after streaming.
"""

COMPARE = """
import json, sys, datasets, gmbench
def rows(where, config):
    loaded = gmbench.load_dataset(where, config)
    raw = loaded.cast_column("image", datasets.Image(decode=False))
    return {split: (str(part.features), part.to_list()) for split, part in raw.items()}
print(json.dumps([rows(sys.argv[1], one) == rows("org/tiny", one) for one in ("set_1", "set_2")]))
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with HubServer() as server:
        yield server


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / "tiny")


def make_dataset(folder: Path, benchmark: str = "zoo") -> Path:
    """Writes a dataset folder of two shards with three images each."""
    (folder / "data").mkdir(parents=True)
    write_shard(folder / "data" / "set_1-00000.parquet", "A", 1)
    write_shard(folder / "data" / "rest-00000.parquet", "B", 2)
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    (folder / "gms.csv").write_text("gm,kind\nA,GAN\nB,VAE\n", encoding="utf-8")
    (folder / "benchmark.json").write_text(json.dumps({"name": benchmark, "version": "1.0"}))
    seal(folder)
    return folder


def write_shard(path: Path, gm: str, colour: int) -> None:
    rows = []
    for number in range(3):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8), (colour, number, 0)).save(buffer, "PNG")
        image = {"bytes": buffer.getvalue(), "path": None}
        rows.append({"image": image, "image_id": f"{gm}/{number:06d}"})
    kinds = [("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))]
    about = {"huggingface": json.dumps({"info": {"features": FEATURES}})}
    schema = pa.schema([*kinds, ("image_id", pa.string())], metadata=about)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def seal(folder: Path) -> None:
    (folder / "checksums.sha256").unlink(missing_ok=True)
    lines = [f"{digest}  {path}\n" for path, digest in sorted(digests(folder).items())]
    (folder / "checksums.sha256").write_text("".join(lines), encoding="utf-8")


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def push(hub: HubServer, folder: Path, repository: str = "org/tiny", **options: Any) -> Any:
    return push_dataset(repository, folder, **{"endpoint": hub.url, "token": hub.token, **options})


def isolated(tmp_path: Path, **variables: str) -> dict[str, str]:
    """Returns an environment without tokens, caches and ways out of this machine."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    nowhere = "http://127.0.0.1:9"
    return {
        **kept,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1",
        **variables,
    }


def gmbench(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from gmbench.cli import main; main()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def said(error: pytest.ExceptionInfo[GmbenchError], hub: HubServer | None, folder: Path) -> str:
    text = str(error.value).replace(str(folder), "FOLDER")
    return text.replace(hub.url, "https://hub") if hub else text


# -- the circle --------------------------------------------------------------------------------


def test_what_is_pushed_is_what_load_dataset_reads(
    hub: HubServer, tiny: Path, tmp_path: Path
) -> None:
    result = push(hub, tiny)

    assert (result.created, result.private, result.files, result.unchanged) == (True, False, 6, 0)
    assert result.url == f"{hub.url}/datasets/org/tiny"
    assert result.commit == hub.dataset("org/tiny").refs["main"]
    stored = hub.dataset("org/tiny").files
    assert {p: hashlib.sha256(b).hexdigest() for p, b in stored.items()} == digests(tiny)

    environment = isolated(tmp_path, HF_ENDPOINT=hub.url)
    process = subprocess.run(
        [sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    loaded = json.loads(process.stdout)
    for split, shard in (("train", "rest"), ("test", "set_1"), ("flow", "set_1")):
        rows = pq.read_table(tiny / "data" / f"{shard}-00000.parquet").to_pylist()
        expected = {r["image_id"]: hashlib.sha256(r["image"]["bytes"]).hexdigest() for r in rows}
        assert loaded[split] == expected
    assert loaded["files"].pop(".gitattributes")
    assert loaded["files"] == digests(tiny)


@pytest.mark.slow
def test_what_the_builder_makes_loads_from_the_hub(
    hub: HubServer, pristine_dataset: Path, tmp_path: Path
) -> None:
    assert push(hub, pristine_dataset).left_out == ()
    environment = isolated(tmp_path, HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
    process = subprocess.run(
        [sys.executable, "-c", COMPARE, str(pristine_dataset)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout) == [True, True]


def test_pushing_again_sends_only_what_changed(hub: HubServer, tiny: Path) -> None:
    first = push(hub, tiny)
    hub.heal()
    second = push(hub, tiny)
    assert (second.commit, second.created, second.uploaded) == (first.commit, False, ())
    assert second.unchanged == 6
    assert {method for method, _, _ in hub.requests} == {"GET"}

    (tiny / "data" / "rest-00000.parquet").rename(tiny / "data" / "rest-00001.parquet")
    write_shard(tiny / "data" / "set_1-00000.parquet", "A", 9)
    seal(tiny)
    hub.heal()
    third = push(hub, tiny, message="one shard")
    assert third.removed == ("data/rest-00000.parquet",)
    assert third.uploaded == (
        "checksums.sha256",
        "data/rest-00001.parquet",
        "data/set_1-00000.parquet",
    )
    # The renamed shard's bytes are on the Hub already, so one object travels and not two.
    assert hub.uploads == [(tiny / "data" / "set_1-00000.parquet").stat().st_size]
    repository = hub.dataset("org/tiny")
    assert [commit.title for _, commit in repository.log("main")][:2] == ["one shard", "zoo 1.0"]
    assert {p: hashlib.sha256(b).hexdigest() for p, b in repository.files.items()} == digests(tiny)


def test_an_interrupted_push_goes_on(hub: HubServer, tiny: Path) -> None:
    shard = hashlib.sha256((tiny / "data" / "rest-00000.parquet").read_bytes()).hexdigest()
    hub.fail(f"PUT /lfs/{shard}", 403, "Request has expired")
    with pytest.raises(HubError, match="403: Request has expired"):
        push(hub, tiny)
    assert hub.dataset("org/tiny").files == {}
    hub.heal()
    result = push(hub, tiny)
    assert not result.created
    assert hub.uploads == [(tiny / "data" / "rest-00000.parquet").stat().st_size]


def test_a_dry_run_sends_nothing(hub: HubServer, tiny: Path) -> None:
    result = push(hub, tiny, dry_run=True)
    assert (result.created, result.dry_run, result.commit) == (True, True, "")
    assert len(result.uploaded) == 6
    assert {method for method, _, _ in hub.requests} == {"GET"}
    assert hub.repositories == {}


def test_files_that_are_not_in_the_checksums_stay_here(hub: HubServer, tiny: Path) -> None:
    (tiny / "notes.txt").write_text("mine")
    (tiny / ".cache").mkdir()
    (tiny / ".cache" / "x").write_text("mine")
    assert push(hub, tiny).left_out == ("notes.txt",)
    assert hub.dataset("org/tiny").files.keys() == digests(tiny).keys() - {
        ".cache/x",
        "notes.txt",
    }


def test_many_files(hub: HubServer, tiny: Path) -> None:
    folder = tiny / "data" / "rest"
    folder.mkdir()
    for number in range(120):
        (folder / f"{number}.parquet").write_bytes(b"PAR1 %d" % number)
    seal(tiny)
    for surplus in (folder / ".hidden", folder / "mine.txt", tiny / ".build.json"):
        surplus.write_text("mine")
    assert len(push(hub, tiny).uploaded) == 126
    assert "data/rest/mine.txt" not in hub.dataset("org/tiny").files

    for number in range(1, 120):
        (folder / f"{number}.parquet").unlink()
    (tiny / ".build.json").unlink()
    seal(tiny)
    (folder / "mine.txt").unlink()
    (folder / ".hidden").unlink()
    seal(tiny)
    result = push(hub, tiny)
    assert (len(result.removed), result.uploaded) == (119, ("checksums.sha256",))
    assert hub.dataset("org/tiny").files.keys() == digests(tiny).keys()


def test_a_change_during_the_push_is_noticed(hub: HubServer, tiny: Path) -> None:
    def meddle(done: int, total: int) -> None:
        if done == total:
            (tiny / "gms.csv").write_text("gm,kind\nA,VAE\nB,VAE\n", encoding="utf-8")

    with pytest.raises(HubError, match=r"does not hold what was sent: gms\.csv"):
        push(hub, tiny, advance=meddle)


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


@pytest.mark.parametrize("benchmark", ["red116", "RED116-dm", "red140"])
def test_the_authors_images_are_not_published(
    hub: HubServer, tmp_path: Path, benchmark: str, snapshot: SnapshotAssertion
) -> None:
    folder = make_dataset(tmp_path / "images", benchmark)
    with pytest.raises(HubError) as error:
        push(hub, folder)
    assert said(error, hub, folder) == snapshot
    assert hub.requests == []
    assert push(hub, folder, private=True).private
    assert not push(hub, folder, "org/public", has_permission=True).private


# -- what is refused here ----------------------------------------------------------------------


def test_a_damaged_folder_never_leaves(
    hub: HubServer, tiny: Path, snapshot: SnapshotAssertion
) -> None:
    (tiny / "data" / "rest-00000.parquet").write_bytes(b"PAR1")
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
def test_checksums_that_are_none(tiny: Path, line: str, snapshot: SnapshotAssertion) -> None:
    with (tiny / "checksums.sha256").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DatasetError) as error:
        check_folder(tiny)
    assert said(error, None, tiny) == snapshot


def test_checksums_without_the_files_a_dataset_has(tiny: Path, snapshot: SnapshotAssertion) -> None:
    (tiny / "checksums.sha256").write_text("")
    with pytest.raises(DatasetError) as error:
        check_folder(tiny)
    assert said(error, None, tiny) == snapshot


def test_names_of_repositories(snapshot: SnapshotAssertion) -> None:
    for sound in ("org/name", "me/gm-parsing_1.0", "A/b"):
        check_repository_name(sound)
    messages = []
    wrong = ("name", "a/b/c", "org/", "/name", "org/na me", "org/-name", "org/a--b", "org/a..b", "")
    for name in (*wrong, "https://huggingface.co/datasets/org/name", "o/" + "x" * 97):
        with pytest.raises(HubError) as error:
            check_repository_name(name)
        messages.append(str(error.value))
    assert messages == snapshot


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


@pytest.mark.parametrize("status", [400, 402, 409, 429, 500, 503])
def test_answers_that_are_no_success(
    hub: HubServer, tiny: Path, status: int, snapshot: SnapshotAssertion
) -> None:
    hub.fail("POST /api/repos/create", status, "Said by the Hub.")
    with pytest.raises(HubError) as error:
        push(hub, tiny)
    assert said(error, hub, tiny) == snapshot


def test_a_hub_that_stumbles_once_is_asked_again(hub: HubServer, tiny: Path) -> None:
    hub.fail("PUT /lfs/", 500, times=1)
    assert len(push(hub, tiny).uploaded) == 6


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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(HubError) as error:
        push_dataset("org/tiny", tiny, endpoint=f"http://127.0.0.1:{port}", token="hf_write")
    assert re.sub(r"Errno \d+", "Errno N", str(error.value).replace(str(port), "PORT")) == snapshot


def test_a_hub_without_xet(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    pytest.importorskip("hf_xet")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", False)
    with HubServer() as hub, pytest.raises(HubError, match="HF_HUB_DISABLE_XET=1"):
        push(hub, tiny)


def test_offline(tiny: Path, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    environment = isolated(tmp_path, HF_HUB_OFFLINE="1", HF_TOKEN="hf_write")
    process = gmbench("data", "push", "org/tiny", "--data", str(tiny), environment=environment)
    assert (process.returncode, process.stdout, process.stderr) == snapshot


# -- the command -------------------------------------------------------------------------------


def test_the_command_without_a_token(
    tiny: Path, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    environment = isolated(tmp_path)
    environment.pop("HF_TOKEN", None)
    process = gmbench("data", "push", "org/tiny", "--data", str(tiny), environment=environment)
    assert (process.returncode, process.stdout, process.stderr) == snapshot


def test_the_command(
    hub: HubServer, tiny: Path, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    environment = isolated(tmp_path, HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
    start = ("data", "push", "org/tiny", "--data", str(tiny))
    first = gmbench(*start, "--private", environment=environment)
    commit = hub.dataset("org/tiny").refs["main"]
    printed = first.stdout.replace(hub.url, "https://hub").replace(commit, "COMMIT")
    shown = [line.rstrip() for line in printed.splitlines() if line.strip(" ─")]
    assert (first.returncode, shown) == snapshot
    assert "HF_HUB_DISABLE" not in first.stderr
    again = gmbench(*start, "--json", environment=environment)
    facts = json.loads(again.stdout)
    assert (facts["commit"], facts["uploaded"], facts["private"]) == (commit, [], True)


# -- the server's other half, for leaderboard submissions ----------------------------------------


def test_a_pull_request_to_a_model_repository(hub: HubServer) -> None:
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=hub.token)
    api.create_repo("org/parser")
    made = api.create_commit(
        "org/parser",
        [CommitOperationAdd(".eval_results/gm.yaml", b"- value: 0.1\n")],
        commit_message="Results",
        create_pr=True,
    )
    assert (made.pr_num, made.pr_revision) == (1, "refs/pr/1")
    repository = hub.repositories["model", "org/parser"]
    assert repository.files == {}
    assert api.get_discussion_details("org/parser", 1).status == "open"
    api.merge_pull_request("org/parser", 1)
    assert repository.files == {".eval_results/gm.yaml": b"- value: 0.1\n"}
    assert [one.status for one in api.get_repo_discussions("org/parser")] == ["merged"]
