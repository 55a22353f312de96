from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from gmbench.training.state import STATE, Standing, load_state, save_state, weights_of


def network_and_optimizer(seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    for _ in range(2):
        network(torch.rand(2, 3, 8, 8)).square().mean().backward()
        optimizer.step()
    return network, optimizer


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    network, optimizer = network_and_optimizer(0)
    log = ({"epoch": 1, "total": 0.1}, {"epoch": 2, "total": 1 / 3})
    standing = Standing(2, 1.5, log, {"scale": 65536.0}, weights_of(network))
    save_state(tmp_path, "key", standing, network, optimizer)
    other, its_optimizer = network_and_optimizer(1)
    found = load_state(tmp_path, "key", other, its_optimizer)
    assert (found.epoch, found.seconds, found.log) == (2, 1.5, log)
    assert found.scaler == standing.scaler
    for first, second in (
        (network.state_dict(), other.state_dict()),
        (standing.best, found.best),
        *zip(optimizer.state_dict()["state"].values(),
             its_optimizer.state_dict()["state"].values(), strict=True),
    ):  # fmt: skip
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)
    # Moments lie in memory as the weights do, so that further steps have the same bits.
    moments = its_optimizer.state[next(other.parameters())]["exp_avg"]
    assert moments.is_contiguous(memory_format=torch.channels_last)


def test_the_header_is_json_for_people(tmp_path: Path) -> None:
    network, optimizer = network_and_optimizer(0)
    save_state(tmp_path, "key", Standing(3, 2.0), network, optimizer)
    with safe_open(str(tmp_path / STATE), framework="pt") as file:
        header = file.metadata()
    assert header["key"] == "key"
    assert json.loads(header["standing"])["epoch"] == 3


def test_another_key_leaves_all_as_it_was(tmp_path: Path) -> None:
    network, optimizer = network_and_optimizer(0)
    save_state(tmp_path, "key", Standing(3), network, optimizer)
    other, its_optimizer = network_and_optimizer(1)
    before = weights_of(other)
    assert load_state(tmp_path, "other", other, its_optimizer) == Standing()
    assert load_state(tmp_path / "nowhere", "key", other, its_optimizer) == Standing()
    assert all(torch.equal(before[name], t) for name, t in other.state_dict().items())


def test_a_full_disk_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, optimizer = network_and_optimizer(0)
    save_state(tmp_path, "key", Standing(1), network, optimizer)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gmbench.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_state(tmp_path, "key", Standing(2), network, optimizer)
    monkeypatch.undo()
    assert load_state(tmp_path, "key", network, optimizer).epoch == 1
    assert [path.name for path in tmp_path.iterdir()] == [STATE]
