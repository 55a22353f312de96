"""Long runs: what is there in the end, whatever happened on the way."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gmbench.benchmark.benchmark import MINI116, Benchmark, load_benchmark
from gmbench.data.features import shard_path
from gmbench.errors import GmbenchError
from gmbench.files import WriteError
from gmbench.parsing import engines
from gmbench.parsing.expanding import names_of
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.load import load_parser
from gmbench.parsing.long_run import LongRun, parse_to_folder
from gmbench.parsing.looking import PartTask, parse_part
from gmbench.parsing.work import WorkError, begin
from gmbench.predictions.predictions import validate_predictions
from gmbench.schema import NAMES
from tests.data.image_host import ImageHost
from tests.data.test_image_streams import tar_of
from tests.parsing.mini_images import save_images
from tests.processes import one_after_the_other
from tests.training.test_checkpoint import checkpoint_of

RUN = """
import os, signal, sys
from pathlib import Path
from gmbench.parsing import engines, manifest, parts
from gmbench.parsing.expanding import names_of
from gmbench.parsing.long_run import parse_to_folder

where, when = sys.argv[3], int(sys.argv[4])
counted = 0

def killing(function, before):
    def called(*arguments, **options):
        global counted
        counted += 1
        if before and counted == when:
            os.kill(os.getpid(), signal.SIGKILL)
        made = function(*arguments, **options)
        if not before and counted == when:
            os.kill(os.getpid(), signal.SIGKILL)
        return made
    return called

engines.in_processes = lambda function, tasks, jobs, name: ((t, function(t)) for t in tasks)
if where == "in a part":
    parts.PartFile.add = killing(parts.PartFile.add, before=False)
elif where == "before a part is named":
    parts.rename_durably = killing(parts.rename_durably, before=True)
elif where == "after a part is named":
    parts.rename_durably = killing(parts.rename_durably, before=False)
elif where == "before the manifest":
    manifest.write_whole = killing(manifest.write_whole, before=True)
parse_to_folder(names_of([sys.argv[1]]), Path(sys.argv[2]), part_images=5, jobs=1)
"""


@pytest.fixture(autouse=True)
def in_this_process() -> Iterator[None]:
    with one_after_the_other(engines):
        yield


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 22 images of two GMs, one of them broken."""
    place = tmp_path_factory.mktemp("images")
    save_images("MINI_DCGAN", place / "a", 10)
    save_images("MINI_BETA_B", place / "b", 11)
    (place / "b" / "broken.png").write_bytes((place / "b" / "0.png").read_bytes()[:200])
    return place


@pytest.fixture(scope="module")
def undisturbed(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run in five parts that tests only read."""
    folder = tmp_path_factory.mktemp("runs") / "undisturbed"
    with one_after_the_other(engines):
        run(images, folder)
    return folder


def run(source: object, folder: Path, **options: Any) -> LongRun:
    return parse_to_folder(names_of([str(source)]), folder, **{"part_images": 5, **options})


def parts_of(folder: Path) -> dict[str, str]:
    """SHA-256 of each file in the folder of parts, temporary ones too."""
    return {
        path.name: sha256(path.read_bytes()).hexdigest() for path in (folder / "parts").iterdir()
    }


def rows_of(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "parts")


def test_a_row_an_image_in_the_columns_of_a_prediction_file(
    undisturbed: Path, images: Path
) -> None:
    rows = rows_of(undisturbed)
    assert len(rows) == 22
    assert set(NAMES) < set(rows.columns)
    assert rows["image_id"].tolist() == list(names_of([str(images)]))
    broken = rows[rows["reason"].notna()]
    assert broken["image_id"].tolist() == [f"{images}/b/broken.png"]
    assert "truncated" in broken["reason"].item()
    assert broken[list(NAMES)].isna().all(axis=None)
    assert rows[rows["reason"].isna()][list(NAMES)].notna().all(axis=None)


def test_each_row_is_what_parse_says_of_the_image(undisturbed: Path, images: Path) -> None:
    row, parser = rows_of(undisturbed).iloc[3], load_parser()
    assert isinstance(parser, KnownGMs)
    for parameter in parser.parse(row["image_id"]).parameters:
        if parameter.type == "discrete":
            assert row[parameter.name] == parameter.value
    with Image.open(row["image_id"]) as image:
        counts = parser.labels.counts(parser.parse_each([image]))[0]
    assert row[list(NAMES)[:9]].to_numpy(float) == pytest.approx(counts, rel=1e-6)


def test_the_manifest_says_what_is_done(undisturbed: Path) -> None:
    manifest = json.loads((undisturbed / "manifest.json").read_text())
    assert (manifest["rows"], manifest["failures"], manifest["n_parts"]) == (22, 1, 5)
    assert {f"part-{one['part']:05}.parquet": one["sha256"] for one in manifest["parts"]} == (
        parts_of(undisturbed)
    )


def test_predictions_of_a_dataset_can_be_scored(tmp_path: Path) -> None:
    shard = MINI116 / shard_path(load_benchmark("mini116"), "MINI_BETA_B")
    run(shard, tmp_path / "out")
    for place in ("out", "out/parts", "out/parts/part-00000.parquet"):
        checked = validate_predictions(tmp_path / place, "mini116", partial=True)
        assert checked.checklist.ok, checked.checklist.text()
        assert len(checked.predictions or ()) == 48


def test_what_is_done_is_not_done_again(
    undisturbed: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = parts_of(undisturbed)
    monkeypatch.setattr("gmbench.parsing.engines.parse_part", None)
    again = run(images, undisturbed)
    assert (again.parts, again.parts_before, again.images_now) == (5, 5, 0)
    assert parts_of(undisturbed) == before


def test_machines_together_do_the_whole(undisturbed: Path, images: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    found = [
        run(
            images,
            tmp_path,
            shard=(n, 3),
            progress=lambda _, done, total: told.append((done, total)),
        )
        for n in range(3)
    ]
    assert [one.images for one in found] == [10, 7, 5]
    assert told == [(0, 10), (5, 10), (10, 10), (0, 7), (5, 7), (7, 7), (0, 5), (5, 5)]
    assert parts_of(tmp_path) == parts_of(undisturbed)
    assert {path.name for path in tmp_path.glob("*.json")} == {
        f"manifest-{n}-of-3.json" for n in range(3)
    }
    whole = run(images, tmp_path)
    assert (whole.parts, whole.parts_before) == (5, 5)
    assert (tmp_path / "manifest.json").read_bytes() == (undisturbed / "manifest.json").read_bytes()


@pytest.mark.parametrize("change", ["parser", "images", "part_images"])
def test_another_run_in_the_folder_is_refused(
    change: str, undisturbed: Path, images: Path, trained: tuple[Path, dict[str, Any]]
) -> None:
    before = parts_of(undisturbed)
    options: dict[str, Any] = {"parser": {"model": trained[0]}, "part_images": {"part_images": 4}}
    source = images / "a" if change == "images" else images
    with pytest.raises(WorkError, match="undisturbed holds"):
        run(source, undisturbed, **options.get(change, {}))
    assert parts_of(undisturbed) == before


def test_a_part_that_was_changed_is_named(images: Path, tmp_path: Path) -> None:
    run(images / "a", tmp_path)
    part = tmp_path / "parts" / "part-00001.parquet"
    part.write_bytes(part.read_bytes() + b"x")
    with pytest.raises(WriteError, match=r"part-00001.parquet is not the file that was written"):
        run(images / "a", tmp_path)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(WriteError, match=r"part-00001.parquet is not a part that was written"):
        run(images / "a", tmp_path)
    part.unlink()
    assert run(images / "a", tmp_path).images == 10


def test_two_calls_do_not_share_the_same_parts(images: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    run(images / "a", tmp_path)
    with (
        FileLock(tmp_path / "run" / "lock-0-of-1"),
        pytest.raises(WorkError, match="Another call is at work on 0/1"),
    ):
        run(images / "a", tmp_path)


def test_shares_that_overlap_are_not_done_at_once(images: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    run(images / "a", tmp_path, shard=(1, 6))
    with FileLock(tmp_path / "run" / "lock-1-of-6"):
        # Another call would take what this one is writing for what was left behind.
        for shard in ((0, 1), (1, 3), (3, 4)):
            with pytest.raises(WorkError, match="Another call is at work on 1/6"):
                run(images / "a", tmp_path, shard=shard)
        run(images / "a", tmp_path, shard=(0, 2))
    assert run(images / "a", tmp_path).images == 10


def test_a_part_that_was_deleted_and_done_again_is_the_new_one(
    images: Path, tmp_path: Path
) -> None:
    late, listed = tmp_path / "late.png", tmp_path / "list.txt"
    listed.write_text(f"{images / 'a' / '0.png'}\n{late}\n")
    for shard in ((0, 2), (1, 2)):
        parse_to_folder(names_of([], [listed]), tmp_path / "out", shard=shard)
    late.write_bytes((images / "a" / "1.png").read_bytes())
    (tmp_path / "out" / "parts" / "part-00000.parquet").unlink()
    for _ in range(2):
        assert parse_to_folder(names_of([], [listed]), tmp_path / "out").failures == 0


def test_a_list_of_addresses(images: Path, tmp_path: Path) -> None:
    with ImageHost() as host:
        host.files = {f"/{n}.png": (images / "a" / f"{n}.png").read_bytes() for n in range(4)}
        host.files["/page.png"] = b"<html><title>Gone</title>"
        host.delay("GET /2.png", 5.0)
        listed = tmp_path / "list.txt"
        names = ("0", "none", "1", "2", "page", "3")
        listed.write_text("".join(f"{host.url}/{name}.png\n" for name in names))
        parse_to_folder(names_of([], [listed]), tmp_path / "out", patience=1.0)
    rows = rows_of(tmp_path / "out")
    reasons = dict(zip(names, rows["reason"], strict=True))
    assert [name for name in names if pd.isna(reasons[name])] == ["0", "1", "3"]
    assert "404" in reasons["none"]
    assert "in time" in reasons["2"]
    assert "Gone" in reasons["page"]


def test_what_could_not_be_reached_is_tried_by_the_next_call(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmbench.parsing.looking._PAUSE", 0.0)
    image = (images / "a" / "0.png").read_bytes()
    with ImageHost() as host:
        host.files = {f"/{n}.tar": tar_of({f"{n}.png": image}) for n in range(3)}
        host.fail("GET /1.tar", 503)
        source = f"{host.url}/{{0..2}}.tar"
        first = run(source, tmp_path)
        assert first.images == 2
        assert list(first.unread) == [1]
        assert "503" in first.unread[1]
        assert json.loads((tmp_path / "manifest.json").read_text())["unread"].keys() == {"1"}
        host.heal()
        second = run(source, tmp_path)
    assert (second.images, second.parts_before, second.unread) == (3, 2, {})
    assert [path for _, path, _ in host.requests] == ["/1.tar"]


def test_a_network_parses_too(families: Benchmark, images: Path, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(families)
    checkpoint.save_pretrained(tmp_path / "model")
    run(images / "a", tmp_path / "out", model=tmp_path / "model", device="cpu")
    rows = rows_of(tmp_path / "out")
    with Image.open(rows["image_id"][7]) as image:
        said = checkpoint.parse_each([image])
    assert rows.loc[7, list(NAMES)[15:]].to_numpy(float) == pytest.approx(
        said.loss_scores[0], abs=1e-5
    )


def test_another_parser_on_another_machine_is_noticed(images: Path, tmp_path: Path) -> None:
    work = begin(tmp_path, names_of([str(images)]), 5, {"parser_sha256": "", "sources": []})
    with pytest.raises(WorkError, match="is not the parser that the run was begun with"):
        parse_part(PartTask(work.folder, work.parts[0], None, "0" * 64))
    assert not list((tmp_path / "parts").glob("*"))


def test_engines_and_shards_have_names(images: Path, tmp_path: Path) -> None:
    with pytest.raises(GmbenchError, match=r"Engine 'rey'.*Did you mean ray"):
        run(images, tmp_path / "out", engine="rey")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "when", "done"),
    [
        ("in a part", 3, 2),
        ("before a part is named", 3, 2),
        ("after a part is named", 2, 2),
        ("before the manifest", 1, 5),
    ],
)
def test_a_killed_run_ends_as_if_it_had_not_been(
    where: str, when: int, done: int, undisturbed: Path, images: Path, tmp_path: Path
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", RUN, str(images), str(tmp_path), where, str(when)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    there = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "parts").glob("part-*")}
    assert len(there) == done
    assert set(there) <= set(parts_of(undisturbed))
    again = run(images, tmp_path)
    assert again.parts_before == done
    assert parts_of(tmp_path) == parts_of(undisturbed)
    assert (tmp_path / "manifest.json").read_bytes() == (undisturbed / "manifest.json").read_bytes()
    after = {name: (tmp_path / "parts" / name).stat().st_mtime_ns for name in there}
    assert after == there


@pytest.mark.slow
def test_processes_end_with_a_killed_run(images: Path, undisturbed: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gmbench", "parse", str(images), "--out", str(tmp_path)]
    command += ["--jobs", "2", "--part-images", "5"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 120
        while not list((tmp_path / "parts").glob("part-*")) and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert parts_of(tmp_path) == parts_of(undisturbed)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_ray_gives_the_same_bytes(images: Path, undisturbed: Path, tmp_path: Path) -> None:
    found = run(images, tmp_path, engine="ray", jobs=2)
    assert (found.images, found.failures) == (22, 1)
    assert parts_of(tmp_path) == parts_of(undisturbed)


MEASURE = """
import re, sys
from pathlib import Path
import numpy as np
from gmbench.data.rgb import rgb_pixels
from gmbench.parsing import known_gms
from gmbench.parsing.load import load_parser, parser_sha256
from gmbench.parsing.looking import PartTask, parse_part
from gmbench.parsing.work import begin

def features(images):  # What would take most of the time, and holds few images in any case.
    for image in images:
        yield np.full((1, n_features), rgb_pixels(image).mean(), np.float32)

n_features = len(load_parser().distances.mean)
known_gms._features = features
facts = {"parser": "", "parser_sha256": "", "sources": []}
work = begin(Path(sys.argv[2]), [sys.argv[1]], 10, facts)
outcome = parse_part(PartTask(work.folder, work.parts[0], None, parser_sha256()))
# Not ru_maxrss: that of a new process begins with what its parent held.
print(outcome.record.rows, *re.findall(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc says how much a process has taken")
def test_memory_does_not_grow_with_the_images(tmp_path: Path) -> None:
    taken, some = {}, [png_of(seed) for seed in range(100)]
    for number in (2_000, 20_000):
        path = tmp_path / f"{number}.tar"
        path.write_bytes(tar_of({f"{n}.png": some[n % 100] for n in range(number)}))
        places = map(str, (path, tmp_path / str(number)))
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *places], check=True, capture_output=True, text=True
        )
        rows, kilobytes = map(int, done.stdout.split())
        assert rows == number
        taken[number] = kilobytes / 1024
    assert taken[20_000] < taken[2_000] + 25, taken


def png_of(seed: int) -> bytes:
    """An image of 8 by 8 pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
