"""Wrapping of long lines in a terminal: between words, indented to where their text begins."""

from __future__ import annotations

import re

_HEAD = re.compile(r" *(?:- |(?:ok|note|warning|failed|error|skipped) +\w+ +)?")
"""Prefix of a line's text: blanks, a list marker, or a check's status and name."""
_WORD = re.compile(r"[^\s`]*`[^`]*`\S*|\S+")
"""A word, or a command in backquotes, which stays in one piece for copying."""
_FEWEST = 30
"""Columns of text below which a line is wrapped without indentation."""


def fitted(text: str, width: int) -> str:
    """Wraps the lines that are longer than a terminal is wide; others stay as they are.

    Args:
        text: Prose or a checklist, of one or more lines.
        width: Columns of the terminal.
    """
    return "\n".join(part for line in text.split("\n") for part in _broken(line, width))


def _broken(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    found = _HEAD.match(line)
    head = found.group() if found else ""
    indent = " " * len(head) if width - len(head) >= _FEWEST else ""
    parts = [head]
    begins = True
    for word in _WORD.findall(line[len(head) :]):
        if not begins and len(parts[-1]) + 1 + len(word) > width:
            parts.append(indent)
            begins = True
        parts[-1] += word if begins else f" {word}"
        begins = False
    return parts
