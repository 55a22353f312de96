"""The repository and the wheel hold what they should, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_top_level() -> None:
    """DESIGN section 11: what a reader meets first."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of its files")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {name.split("/")[0] for name in listed} == {
        ".ci", ".dockerignore", ".github", ".gitignore", "CHANGELOG.md", "CITATION.cff",
        "Dockerfile", "LICENSE", "Makefile", "README.md",
        "baselines", "benchmarks", "docs", "gmbench", "leaderboard", "mkdocs.yml", "pyproject.toml",
        "splits", "tests",
    }  # fmt: skip


def build(source: Path, folder: Path, *kinds: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", *kinds, "--no-isolation", "--outdir", str(folder)],
        cwd=source, check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("packages")
    build(ROOT, folder, "--wheel", "--sdist")
    return folder


@pytest.fixture(scope="module")
def wheel(packages: Path) -> Path:
    (path,) = packages.glob("gmbench-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that has the wheel; all else is borrowed."""
    folder = tmp_path_factory.mktemp("a fresh environment")
    environment(folder)
    subprocess.run(
        [
            str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-index",
            "--no-deps", "--ignore-installed", str(wheel),
        ],
        check=True,
    )  # fmt: skip
    return folder / "bin"


def environment(folder: Path) -> None:
    """Makes an environment that borrows the packages of the one that the tests run in."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    paths = "\n".join(path for path in sys.path if path.endswith("site-packages"))
    (site / "borrowed.pth").write_text(paths)


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Runs a command without the checkout on its path, and returns what it prints."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env={**kept, "GMBENCH_HOME": str(cwd / "home"), **variables},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_packages_are_sound(packages: Path) -> None:
    files = sorted(packages.iterdir())
    assert [path.suffix for path in files] == [".whl", ".gz"]
    run(sys.executable, "-m", "twine", "check", "--strict", *files, cwd=packages)
    with tarfile.open(files[1]) as archive:
        top = {name.split("/")[1] for name in archive.getnames()}
    assert {"baselines", "gmbench", "splits", "pyproject.toml", "README.md", "LICENSE"} <= top
    assert not top & {"tests", "benchmarks", "docs", "leaderboard", "site", ".github"}
    # As docs/development.md states them.
    text = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    stated = re.search(r"wheel has (\d+) MB, the source distribution (\d+) MB", text)
    assert stated is not None
    assert [round(path.stat().st_size / 1e6) for path in files] == [*map(int, stated.groups())]


@pytest.mark.slow
def test_wheel_holds_tables_sets_recipes_and_templates(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "gmbench/py.typed",
        "gmbench/tables/red116.csv",
        "gmbench/tables/notes.csv",
        "gmbench/tables/splits/red116/set_4.txt",
        "gmbench/tables/baselines/mean_mode/recipe.yaml",
    ):
        assert name in names
    for folder in ("templates", "modules"):
        assert any(name.startswith(f"gmbench/pages/{folder}/") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/"))]
    for folder, suffix in (("mini116", ".parquet"), ("parser", ".npz")):
        place = f"gmbench/tables/{folder}/"
        assert any(name.startswith(place) and name.endswith(suffix) for name in names), folder
    # mini116's images are the most of it, at most 20 MB as Parquet; the parser has 4.
    assert wheel.stat().st_size < 27_000_000


@pytest.mark.slow
def test_installed_wheel_runs_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    found = run(installed / "python", "-c", "import gmbench; print(gmbench.__file__)", cwd=tmp_path)
    assert found.startswith(str(installed.parent))
    version = run(installed / "gmbench", "--version", cwd=tmp_path)
    assert version == run(installed / "python", "-m", "gmbench", "--version", cwd=tmp_path)
    run(installed / "gmbench", "baseline", "mean_mode", "-o", "m.parquet", cwd=tmp_path)
    scored = ("evaluate", "m.parquet", "--replicates", "20", "--out", "report")
    run(installed / "gmbench", *scored, cwd=tmp_path)
    assert (tmp_path / "report" / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_the_docker_image_has_what_the_demo_needs(tmp_path: Path) -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "RUN make .venv/.installed" in lines
    assert lines[-1] == 'CMD ["make", "demo"]'
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    copied = tmp_path / "context"
    shutil.copytree(ROOT, copied, ignore=shutil.ignore_patterns(*ignored, "__pycache__", ".git"))
    shown = subprocess.run(
        ["make", "-n", "demo"], cwd=copied, check=True, capture_output=True, text=True
    ).stdout
    assert "pip install --quiet --editable ." in shown
    build(copied, tmp_path / "dist", "--wheel")


@pytest.mark.slow
def test_make_demo_twice_in_a_folder_with_a_space(tmp_path: Path) -> None:
    """The two commands of the README; the installation itself is CI's own business."""
    clone = tmp_path / "a clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    environment(clone / ".venv")
    (clone / ".venv" / ".installed").touch()
    # The second time over what the first one left, with a method that takes no time.
    for method in ("spectral", "random_labels"):
        done = subprocess.run(
            ["make", "--no-print-directory", "demo", f"METHOD={method}"],
            cwd=clone,
            capture_output=True,
            text=True,
            check=True,
        )
        said = done.stdout[done.stdout.index("== mini116") :]
        assert "The report is at out/report/report.html" in said
        assert f"checks of out/baselines/{method}.parquet: all ok" in said
        assert max(map(len, said.splitlines())) <= 80, said
        for word in ("DatasetDict", "Warning", "error"):
            assert word not in said + done.stderr
        assert [line.split()[0] for line in said.splitlines()[-3:]] == ["gmbench"] * 3
    assert (clone / "out" / "report" / "report.html").is_file()
