from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gmbench.benchmark.benchmark import Benchmark
from gmbench.models.settings import SettingError
from gmbench.models.targets import TrainingTargets
from gmbench.progress import Progress
from gmbench.training.batches import Batches
from gmbench.training.cache import CachedImages
from gmbench.training.config import TrainingConfig, TrainingError
from gmbench.training.loop import LOG, TrainingRun, step_size, train
from gmbench.training.methods import build_method
from gmbench.training.state import STATE, Standing, save_state
from gmbench.training.validation import validation_error
from tests.training.families import TINY, targets_of

Train = Callable[..., TrainingRun]
Kept = tuple[TrainingRun, Path]


@pytest.fixture
def trained(families: Benchmark, family_images: CachedImages) -> Train:
    """Trains on set_1 of the families, on the CPU."""

    def run(config: TrainingConfig, folder: Path | None = None, **options: Any) -> TrainingRun:
        options = {"targets": targets_of(families), "device": "cpu", **options}
        return train(config, images=family_images, folder=folder, **options)

    return run


@pytest.fixture(scope="module")
def once(
    families: Benchmark, family_images: CachedImages, tmp_path_factory: pytest.TempPathFactory
) -> Kept:
    folder = tmp_path_factory.mktemp("once")
    run = train(TINY, targets_of(families), family_images, device="cpu", folder=folder)
    return run, folder


@pytest.fixture
def kept(once: Kept, tmp_path: Path) -> Kept:
    """A training that is done, and a folder with its state for a test to spoil."""
    return once[0], Path(shutil.copytree(once[1], tmp_path / "kept"))


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    weights, others = first.state_dict(), second.state_dict()
    return weights.keys() == others.keys() and all(
        torch.equal(tensor, others[name]) for name, tensor in weights.items()
    )


class StoppedError(Exception):
    """What stops a training in a test."""


def stopping(at: int) -> Progress:
    def progress(what: str, done: int, total: int | None) -> None:
        if done == at:
            raise StoppedError

    return progress


RESUMED = {
    "plain": TINY.changed({"epochs": 3}),
    "all at once": TINY.changed(
        {"epochs": 3, "model.dropout": 0.3, "schedule": "cosine", "warmup": 0.2, "clip": 0.5,
         "accumulate": 2, "balanced": True, "weight_decay": 0.01, "batch_size": 20}
    ),
    "graph": TINY.changed(
        {"method": "graph", "epochs": 3,
         "model": {"trace_depth": 2, "trace_width": 4, "trunk_widths": [4], "node_width": 4}}
    ),
    "bf16": TINY.changed({"epochs": 3, "precision": "bf16"}),
}  # fmt: skip


def test_few_images_are_seen_in_more_epochs(trained: Train) -> None:
    steps = trained(TINY.changed({"epochs": 1})).log[-1]["step"]
    assert trained(TINY.changed({"epochs": 1, "steps": steps})).log[-1]["epoch"] == 1
    more = trained(TINY.changed({"epochs": 1, "steps": 2 * steps + 1, "schedule": "cosine"}))
    assert more.log[-1]["epoch"] == 3
    # The step size falls over all of them.
    assert more.log[-1]["learning_rate"] < 0.1 * more.log[0]["learning_rate"]


@pytest.mark.parametrize("config", RESUMED.values(), ids=RESUMED)
def test_a_resumed_training_ends_with_the_same_bits(
    config: TrainingConfig, trained: Train, tmp_path: Path
) -> None:
    whole = trained(config)
    steps = whole.log[0]["step"]
    # In the middle of the second epoch, then at the beginning of the third.
    for number, at in enumerate((steps + 2, 2 * steps + 1), start=1):
        with pytest.raises(StoppedError):
            trained(config, tmp_path, progress=stopping(at))
        assert json.loads((tmp_path / LOG).read_text().splitlines()[-1])["epoch"] == number
    resumed = trained(config, tmp_path)
    assert resumed.resumed_at == 2
    assert same_weights(whole.network, resumed.network)
    for entry, other in zip(whole.log, resumed.log, strict=True):
        assert {**entry, "seconds": 0} == {**other, "seconds": 0}
    again = trained(config, tmp_path)
    assert again.resumed_at == 3
    assert same_weights(whole.network, again.network)


KILLED = """
import sys
from pathlib import Path
from gmbench.benchmark.benchmark import read_benchmark
from gmbench.training.cache import cached_images
from gmbench.training.loop import train
from gmbench.training.views import Resized
from tests.training.families import SIDE, TINY, targets_of

if __name__ == "__main__":
    dataset, cache, folder = map(Path, sys.argv[1:])
    images = cached_images(dataset, Resized(SIDE), jobs=1, cache=cache)
    def progress(what, done, total):
        print(done, flush=True)
    train(TINY.changed({"epochs": 4}), targets_of(read_benchmark(dataset)), images,
          device="cpu", folder=folder, progress=progress)
"""


@pytest.mark.faults
def test_kill_9_in_mid_epoch_changes_nothing(
    trained: Train, tmp_path: Path, family_folder: Path, family_cache: Path
) -> None:
    config = TINY.changed({"epochs": 4})
    whole = trained(config, tmp_path / "whole")
    steps = whole.log[0]["step"]
    (tmp_path / "run.py").write_text(KILLED)
    root = Path(__file__).parents[2]
    command = [sys.executable, str(tmp_path / "run.py"), str(family_folder), str(family_cache)]
    # Bits depend on how sums are parted among threads.
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }
    for at in (3 * steps - 1,):
        with subprocess.Popen(
            [*command, str(tmp_path / "killed")], stdout=subprocess.PIPE, text=True,
            env=environment, cwd=tmp_path,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) == at:
                    break
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
    resumed = trained(config, tmp_path / "killed")
    assert resumed.resumed_at >= 2
    assert same_weights(whole.network, resumed.network)
    left = {path.name for path in (tmp_path / "killed").iterdir()}
    assert {STATE, LOG} <= left


def test_two_trainings_are_the_same_and_another_seed_is_not(trained: Train) -> None:
    config = TINY.changed({"model.dropout": 0.2})
    before = torch.random.get_rng_state()
    first = trained(config)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(7)
    assert same_weights(first.network, trained(config).network)
    assert not same_weights(first.network, trained(config, seed=1).network)


@pytest.mark.parametrize(
    ("change", "options"),
    [
        ({"epochs": 3}, {}),
        ({"objective.gamma1": 1.0}, {}),
        ({}, {"seed": 3}),
        ({}, {"key": "other images"}),
    ],
)
def test_the_state_of_another_training_is_not_taken(
    change: dict[str, Any], options: dict[str, Any], trained: Train, kept: Kept
) -> None:
    _, folder = kept
    assert trained(TINY, folder).resumed_at == 2
    assert trained(TINY.changed(change), folder, **options).resumed_at == 0


@pytest.mark.parametrize("damage", ["cut", "text", "gone"])
def test_a_damaged_state_is_as_none(damage: str, trained: Train, kept: Kept) -> None:
    whole, folder = kept
    state = folder / STATE
    if damage == "cut":
        state.write_bytes(state.read_bytes()[:1000])
    elif damage == "text":
        state.write_text("no tensors")
    else:
        state.unlink()
    again = trained(TINY, folder)
    assert again.resumed_at == 0
    assert same_weights(whole.network, again.network)


def test_accumulated_batches_are_one_step_of_a_slow_loop(
    families: Benchmark, family_images: CachedImages, trained: Train
) -> None:
    config = TINY.changed({"accumulate": 3, "batch_size": 12, "clip": 0.7, "epochs": 2})
    found = trained(config)
    targets = targets_of(families)
    network, objective = build_method(config, targets, 0)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), config.learning_rate)
    batches = Batches(family_images, targets.names, 12)
    assert len(batches) == 8  # 96 images: steps of 3, 3 and 2 batches
    network.train()
    for epoch in range(2):
        every = list(batches.epoch(epoch))
        for group in (every[:3], every[3:6], every[6:]):
            total = torch.stack([objective(network(b.pixels), b.gm_rows)["total"] for b in group])
            optimizer.zero_grad()
            total.mean().backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 0.7)
            optimizer.step()
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(
                found.network.state_dict()[name], tensor, rtol=1e-3, atol=1e-4, msg=name
            )


def test_the_log(trained: Train, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    run = trained(TINY, tmp_path, progress=lambda what, done, total: seen.append((done, total)))
    rows = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert rows == list(run.log)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert [row["step"] for row in rows] == [6, 12]
    assert seen == [(n, 12) for n in range(1, 13)]
    terms = rows[0].keys() - {"epoch", "step", "seconds", "learning_rate", "total"}
    assert terms == {
        "magnitude", "spectrum", "repetitive", "energy", "cluster_continuous", "cluster_discrete",
        "instance_continuous", "instance_discrete", "fusion",
    }  # fmt: skip
    for row in rows:
        assert sum(row[term] for term in terms) == pytest.approx(row["total"], rel=1e-4)
    assert rows[1]["total"] < rows[0]["total"]
    assert 0 < rows[0]["seconds"] <= rows[1]["seconds"] == pytest.approx(run.seconds, abs=1e-3)
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOG, STATE]


def test_a_kill_between_log_and_state_leaves_no_gap_in_the_log(
    trained: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(folder: Path, key: str, standing: Standing, *others: Any) -> None:
        if standing.epoch == TINY.epochs:
            raise StoppedError
        save_state(folder, key, standing, *others)

    with monkeypatch.context() as patch:
        patch.setattr("gmbench.training.loop.save_state", killed)
        with pytest.raises(StoppedError):
            trained(TINY, tmp_path)
    assert len((tmp_path / LOG).read_text().splitlines()) == TINY.epochs
    run = trained(TINY, tmp_path)
    assert run.resumed_at == TINY.epochs - 1
    # The line that was ahead is replaced, not repeated.
    rows = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert rows == list(run.log)


def test_a_loss_that_is_no_number_ends_the_training(trained: Train, tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        trained(TINY.changed({"learning_rate": 1e30, "batch_size": 4}), tmp_path)
    text = str(caught.value)
    assert text.startswith("The loss is no longer a number at step ")
    assert "(`--change learning_rate=3e+29`) or a limit on the gradient" in text
    # Nothing that is no number is taken up again.
    assert not (tmp_path / STATE).exists()


def test_a_folder_that_cannot_be_written(trained: Train, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"file/run cannot be written \(Not a directory\)"):
        trained(TINY, tmp_path / "file" / "run")


def held_out(benchmark: Benchmark) -> tuple[TrainingTargets, TrainingTargets]:
    names = benchmark.training_gms("set_1")
    return TrainingTargets.of(benchmark, names[4:]), TrainingTargets.of(benchmark, names[:4])


def test_the_best_epoch_is_taken(
    families: Benchmark, trained: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, validation = held_out(families)
    config = TINY.changed({"epochs": 4, "schedule": "constant"})
    errors = iter([0.5, 0.2, 0.2, 0.4])
    states: list[dict[str, torch.Tensor]] = []

    def error(network: nn.Module, *_: object) -> float:
        states.append({name: t.clone() for name, t in network.state_dict().items()})
        return next(errors)

    monkeypatch.setattr("gmbench.training.loop.validation_error", error)
    run = trained(config, tmp_path, targets=targets, validation=validation)
    assert [row["validation"] for row in run.log] == [0.5, 0.2, 0.2, 0.4]
    for name, tensor in run.network.state_dict().items():
        assert torch.equal(tensor, states[1][name])
    again = trained(config, tmp_path, targets=targets, validation=validation)
    assert again.resumed_at == 4
    assert same_weights(run.network, again.network)


def test_the_best_epoch_is_chosen_in_the_precision_that_is_predicted_in(
    families: Benchmark, family_images: CachedImages, trained: Train
) -> None:
    targets, validation = held_out(families)
    run = trained(
        TINY.changed({"epochs": 1, "precision": "bf16"}), targets=targets, validation=validation
    )
    device = torch.device("cpu")
    found = {
        precision: validation_error(run.network, family_images, validation, device, precision)
        for precision in ("bf16", "fp32")
    }
    assert run.log[-1]["validation"] == found["bf16"] != found["fp32"]


def test_the_best_epoch_outlives_an_interruption(
    families: Benchmark, trained: Train, tmp_path: Path
) -> None:
    targets, validation = held_out(families)
    config = TINY.changed({"epochs": 3})
    options = {"targets": targets, "validation": validation}
    whole = trained(config, **options)
    with pytest.raises(StoppedError):
        trained(config, tmp_path, progress=stopping(2 * whole.log[0]["step"] + 1), **options)
    resumed = trained(config, tmp_path, **options)
    assert same_weights(whole.network, resumed.network)
    assert [r["validation"] for r in whole.log] == [r["validation"] for r in resumed.log]


def test_a_last_batch_of_one_image_is_left_out(
    families: Benchmark, family_images: CachedImages
) -> None:
    targets = TrainingTargets.of(families, families.training_gms("set_1")[:3])  # 24 images
    config = TINY.changed({"batch_size": 23, "model.trunk_widths": [4, 4, 4, 4, 4]})
    run = train(config, targets, family_images, device="cpu")
    assert run.log[-1]["step"] == 2


def test_batches_of_one_image_need_more_than_one_pixel(trained: Train) -> None:
    config = TINY.changed({"batch_size": 1, "model.trunk_widths": [4, 4, 4, 4, 4]})
    with pytest.raises(TrainingError, match=r"Batches of 1 image are too small .* larger bat"):
        trained(config)


def test_mixed_precision_learns_what_single_does(trained: Train) -> None:
    single = trained(TINY.changed({"precision": "fp32"}))
    mixed = trained(TINY.changed({"precision": "bf16"}))
    assert not same_weights(single.network, mixed.network)
    assert all(tensor.dtype != torch.bfloat16 for tensor in mixed.network.state_dict().values())
    assert mixed.log[-1]["total"] == pytest.approx(single.log[-1]["total"], rel=0.05)


def test_step_sizes() -> None:
    constant = TINY.changed({"schedule": "constant", "warmup": 0.0})
    assert {step_size(constant, step, 10) for step in range(10)} == {1.0}
    cosine = TINY.changed({"schedule": "cosine", "warmup": 0.2})
    rates = [step_size(cosine, step, 100) for step in range(100)]
    assert rates[:20] == pytest.approx(np.arange(1, 21) / 21)
    assert rates[20] == 1.0
    assert rates[60] == pytest.approx(0.505)
    assert all(first > second for first, second in pairwise(rates[20:]))
    assert 0.01 < rates[-1] < 0.012


def test_networks_that_cannot_be(trained: Train) -> None:
    with pytest.raises(SettingError, match="fen_depth=1 cannot be"):
        trained(TINY.changed({"model.fen_depth": 1}))
    with pytest.raises(SettingError, match=r"dropout=2\.0 cannot be"):
        trained(TINY.changed({"model.dropout": 2.0}))
