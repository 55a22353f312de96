"""What the pages tell their readers to type is typed here, page by page, in a fresh folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.page_blocks import REASONS, Block, blocks

ROOT = Path(__file__).parent.parent
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    # Its examples are those of the docstrings: tests/test_front_door.py runs them.
    if page.name != "api.md"
]
BLOCKS = [block for page in PAGES for block in blocks(page)]
RUN = [page for page in PAGES if any(block.run for block in BLOCKS if block.page == page)]
"""The pages that have something to run; what is not says why."""


def name(block: Block) -> str:
    return f"{block.page.name}:{block.line}"


def shell(text: str, folder: Path, home: Path) -> None:
    """Runs commands as a shell does that stops at the first one that fails."""
    tools = home / "bin"
    if not tools.exists():
        tools.mkdir(parents=True)
        for command, call in (("gmbench", "-m gmbench"), ("python", "")):
            (tools / command).write_text(f'#!/bin/sh\nexec "{sys.executable}" {call} "$@"\n')
            (tools / command).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "REPOSITORY": str(ROOT),
        "GMBENCH_HOME": str(home / "cache"),
        "HOME": str(home),
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "80",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{text}\n{done.stdout[-1000:]}{done.stderr[-2000:]}"
    assert "Traceback" not in done.stderr, done.stderr[-2000:]


def run(found: list[Block], folder: Path, home: Path) -> None:
    """Runs blocks in order; Python blocks share their names, as in one session."""
    session: dict[str, object] = {"__name__": "__main__"}
    for block in found:
        if block.file:
            shell(block.first, folder, home)
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.run)
            continue
        for text in (block.first, block.run) if block.run else ():
            if block.language == "sh":
                shell(text, folder, home)
            else:
                exec(compile(text, name(block), "exec"), session)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader's home, with the cache that the pages share."""
    return tmp_path_factory.mktemp("home")


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_a_page_runs(
    page: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GMBENCH_HOME", str(home / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    run([block for block in BLOCKS if block.page == page], tmp_path, home)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("block", "command", "reason"),
    [(block, *one) for block in BLOCKS for one in block.not_run],
    ids=lambda part: name(part) if isinstance(part, Block) else "",
)
def test_not_run(block: Block, command: str, reason: str) -> None:
    """Counts what is not run, out loud, in the summary of the tests."""
    pytest.skip(f"not run: {REASONS[reason]}: {name(block)}: {command}")


def test_more_is_run_than_not() -> None:
    """By lines of all pages, so that comments do not spread."""
    assert len(RUN) > len(PAGES) / 2
    run_lines = sum(block.run.count("\n") + 1 for block in BLOCKS if block.run)
    assert run_lines > 2 * sum(len(block.not_run) for block in BLOCKS)


PAGE = """
<!-- first: echo 1 | tee one.txt > two.txt -->
<!-- not run, gmbench data fetch: network -->
<!-- with, cat: two.txt -->
```sh
cat one.txt     # a comment
gmbench data fetch red116
```

```sh
cat one.txt \\
  one.txt
```

```csv
no,command
```

<!-- file: folder/three.txt -->
```text
3
```

<!-- first:
x = 1
y = 2
-->
```python
z = x + y
```

```python
assert z == {sum}
```
"""


def test_blocks_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("{sum}", "3"))
    found = blocks(page)
    commented, continued, file, *python = found
    assert (commented.line, commented.run) == (5, "cat one.txt two.txt")
    assert commented.first == "echo 1 | tee one.txt > two.txt"
    assert commented.not_run == [("gmbench data fetch red116", "network")]
    assert continued.run.split() == ["cat", "one.txt", "one.txt"]
    assert (file.file, file.run) == ("folder/three.txt", "3\n")
    assert [block.first for block in python] == ["x = 1\ny = 2", ""]
    run(found, tmp_path, tmp_path / "home")
    assert (tmp_path / "folder" / "three.txt").read_text() == "3\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (PAGE.replace("{sum}", "4"), AssertionError),
        ("```sh\nfalse\ntrue\n```\n", AssertionError),
        ("```sh\ngmbench evaluate no.csv | cat\n```\n", AssertionError),
        ("```python\nundefined\n```\n", NameError),
        ("<!-- not run, cat: hours -->\n```sh\nls\n```\n", ValueError),
        ("<!-- not run: I am lazy -->\n```sh\nls\n```\n", ValueError),
        ("<!-- not run this -->\n```sh\nls\n```\n", ValueError),
    ],
)
def test_a_page_that_is_wrong_fails(text: str, error: type[Exception], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(error):
        run(blocks(page)[-2:], tmp_path, tmp_path / "home")
