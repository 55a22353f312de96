"""The pages tell the truth about commands, options and files."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from gmbench.cli.app import app

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("baselines/*/README.md")],
    key=str,
)


@cache
def root_command() -> Any:
    return typer.main.get_command(app)


def commands(page: Path) -> list[str]:
    """Every line of a shell block that calls gmbench."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split(" #")[0] for line in lines if line.startswith("gmbench ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_exist(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(re.split(r"[|>&;]", line)[0])[1:]
        command = root_command()
        while words and hasattr(command, "commands"):
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts}
        known |= {"-h", "--help"}
        for word in words:
            if re.fullmatch(r"--?[a-z][a-z-]*", word):
                assert word in known, f"{word} in: {line}"


def test_every_command_stands_in_the_readme_or_the_docs() -> None:
    shown = " ".join(page.read_text(encoding="utf-8") for page in PAGES)

    def walk(command: Any, name: str) -> list[str]:
        if hasattr(command, "commands"):
            return [n for key, sub in command.commands.items() for n in walk(sub, f"{name} {key}")]
        return [name]

    for name in walk(root_command(), "gmbench"):
        assert name in shown, name


def test_no_path_of_a_machine() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"(^|[\s(`])/(home|root|tmp|work|Users)/", text), page
