"""`gmbench label` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

from torch import nn

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
chosen = {}
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


NET = (
    "from torch import nn\n{imports}\ndef build():\n    {first}\n    return nn.Linear(100, width)\n"
)


def write(folder: Path, **files: str) -> None:
    """Writes files by their names, of which `__` stands for a slash and the end is left out."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


OWN = ("models", "src", "gen", "layers", "shared_width", "tool")
"""Modules of tests."""


@pytest.fixture
def modules() -> Iterator[None]:
    """Forgets the modules that a test imported."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in OWN:
            del sys.modules[name]


@pytest.mark.parametrize("start", [True, False], ids=["package", "plain folder"])
@pytest.mark.parametrize(
    "imports",
    [
        "from .layers import width",
        "from . import layers\nwidth = layers.width",
        "from models.layers import width",
        "import models.layers\nwidth = models.layers.width",
        "from layers import width",
        "from shared_width import width",
    ],
)
@pytest.mark.parametrize(
    "place", ["models/gen.py:build", "./models/gen.py:build", "models.gen:build"]
)
def test_imports_of_a_file_in_a_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    modules: None,
    imports: str,
    start: bool,
    place: str,
) -> None:
    if "from layers" in imports and ".py" not in place:
        imports = imports.replace("layers", "models.layers")
    files = {"models__layers": "width = 7", "shared_width": "width = 7"}
    write(tmp_path, models__gen=NET.format(imports=imports, first="pass"), **files)
    if start:
        (tmp_path / "models" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    assert cast(nn.Linear, load_network(place)).out_features == 7
    assert sys.path == path


@pytest.mark.parametrize("imports", ["from ..base import width", "from src.base import width"])
def test_imports_of_a_file_deep_in_a_project_elsewhere(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    modules: None,
    imports: str,
) -> None:
    write(
        tmp_path, src__models__gen=NET.format(imports=imports, first="pass"), src__base="width = 7"
    )
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    found = load_network(f"{tmp_path}/src/models/gen.py:build")
    assert cast(nn.Linear, found).out_features == 7


def test_a_file_whose_package_has_the_name_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules: None
) -> None:
    write(tmp_path, json__gen=NET.format(imports="from .layers import width", first="pass"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NetworkError, match="its package would be json, and another json is in use"):
        load_network("json/gen.py:build")


ARGPARSE = "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument({})\n"
READ = "width = parser.parse_args().w"


@pytest.mark.parametrize(
    ("imports", "first", "message"),
    [
        ("width = 1", "raise SystemExit", "tool.py:build fails when it is called: it ends the"),
        ("width = 1", "import sys; sys.exit(0)", "it ends the program by sys.exit(0)."),
        ("width = 1", "import sys; sys.exit('no weights')", "by sys.exit(no weights)."),
        ("import sys; sys.exit()", "pass", "tool.py cannot be imported: it ends the program by"),
        (ARGPARSE.format("'w'") + READ, "pass", "tool.py cannot be imported: it ends the program"),
    ],
)
def test_code_that_ends_the_program(
    tmp_path: Path, modules: None, imports: str, first: str, message: str
) -> None:
    write(tmp_path, tool=NET.format(imports=imports, first=first))
    done = gmbench("label", "tool.py:build", "--input-shape", "1,100", cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr.splitlines()[-1]


def test_a_forward_pass_that_ends_the_program(tmp_path: Path, modules: None) -> None:
    write(
        tmp_path,
        tool="from torch import nn\nclass Net(nn.Module):\n    def forward(s, x): exit()\n",
    )
    done = gmbench("label", "tool.py:Net", "--input-shape", "1,3", cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        "error: The forward pass of Net fails on (1, 3) float32: it ends the program" in done.stderr
    )


def test_arguments_and_words_of_the_code_are_kept_apart(tmp_path: Path, modules: None) -> None:
    options = ARGPARSE.format("'--w', default=7, type=int") + READ
    write(tmp_path, tool=NET.format(imports=options, first="print('building', __file__)"))
    arguments = ["label", "tool.py:build", "--input-shape", "1,100", "--json"]
    done = gmbench(*arguments, cwd=tmp_path)
    assert json.loads(done.stdout)["values"]["parameters"] == 707
    assert done.stderr.startswith("building ")


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_inputs_have_the_dtype_of_the_weights(tmp_path: Path, modules: None, dtype: str) -> None:
    first = f"import torch; return nn.Linear(100, 3, dtype=torch.{dtype})"
    write(tmp_path, tool=NET.format(imports="width = 1", first=first))
    found = data("label", "tool.py:build", "--input-shape", "1,100", cwd=tmp_path)
    assert found["values"]["fc_layers"] == 1


def test_what_cannot_be_seen_is_exit_code_1(tmp_path: Path, modules: None) -> None:
    source = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.codes = nn.Parameter(torch.randn(5, 4))
    def forward(self, x):
        return torch.cdist(x, self.codes)
"""
    write(tmp_path, tool=source)
    arguments = ["label", "tool.py:Net", "--input-shape", "1,3,4"]
    shown = gmbench(*arguments, cwd=tmp_path, check=False)
    told = "Net calls cdist, which is not counted as a layer, with weights that belong to no layer"
    assert shown.returncode == 1
    assert shown.stderr == f"warning: {told}: codes: 20.\n"
    as_json = gmbench(*arguments, "--json", cwd=tmp_path, check=False)
    assert (as_json.returncode, as_json.stderr) == (1, "")
    assert json.loads(as_json.stdout)["warnings"] == [f"{told}: codes: 20."]


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
        ("nets:chosen.Generator", "Object 'Generator' is not known."),
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


def test_an_object_that_is_made_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules: None
) -> None:
    asked = "RuntimeError('no extension') if name == 'Net' else AttributeError(name)"
    write(tmp_path, tool=f"def __getattr__(name):\n    raise {asked}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NetworkError, match=r"tool:Net cannot be imported: RuntimeError: no ext"):
        load_network("tool:Net")


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
        (
            ["1,3,1000000,1000000"],
            ["float32"],
            "No input of shape 1,3,1000000,1000000 can be made:",
        ),
        (["3,1000000,1000000"], ["int64"], "No input of shape 3,1000000,1000000 can be made:"),
        ([f"1,{10**20}"], ["float32"], "it has more numbers than torch can count"),
        (["1"], ["float23"], "Dtype 'float23' is not known. Did you mean float32"),
        (["1", "2", "3"], ["bool", "bool"], "2 dtypes for 3 inputs"),
    ],
)
def test_inputs_that_cannot_be(shapes: list[str], dtypes: list[str], message: str) -> None:
    with pytest.raises((NetworkError, UnknownNameError)) as caught:
        example_inputs(shapes, dtypes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


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
