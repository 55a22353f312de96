"""`gmbench label` as a user meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

from gmbench.errors import NetworkError, UnknownNameError
from gmbench.measuring.loading import example_inputs, load_network
from tests.commands import data, gmbench

SOURCE = """
import torch
from torch import nn
from helper import width

class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(100, width), nn.ReLU(), nn.Linear(width, 12), nn.Tanh())
    def forward(self, z):
        return self.body(z).view(-1, 3, 2, 2)

class Conditional(Generator):
    def forward(self, z, digit):
        return super().forward(z + digit[:, None])

class Sized(Generator):
    def __init__(self, size):
        super().__init__()

def build():
    return Generator()

def broken():
    raise OSError('no weights.pt')

made = Generator()
number = 3
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `nets.py`, a file beside it that it imports, and a file that cannot run."""
    (tmp_path / "nets.py").write_text(SOURCE)
    (tmp_path / "helper.py").write_text("width = 8\n")
    (tmp_path / "lame.py").write_text("import no_such_package\n")
    monkeypatch.chdir(tmp_path)
    for name in ("nets", "helper", "lame"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ["Generator", "build", "made"])
@pytest.mark.parametrize("where", ["nets", "nets.py", "./nets.py"])
def test_found(here: Path, where: str, name: str) -> None:
    path = list(sys.path)
    assert type(load_network(f"{where}:{name}")).__name__ == "Generator"
    assert sys.path == path


def test_a_file_elsewhere_finds_its_neighbours(
    here: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert load_network(f"{here / 'nets.py'}:Generator").training


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nets", "'nets' names no object. Write MODULE:OBJECT"),
        ("nets.py:Generatr", "Object 'Generatr' is not known. Did you mean Generator?"),
        ("nope.py:build", "There is no file nope.py."),
        ("nope.nets:build", "There is no Python module 'nope'."),
        ("lame:build", "lame cannot be imported: ModuleNotFoundError: No module named"),
        ("nets:number", "nets:number gives an object of type int: neither a torch.nn.Module"),
        ("nets:width", "type int"),
        ("nets:Sized", "cannot be called without arguments (missing a required argument: 'size')"),
        ("nets:broken", "nets:broken fails when it is called: OSError: no weights.pt."),
    ],
)
def test_not_found(here: Path, place: str, message: str) -> None:
    with pytest.raises((NetworkError, UnknownNameError)) as caught:
        load_network(place)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_inputs() -> None:
    z, digit = example_inputs(["2,100", "2"], ["float32", "int64"])
    assert (z.shape, str(z.dtype), float(z.std()) > 0.5) == ((2, 100), "torch.float32", True)
    assert (digit.tolist(), str(digit.dtype)) == ([0, 0], "torch.int64")
    assert [len(x.shape) for x in example_inputs(["1", ""], ["int32"])] == [1, 0]


@pytest.mark.parametrize(
    ("shapes", "dtypes", "message"),
    [
        (["1,x"], ["float32"], "Input shape '1,x' is not a list of positive whole numbers"),
        (["1,0"], ["float32"], "Input shape '1,0' is not"),
        (["1"], ["float23"], "Dtype 'float23' is not known. Did you mean float32"),
        (["1", "2", "3"], ["bool", "bool"], "2 dtypes for 3 inputs"),
    ],
)
def test_inputs_that_cannot_be(shapes: list[str], dtypes: list[str], message: str) -> None:
    with pytest.raises((NetworkError, UnknownNameError)) as caught:
        example_inputs(shapes, dtypes)
    assert message in str(caught.value)


def test_json(here: Path) -> None:
    found = data("label", "nets.py:Generator", "--input-shape", "1,100", cwd=here)
    assert found["values"]["fc_layers"] == 2
    assert found["values"]["last_nonlinearity"] == "tanh"
    assert found["evidence"]["fc_layers"] == ["body.0 (Linear): linear", "body.2 (Linear): linear"]


def test_table_and_several_inputs(here: Path) -> None:
    arguments = ["label", "nets:Conditional", "--input-shape", "1,100", "--input-shape", "1"]
    assert "body.0 (Linear): linear and 1 more" in gmbench(*arguments, cwd=here).stdout
    dtypes = ["--dtype", "float32", "--dtype", "int64"]
    shown = gmbench(*arguments, *dtypes, "--evidence", cwd=here).stdout
    assert "body.2 (Linear): linear" in shown


def test_one_line_for_a_wrong_shape(here: Path) -> None:
    done = gmbench("label", "nets:Generator", "--input-shape", "1,64", cwd=here, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: The forward pass of Generator fails on (1, 64) float32:")
    assert len(done.stderr.splitlines()) == 1


def test_without_torch(here: Path) -> None:
    (here / "torch.py").write_text("raise ImportError('No module named torch')\n")
    done = subprocess.run(
        [sys.executable, "-m", "gmbench", "label", "nets:Generator", "--input-shape", "1,100"],
        capture_output=True, text=True, cwd=here, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert 'pip install "gmbench[train]"' in done.stderr
    assert len(done.stderr.splitlines()) == 1
