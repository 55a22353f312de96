"""The core is light: what does not train must not import what trains."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "torchvision", "accelerate")


def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=path, check=False
    )


@pytest.fixture
def poisoned(tmp_path: Path) -> Path:
    """A folder, first on the path, whose torch cannot be imported without notice."""
    for name in HEAVY:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('heavy import of ' + __name__)")
    return tmp_path


def test_the_poison_works(poisoned: Path) -> None:
    assert run("import torch", poisoned).stderr.strip() == "heavy import of torch"


@pytest.mark.parametrize(
    "code",
    [
        "import gmbench",
        "import gmbench; gmbench.evaluate; gmbench.compare; gmbench.validate_predictions",
        "import gmbench.cli",
        "import gmbench.pages.report",
        "import gmbench.zoo",
        "import gmbench.training.suite, gmbench.training.config, gmbench.training.baselines",
        "import gmbench.board.submission, gmbench.board.verification",
    ],
)
def test_no_torch(code: str, poisoned: Path) -> None:
    done = run(code, poisoned)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "code",
    [
        "gmbench.FoldDataset",
        "gmbench.measure(1, 1)",
        "gmbench.run_baseline('full')",
    ],
)
def test_without_torch_python_says_what_to_install(code: str, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('no torch', name='torch')")
    last = run(f"import gmbench; {code}", tmp_path).stderr.splitlines()[-1]
    assert last == (
        "gmbench.errors.MissingPackageError: This needs the package torch, which is not installed. "
        'Get it with `pip install "gmbench[train]"`.'
    )


def test_import_alone_loads_nothing_large(tmp_path: Path) -> None:
    code = (
        "import gmbench, sys; large = {'PIL', 'datasets', 'numpy', 'pandas', 'pyarrow', 'rich', "
        "'scipy', 'sklearn', 'torch'}; "
        "print(sorted(large & sys.modules.keys()))"
    )
    assert run(code, tmp_path).stdout.strip() == "[]"


def test_parsing_an_image_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    code = (
        "import gmbench.training.checkpoint, gmbench.models.parsing, sys; "
        "large = {'pandas', 'pyarrow', 'scipy', 'sklearn', 'datasets', 'accelerate', 'rich'}; "
        "print(sorted(large & sys.modules.keys()))"
    )
    assert run(code, tmp_path).stdout.strip() == "[]"


def test_unknown_attribute() -> None:
    import gmbench

    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        gmbench.evalute  # noqa: B018
    assert {"evaluate", "compare", "load_dataset"} <= set(dir(gmbench))
