"""The fenced blocks of a page, and what its source says of running them.

A comment before a block says what a reader has by then, what makes a run short, or why a block or
some of its lines are not run:

    <!-- first: gmbench baseline random_labels -o predictions.parquet -->
    <!-- with, gmbench train: --change steps=2 -->
    <!-- not run: hours -->
    <!-- not run, gmbench data fetch: network -->
    <!-- file: baselines/mine/recipe.yaml -->

`first` is a shell command, or Python where the block is; it may have several lines. `file` says
that the block is what this file holds. After a comma stands how the lines begin that are meant; a
comment that fits no line is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

REASONS = {
    "hours": "takes longer than a test may",
    "network": "asks a host of the network",
    "yours": "needs files that only its reader has",
    "installs": "installs packages",
    "waits": "runs until it is stopped",
    "tested": "has a test of its own",
    "sketch": "shows a form, with names that stand for anything",
}
"""Why something is not run: the word in the comment, and what it means."""

_FENCE = re.compile(
    r"(?P<notes>(?:^<!-- (?:not run|first|with|file)\b.*?-->\n+)*)"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_NOTE = re.compile(r"<!-- (not run|first|with|file)(?:, ([^:]+))?:\s(.*?)\s*-->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: Where it stands.
        line: The line of its first fence, from 1.
        language: `sh` or `python`; other blocks are text, unless they are a file.
        first: What is to be run before it, in its language; of a file, in the shell.
        run: What is run of it, or what the file holds; empty if nothing is.
        file: Which file it is.
        not_run: Its commands that are not run, or its first line, each with the word for why.
    """

    page: Path
    line: int
    language: str
    first: str
    run: str
    not_run: list[tuple[str, str]] = field(default_factory=list)
    file: str = ""


def blocks(page: Path) -> list[Block]:
    """Returns a page's blocks of shell commands and Python, and those that are files, in order.

    Raises:
        ValueError: If a comment fits no line, or gives a reason that `REASONS` does not know.
    """
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        if match["language"] in ("sh", "python") or "<!-- file" in match["notes"]:
            line = text.count("\n", 0, match.start("language")) + 1
            notes = _NOTE.findall(match["notes"])
            if len(notes) != match["notes"].count("<!--"):
                raise ValueError(f"{page.name}:{line}: a comment that cannot be read.")
            found.append(_block(page, line, match["language"], match["text"], notes))
    return found


def _block(
    page: Path, line: int, language: str, text: str, notes: list[tuple[str, str, str]]
) -> Block:
    commands = _commands(text) if language == "sh" else [text]
    run, not_run, first, file = list(commands), [], [], ""
    for kind, beginning, said in notes:
        fitting = [one for one in run if one.startswith(beginning)]
        if not fitting:
            raise ValueError(f"{page.name}:{line}: no line begins with {beginning!r}.")
        match kind:
            case "first":
                first.append(said)
            case "file":
                file = said
            case "with":
                run = [f"{_bare(one)} {said}" if one in fitting else one for one in run]
            case _:
                if said not in REASONS:
                    raise ValueError(f"{page.name}:{line}: {said!r} is none of {list(REASONS)}.")
                not_run += [(one.splitlines()[0], said) for one in fitting]
                run = [one for one in run if one not in fitting]
    return Block(page, line, language, "\n".join(first), "\n".join(run), not_run, file)


def _commands(text: str) -> list[str]:
    """Returns the commands of a shell block, one a line, without empty lines and comments."""
    lines = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _bare(command: str) -> str:
    """Returns a command without the comment behind it."""
    return re.split(r"\s+#\s", command)[0]
