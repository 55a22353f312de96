from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from syrupy.assertion import SnapshotAssertion
from torch import nn

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import GmbenchError
from gmbench.training.checkpoint import ModelParserCheckpoint, load_checkpoint
from gmbench.training.config import TrainingConfig
from gmbench.training.methods import build_method
from gmbench.training.parser_place import CheckpointError, training_facts
from tests.data.hub_server import HubServer
from tests.training.families import TINY, family_image, targets_of

TRAINED_ON = {"benchmark": "families", "set": "set_1", "gms": ["GM_04"], "baseline": "full"}

CONFIGS = {
    "two parsers": TINY,
    "one parser": TINY.changed({"model.parsers": 1}),
    "no fingerprint network": TINY.changed({"model.fingerprint": False}),
    "crops": TINY.changed({"view": {"kind": "crops", "size": 8, "count": 2}}),
    "graph": TINY.changed({"method": "graph", "model": {"trunk_widths": [4], "node_width": 4}}),
}


def checkpoint_of(benchmark: Benchmark, config: TrainingConfig = TINY) -> ModelParserCheckpoint:
    network, _ = build_method(config, targets_of(benchmark), seed=0)
    network(torch.rand(4, 3, 16, 16))  # so that running means are not those of a new network
    return ModelParserCheckpoint.of(network, config, benchmark, TRAINED_ON)


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory, families: Benchmark) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    checkpoint_of(families).save_pretrained(folder)
    return folder


def same(first: nn.Module, second: nn.Module) -> bool:
    weights, others = first.state_dict(), second.state_dict()
    return weights.keys() == others.keys() and all(
        torch.equal(weights[name], others[name]) for name in weights
    )


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_saving_and_loading_changes_no_bit(
    config: TrainingConfig,
    families: Benchmark,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checkpoint = checkpoint_of(families, config)
    checkpoint.save_pretrained(tmp_path)
    loaded = load_checkpoint(tmp_path)
    assert not loaded.training
    assert same(checkpoint, loaded)
    assert (loaded.method, loaded.view) == (checkpoint.method, checkpoint.view)
    assert loaded.labels == checkpoint.labels
    assert loaded.trained_on == TRAINED_ON
    images = [family_image(3, seed) for seed in range(3)]
    before, after = checkpoint.parse_each(images), loaded.parse_each(images)
    np.testing.assert_array_equal(before.continuous, after.continuous)
    np.testing.assert_array_equal(before.probabilities, after.probabilities)
    # A command's output may be JSON.
    assert capsys.readouterr().out == ""
    loaded.save_pretrained(tmp_path / "again")
    for name in ("config.json", "model.safetensors", "README.md"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / name).read_bytes()
    assert len(list(tmp_path.glob("*.*"))) == 3


def test_the_files_say_all_and_hold_no_pickle(
    saved: Path, families: Benchmark, snapshot: SnapshotAssertion
) -> None:
    described = json.loads((saved / "config.json").read_text())
    assert described["labels"].pop("sha256") == families.labels_sha256
    assert described.pop("gmbench")
    assert described == snapshot
    assert (saved / "README.md").read_text() == snapshot
    for path in saved.iterdir():
        with pytest.raises((pickle.UnpicklingError, ValueError, EOFError, KeyError, IndexError)):
            pickle.loads(path.read_bytes())


def test_counts_are_those_of_the_benchmark(families: Benchmark) -> None:
    checkpoint = checkpoint_of(families)
    parsed = checkpoint.parse_each([family_image(0, 0)])
    np.testing.assert_allclose(
        checkpoint.labels.counts(parsed),
        np.maximum(families.denormalise(parsed.continuous), 0.0),
    )
    assert checkpoint.labels.n_classes == targets_of(families).n_classes


def test_a_stream_of_images_of_every_sort(
    families: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = checkpoint_of(families)
    images = [family_image(1, seed).resize((20 + seed, 9)) for seed in range(5)]
    images[1], images[2] = images[1].convert("L"), images[2].convert("RGBA")
    whole = checkpoint.parse_each(images)
    monkeypatch.setattr("gmbench.training.checkpoint._AT_ONCE", 2)
    parts = checkpoint.parse_each(image for image in images)
    assert len(whole.continuous) == 5
    np.testing.assert_allclose(whole.probabilities, parts.probabilities, atol=1e-6)


def spoil(folder: Path, what: str) -> None:
    config, weights = folder / "config.json", folder / "model.safetensors"
    described = json.loads(config.read_text())
    tensors = load_file(weights)
    if what == "no config":
        config.unlink()
        return
    if what == "no weights":
        weights.unlink()
        return
    if what == "cut weights":
        weights.write_bytes(weights.read_bytes()[:500])
        return
    if what == "config cut":
        config.write_text(config.read_text()[:40])
        return
    if what == "a weight lacks":
        tensors.pop("network.instance.0.bias")
    elif what == "a weight too many":
        tensors["network.more"] = torch.zeros(1)
    elif what == "another shape":
        tensors["network.instance.0.bias"] = torch.zeros(1)
    elif what == "another rule":
        described["view"]["rule"] = 99
    elif what == "a setting of the future":
        described["model"]["fen_heads"] = 3
    elif what == "labels lack":
        described["labels"].pop("span")
    save_file(tensors, weights)
    config.write_text(json.dumps(described))


@pytest.mark.parametrize(
    "what",
    ["no config", "no weights", "cut weights", "config cut", "a weight lacks", "another shape",
     "a weight too many", "another rule", "a setting of the future", "labels lack"],
)  # fmt: skip
def test_a_damaged_checkpoint_is_one_message(
    what: str, saved: Path, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for path in saved.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    spoil(folder, what)
    with pytest.raises(GmbenchError) as caught:
        load_checkpoint(folder)
    assert str(caught.value).replace(str(tmp_path), "") == snapshot


@pytest.mark.parametrize("most", [["GM_04"], {"GM_04": "4"}, {"GM_04": -1}])
def test_numbers_of_images_that_cannot_be(most: object) -> None:
    with pytest.raises(ValueError, match="what it says of its training cannot be"):
        training_facts({**TRAINED_ON, "most_images": most})


@pytest.mark.parametrize("name", ["/no/such/folder", "nowhere", "a/b/c"])
def test_a_folder_that_is_not_there(name: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(name)
    assert str(caught.value) == (
        f"{name} is not there. Give the folder of a model parser, or its name on the Hub, "
        "such as USER/NAME."
    )


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            server.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield server


def test_to_the_hub_and_back(hub: HubServer, families: Benchmark, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(families)
    checkpoint.push_to_hub("org/parser", token=hub.token)
    options: dict[str, Any] = {"cache_dir": tmp_path / "cache", "token": hub.token}
    loaded = ModelParserCheckpoint.from_pretrained("org/parser", **options)
    assert same(checkpoint, loaded)
    files = hub.repositories["model", "org/parser"]
    assert {"config.json", "model.safetensors", "README.md"} <= set(files.files)
    assert same(load_checkpoint("org/parser"), checkpoint)


def test_a_name_that_the_hub_does_not_know(hub: HubServer) -> None:
    with pytest.raises(CheckpointError, match="org/nothing is no folder here, and the Hub"):
        load_checkpoint("org/nothing")
