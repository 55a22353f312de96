"""The repository and the wheel hold what they should, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
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
        ".ci", ".github", ".gitignore", "CHANGELOG.md", "CITATION.cff", "LICENSE", "Makefile",
        "README.md",
        "baselines", "benchmarks", "docs", "gmbench", "leaderboard", "mkdocs.yml", "pyproject.toml",
        "splits", "tests",
    }  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (path,) = folder.glob("gmbench-*.whl")
    return path


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
    for folder, suffix in (("mini116", ".parquet"), ("parser", ".safetensors")):
        place = f"gmbench/tables/{folder}/"
        assert any(name.startswith(place) and name.endswith(suffix) for name in names), folder
    # mini116's images are the most of it: at most 20 MB as Parquet.
    assert wheel.stat().st_size < 24_000_000


@pytest.mark.slow
def test_installed_wheel_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

    def run(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments], env=environment, cwd=tmp_path, check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip

    assert str(tmp_path) in run("-c", "import gmbench; print(gmbench.__file__)")
    assert "4 VAE" not in run("-m", "gmbench", "info", "set_1")
    run("-m", "gmbench", "baseline", "mean_mode", "-o", "m.parquet")
    run("-m", "gmbench", "evaluate", "m.parquet", "--replicates", "20", "--out", "report")
    assert (tmp_path / "report" / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_make_demo_twice_in_a_folder_with_a_space(tmp_path: Path) -> None:
    """The two commands of the README; the installation itself is CI's own business."""
    clone = tmp_path / "a clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    subprocess.run(
        [sys.executable, "-m", "venv", "--system-site-packages", ".venv"], cwd=clone, check=True
    )
    site = clone / ".venv" / "borrowed.pth"
    # The environment of the tests has every dependency; the clone borrows them.
    paths = "\n".join(path for path in sys.path if path.endswith("site-packages"))
    (target,) = (clone / ".venv").glob("lib/python3*/site-packages")
    (target / site.name).write_text(paths)
    (clone / ".venv" / ".installed").touch()
    # The second time over what the first one left, with a method that takes no time.
    for method in ("spectral", "random_labels"):
        done = subprocess.run(
            ["make", "demo", f"METHOD={method}"],
            cwd=clone,
            capture_output=True,
            text=True,
            check=True,
        )
        said = done.stdout[done.stdout.index("== mini116") :]
        assert "the report is at out/report/report.html" in said
        assert f"checks of out/baselines/{method}.parquet: all ok" in said
        assert max(map(len, said.splitlines())) <= 80, said
        for word in ("DatasetDict", "Warning", "error"):
            assert word not in said + done.stderr
        assert [line.split()[0] for line in said.splitlines()[-3:]] == ["gmbench"] * 3
    assert (clone / "out" / "report" / "report.html").is_file()
