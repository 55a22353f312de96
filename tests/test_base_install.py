"""What `pip install gmbench` alone brings is enough to load, check, score, compare and parse."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from datasets import load_dataset

HIDING = """
import sys
from importlib.machinery import PathFinder

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            return None
        return super().find_spec(name, path, target)

sys.meta_path[:] = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]
"""


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def brought_by(package: str, found: set[str]) -> set[str]:
    """Returns a package and all that it needs without any extra, by the names of the index."""
    if package in found:
        return found
    found.add(package)
    try:
        needed = requires(package) or []
    except PackageNotFoundError:  # Needed on another system alone.
        return found
    for line in needed:
        name, _, marker = line.partition(";")
        if "extra" not in marker:
            word = re.match(r"[\w.-]+", name)
            assert word is not None
            brought_by(plain(word.group()), found)
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, first on the path, that hides every package of the extras."""
    kept = brought_by("gmbench", set()) | {"pip", "setuptools"}
    hidden = {
        module
        for module, packages in packages_distributions().items()
        if module.isidentifier() and not kept & {plain(package) for package in packages}
    }
    assert {"torch", "torchvision", "accelerate", "matplotlib", "safetensors"} <= hidden
    assert not {"numpy", "datasets", "sklearn", "gmbench", "yaml"} & hidden
    folder = tmp_path_factory.mktemp("base")
    (folder / "sitecustomize.py").write_text(HIDING.format(names=sorted(hidden)))
    return folder


def gmbench(base: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parent.parent
    return subprocess.run(
        [sys.executable, "-m", "gmbench", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(base), str(root)]),
            "GMBENCH_HOME": str(folder / "home"),
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_core_needs_no_extra(base: Path, tmp_path: Path) -> None:
    steps = (
        ("data", "build", "--out", "gm-parsing"),
        ("baseline", "median_mode", "random_f1", "--out", "made"),
        ("validate", "made/median_mode.parquet"),
        ("evaluate", "made/median_mode.parquet", "--replicates", "20", "--out", "report"),
        ("compare", "made/median_mode.parquet", "made/random_f1.parquet"),
        ("info", "MINI_DCGAN"),
    )
    for step in steps:
        done = gmbench(base, tmp_path, *step)
        assert done.returncode == 0, (step, done.stderr)
    assert (tmp_path / "report" / "report.html").is_file()
    image = load_dataset(str(tmp_path / "gm-parsing"), "set_1", split="test")[0]["image"]
    image.save(tmp_path / "image.png")
    parsed = gmbench(base, tmp_path, "parse", "image.png")
    assert parsed.returncode == 0, parsed.stderr
    assert "known" in parsed.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("baseline", "full", "--out", "full.parquet"), "train"),
        (("zoo", "build", "--like", "red116", "--gms", "2", "--out", "zoo"), "zoo"),
        (("figure", "3"), "figures"),
    ],
)
def test_what_needs_an_extra_names_it(
    arguments: tuple[str, ...], extra: str, base: Path, tmp_path: Path
) -> None:
    done = gmbench(base, tmp_path, *arguments)
    assert done.returncode not in (0, 1), done.stdout
    assert "Traceback" not in done.stderr
    assert f'pip install "gmbench[{extra}]"' in " ".join(done.stderr.split())
