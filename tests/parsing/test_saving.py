from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.files import write_whole
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.load import load_parser
from gmbench.parsing.train import train_known_gms
from gmbench.training.checkpoint import load_checkpoint
from gmbench.training.parser_place import CheckpointError
from tests.training.families import family_image

Trained = tuple[Path, dict[str, Any]]


def test_what_was_written_parses_the_same(trained: Trained, known_gms: KnownGMs) -> None:
    images = [family_image(2, seed) for seed in range(3)]
    again = load_parser(trained[0])
    assert again.parse(images).to_dict() == known_gms.parse(images).to_dict()
    assert {path.name for path in trained[0].iterdir()} == {
        "README.md", "config.json", "parser.npz",
    }  # fmt: skip


def test_a_parser_is_replaced_as_a_whole(
    trained: Trained,
    known_gms: KnownGMs,
    families: Benchmark,
    family_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = tmp_path / "model"
    place.mkdir()
    before = dict.fromkeys(("README.md", "config.json", "parser.npz"), b"old")
    for name, content in before.items():
        (place / name).write_bytes(content)
    fitted = SimpleNamespace(parser=known_gms)
    monkeypatch.setattr("gmbench.parsing.train.fit_known_gms", lambda *_: fitted)
    monkeypatch.setattr("gmbench.parsing.train.accuracy_of", lambda *_: trained[1])
    written: list[Path] = []

    def write_one(path: Path, content: bytes | str) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(path)
        write_whole(path, content)

    with monkeypatch.context() as patch:
        patch.setattr("gmbench.parsing.saving.write_whole", write_one)
        with pytest.raises(KeyboardInterrupt):
            train_known_gms(families, family_folder, place, copies=0, seed=1)
    assert len(written) == 1
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    train_known_gms(families, family_folder, place, copies=0, seed=1)
    assert set(before) == {path.name for path in place.iterdir()}
    assert json.loads((place / "config.json").read_text())["trained_on"]["seed"] == 1
    assert list(tmp_path.iterdir()) == [place]


def edited(trained: Trained, place: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    shutil.copytree(trained[0], place)
    config = json.loads((place / "config.json").read_text())
    change(config)
    (place / "config.json").write_text(json.dumps(config))
    return place


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda config: config.update(format=2), "its format is 2, this gmbench reads 1"),
        (lambda config: config.pop("surety"), "config.json lacks 'surety'"),
        (lambda config: config.update(gms=config["gms"][1:]), "do not go together"),
        (lambda config: config.update(gms=[]), "do not go together"),
        (lambda config: config.update(real_from="x"), "could not convert"),
        (lambda config: config["labels"]["minimum"].pop(), "of labels does not go together"),
        (lambda config: config["surety"].update(tails=[9]), "of its errors is damaged"),
    ],
)
def test_a_configuration_that_is_damaged(
    change: Callable[[dict[str, Any]], None], reason: str, trained: Trained, tmp_path: Path
) -> None:
    place = edited(trained, tmp_path / "model", change)
    with pytest.raises(CheckpointError) as caught:
        load_parser(place)
    assert str(caught.value).startswith(f"{place} cannot be read as a model parser: ")
    assert reason in str(caught.value)


def test_arrays_that_are_damaged(trained: Trained, tmp_path: Path) -> None:
    place = edited(trained, tmp_path / "model", lambda config: None)
    arrays = place / "parser.npz"
    whole = arrays.read_bytes()
    with np.load(arrays) as read:
        parts = dict(read)
    for spoil, reason in (
        (lambda: arrays.write_bytes(whole[: len(whole) // 2]), "parser.npz is damaged"),
        (lambda: np.savez(arrays, **parts | {"values": parts["values"][:, :3]}), "go together"),
        (lambda: np.savez(arrays, **parts | {"values": parts["values"] + 50}), "go together"),
        (lambda: np.savez(arrays, **parts | {"feature": parts["feature"] * 0 + 9999}), "together"),
        (lambda: np.savez(arrays, **{"values": parts["values"]}), "lacks 'threshold_of_gm'"),
        (
            lambda: np.savez(arrays, **parts | {"mean": np.array([{}], dtype=object)}),
            "allow_pickle=False",
        ),
        (arrays.unlink, "No such file"),
    ):
        spoil()
        with pytest.raises(CheckpointError, match="cannot be read as a model parser") as caught:
            load_parser(place)
        assert reason in str(caught.value)


def test_a_parser_of_other_features(trained: Trained, tmp_path: Path) -> None:
    place = edited(trained, tmp_path / "model", lambda config: None)
    with np.load(place / "parser.npz") as read:
        parts = dict(read)
    for name in ("mean", "scale", "directions", "all_mean", "within"):
        parts[name] = parts[name][:-1]
    parts["centres"] = parts["centres"][:, :-1]
    np.savez(place / "parser.npz", **parts)
    with pytest.raises(CheckpointError, match=r"on \d+ features of an image, and this gmbench"):
        load_parser(place)


def test_arrays_that_would_fill_the_memory(trained: Trained, tmp_path: Path) -> None:
    place = edited(trained, tmp_path / "model", lambda config: None)
    with (
        zipfile.ZipFile(place / "parser.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("values.npy", "w") as file,
    ):
        for _ in range(17):
            file.write(bytes(2**24))
    with pytest.raises(CheckpointError, match="its arrays take 285,212,672 bytes"):
        load_parser(place)


def test_what_needs_a_network_says_so(trained: Trained) -> None:
    with pytest.raises(CheckpointError, match="is a parser without a network, and this needs one"):
        load_checkpoint(trained[0])
