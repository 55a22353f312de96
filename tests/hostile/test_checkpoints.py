"""Checkpoints of others: what they ask for is held against what they have before it is given."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import GmbenchError
from gmbench.parsing.load import SHIPPED, load_parser
from gmbench.training.checkpoint import load_checkpoint
from gmbench.training.parser_place import CheckpointError
from tests.training.families import TINY, family_image
from tests.training.test_checkpoint import checkpoint_of

Config = dict[str, Any]

MEGABYTE = 2**20
MOST_GROWTH = 60 * MEGABYTE
"""What a refusal may add to the memory of the process."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, families: Benchmark) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    checkpoint_of(families).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def saved_graph(tmp_path_factory: pytest.TempPathFactory, families: Benchmark) -> Path:
    folder = tmp_path_factory.mktemp("graph") / "model"
    changes = {"method": "graph", "model": {"trunk_widths": [4], "node_width": 4}}
    checkpoint_of(families, TINY.changed(changes)).save_pretrained(folder)
    return folder


def edited(saved: Path, place: Path, change: Callable[[Config], object]) -> Path:
    shutil.copytree(saved, place)
    config = json.loads((place / "config.json").read_text())
    change(config)
    (place / "config.json").write_text(json.dumps(config))
    return place


def _classes(config: Config, number: int) -> None:
    config["labels"]["classes"]["normalization"] = [f"c{one}" for one in range(number)]


ABSURD: dict[str, tuple[Callable[[Config], object], str]] = {
    "wide": (lambda c: c["model"].update(fen_width=100_000), "size mismatch"),
    "wider than numbers": (lambda c: c["model"].update(fen_width=10**30), "cannot be read"),
    "very wide": (lambda c: c["model"].update(parser_width=10**12), "cannot be read"),
    "deep": (lambda c: c["model"].update(fen_depth=10**9), "fen_depth=1000000000 cannot be"),
    "as deep as may be": (lambda c: c["model"].update(fen_depth=1000), "size mismatch"),
    "many blocks": (lambda c: c["model"].update(trunk_widths=[9] * 10**6), "cannot be"),
    "channels": (lambda c: c["model"].update(channels=10**7), "channels=10000000 cannot be"),
    "a large view": (lambda c: c["view"].update(size=10**6), "at most 4,194,304 are made"),
    "many crops": (
        lambda c: c.update(view={"kind": "crops", "rule": 2, "size": 64, "count": 10**9}),
        "at most 4,194,304 are made",
    ),
    "many classes": (lambda c: _classes(c, 100_000), "of labels does not go together"),
    "more classes": (lambda c: _classes(c, 200), "size mismatch"),
    "more words": (lambda c: c.update(more="a" * 2**25), "has more than 16,777,216 bytes"),
    "nested": (lambda c: None, "nested too deep"),
}


@pytest.fixture(scope="module")
def refused(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Growth of memory and message of each, all of them read by one process."""
    folder = tmp_path_factory.mktemp("absurd")
    for what, (change, _) in ABSURD.items():
        edited(saved, folder / what, change)
    (folder / "nested" / "config.json").write_text("[" * 10**6 + "]" * 10**6)
    code = """if True:
        import json, resource, sys
        from gmbench.errors import GmbenchError
        from gmbench.training.checkpoint import load_checkpoint
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        load_checkpoint(sys.argv[1])
        before, found = peak(), {}
        for place in sys.argv[2:]:
            try:
                load_checkpoint(place)
            except GmbenchError as error:
                found[place] = [peak() - before, str(error)]
        print(json.dumps(found))
    """
    done = subprocess.run(
        [sys.executable, "-c", code, str(saved), *ABSURD],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("what", ABSURD)
def test_absurd_sizes_take_no_memory(what: str, refused: dict[str, tuple[int, str]]) -> None:
    growth, message = refused[what]
    assert ABSURD[what][1] in message
    assert growth < MOST_GROWTH, f"{growth / MEGABYTE:.0f} MB"
    assert len(message) < 2_000


@pytest.mark.parametrize(("name", "size"), [("node_width", 10**6), ("pooled", 10**8)])
def test_a_graph_of_absurd_size(name: str, size: int, saved_graph: Path, tmp_path: Path) -> None:
    assert load_checkpoint(saved_graph).method == "graph"
    place = edited(saved_graph, tmp_path / "model", lambda c: c["model"].update({name: size}))
    with pytest.raises(CheckpointError, match="size mismatch"):
        load_checkpoint(place)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(value: float, saved: Path, tmp_path: Path) -> None:
    place = edited(saved, tmp_path / "model", lambda config: None)
    tensors = load_file(place / "model.safetensors")
    tensors["network.instance.0.bias"][0] = value
    save_file(tensors, place / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"the weight network.instance.0.bias holds what is"):
        load_checkpoint(place)


def test_weights_that_lead_to_no_numbers(saved: Path, tmp_path: Path) -> None:
    place = edited(saved, tmp_path / "model", lambda config: None)
    tensors = load_file(place / "model.safetensors")
    save_file({n: t.fill_(3e38) if t.is_floating_point() else t for n, t in tensors.items()},
              place / "model.safetensors")  # fmt: skip
    with pytest.raises(CheckpointError, match="What the network says of an image is no number"):
        load_parser(place).parse(family_image(0, 0))


class _Planted:
    """What a pickle would run when it is read."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.flag,)


def _planted_torch(flag: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save(_Planted(flag), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("make", [lambda flag: pickle.dumps(_Planted(flag)), _planted_torch])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "parser.npz"])
def test_a_pickle_in_disguise_is_not_run(
    name: str, make: Callable[[Path], bytes], saved: Path, tmp_path: Path
) -> None:
    source = SHIPPED if name == "parser.npz" else saved
    place = edited(source, tmp_path / "model", lambda config: None)
    (place / "model.safetensors").unlink(missing_ok=True)
    (place / name).write_bytes(make(tmp_path / "flag"))
    with pytest.raises(CheckpointError, match="cannot be read as a model parser"):
        load_parser(place)
    assert not (tmp_path / "flag").exists()


def test_a_pickle_inside_an_array_is_not_run(tmp_path: Path) -> None:
    place = edited(SHIPPED, tmp_path / "model", lambda config: None)
    with np.load(place / "parser.npz") as read:
        parts = dict(read)
    parts["values"] = np.array([_Planted(tmp_path / "flag")], dtype=object)
    np.savez(place / "parser.npz", **parts)
    with pytest.raises(CheckpointError, match="allow_pickle=False"):
        load_parser(place)
    assert not (tmp_path / "flag").exists()


def test_an_array_whose_header_lies(tmp_path: Path) -> None:
    place = edited(SHIPPED, tmp_path / "model", lambda config: None)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    )
    with zipfile.ZipFile(place / "parser.npz", "w") as archive:
        archive.writestr("values.npy", header.getvalue())
    with pytest.raises(CheckpointError, match="its arrays take 8,000,000,000,000 bytes"):
        load_parser(place)


def test_no_setting_of_the_reader_comes_from_the_file(saved: Path, tmp_path: Path) -> None:
    place = edited(
        saved, tmp_path / "model",
        lambda c: c.update(strict=False, map_location="cuda", token="x", cache_dir="/etc"),
    )  # fmt: skip
    assert load_checkpoint(place).method == "parser"
    tensors = load_file(place / "model.safetensors")
    tensors.pop("network.instance.0.bias")
    save_file(tensors, place / "model.safetensors")
    with pytest.raises(CheckpointError, match="Missing key"):
        load_checkpoint(place)


def test_names_that_would_steer_a_terminal(saved: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("\x1b[2J", "a" * 1_000)):
        place = edited(
            saved, tmp_path / str(number),
            lambda c, n=name: c["labels"]["classes"]["normalization"].__setitem__(0, n),  # type: ignore[misc]
        )  # fmt: skip
        with pytest.raises(CheckpointError, match="what it says of labels does not go together"):
            load_checkpoint(place)


def refusal(place: Path) -> str:
    """Why a parser is refused, in words fit to be printed; empty where it is read."""
    said = ""
    try:
        load_parser(place)
    except GmbenchError as error:
        said = str(error)
    assert said.isprintable()
    return said


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


def _replaced(value: Any, path: list[int], new: Any) -> Any:
    """A copy of JSON in which one thing, found along a path of numbers, is another."""
    if not path or not isinstance(value, dict | list) or not value:
        return new
    where = path[0] % len(value)
    if isinstance(value, list):
        return [*value[:where], _replaced(value[where], path[1:], new), *value[where + 1 :]]
    return {
        name: _replaced(one, path[1:], new) if number == where else one
        for number, (name, one) in enumerate(value.items())
    }


@pytest.mark.parametrize("kind", ["network", "known GMs"])
def test_no_configuration_makes_a_traceback(kind: str, saved: Path, tmp_path: Path) -> None:
    place = edited(SHIPPED if kind == "known GMs" else saved, tmp_path / "model", lambda c: None)
    whole = json.loads((place / "config.json").read_text())
    ends = {"read": 0, "refused": 0}

    @settings(max_examples=60)
    @given(path=st.lists(st.integers(0, 200), max_size=4), new=ANY)
    def check(path: list[int], new: Any) -> None:
        (place / "config.json").write_text(json.dumps(_replaced(whole, path, new)))
        ends["refused" if refusal(place) else "read"] += 1

    check()
    assert min(ends.values()) > 0


@pytest.mark.parametrize("name", ["model.safetensors", "parser.npz"])
def test_no_bytes_make_a_traceback(name: str, saved: Path, tmp_path: Path) -> None:
    place = edited(SHIPPED if name == "parser.npz" else saved, tmp_path / "model", lambda c: None)
    whole = (place / name).read_bytes()
    ends = {"read": 0, "refused": 0}

    @settings(max_examples=60)
    @given(
        place_of=st.one_of(st.integers(0, 2_000), st.integers(0, len(whole))),
        data=st.binary(min_size=1, max_size=8),
        cut=st.integers(0, 8),
    )
    def check(place_of: int, data: bytes, cut: int) -> None:
        (place / name).write_bytes(whole[:place_of] + data + whole[place_of + cut :])
        ends["refused" if refusal(place) else "read"] += 1

    check()
    assert ends["refused"] > 0
