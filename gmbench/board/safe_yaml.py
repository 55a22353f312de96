"""YAML from untrusted sources: plain data only, small, flat, and with no way to expand.

`yaml.safe_load` creates no objects, but it follows aliases, which let a kilobyte expand to
gigabytes, silently takes the last of two equal keys, and recurses as deeply as a text is nested.
All of that is refused here before anything is built.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from gmbench.errors import GmbenchError

MOST_BYTES = 64_000
"""Size of the largest card that is read; an ordinary one has 500 bytes."""

_DEEPEST = 4


class CardError(GmbenchError):
    """A card, or another file of a submission, that is not valid."""

    exit_code = 1


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a YAML file that holds one mapping of plain values.

    Raises:
        CardError: It is too large, cannot be read, or holds anything else; the message says what
            and where.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise CardError(
                f"{path} has {size:,} bytes; at most {MOST_BYTES:,} are read. Shorten its notes."
            )
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise CardError(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise CardError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """Parses YAML text that holds one mapping of plain values.

    Args:
        text: The YAML.
        source: Its name in messages.

    Raises:
        CardError: The text holds anything else; the message says what and where.
    """
    try:
        _refuse_tricks(text, source)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).split("\n")[0]
        raise CardError(f"{source}{where} is not YAML: {problem}.") from error
    except (ValueError, OverflowError) as error:  # Such as the date 2026-02-31.
        raise CardError(f"{source} holds a value that does not exist: {error}.") from error
    if not isinstance(data, dict):
        raise CardError(f"{source} holds no mapping: write lines such as `name: my_method`.")
    return data


def _refuse_tricks(text: str, source: str) -> None:
    """Walks through the text without building anything and refuses what a card does not need."""
    depth, documents = 0, 0
    keys: list[set[str] | None] = []
    expects_key: list[bool] = []

    def refuse(event: yaml.Event, what: str) -> CardError:
        line = event.start_mark.line + 1 if event.start_mark else 1
        return CardError(f"{source} line {line} {what} Write plain values alone.")

    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise refuse(event, "begins a second document, which a card cannot have.")
        if isinstance(event, yaml.AliasEvent):
            raise refuse(event, f"uses the alias *{event.anchor}, which cards may not.")
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise refuse(event, f"sets the anchor &{event.anchor}, which cards may not.")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise refuse(event, f"has the tag {tag}, which cards may not.")
        starts = isinstance(event, yaml.CollectionStartEvent)
        if keys and keys[-1] is not None and (starts or isinstance(event, yaml.ScalarEvent)):
            if expects_key[-1] and isinstance(event, yaml.ScalarEvent):
                if event.value in keys[-1]:
                    raise refuse(event, f"gives {event.value!r} a second time.")
                keys[-1].add(event.value)
            expects_key[-1] = not expects_key[-1]
        if starts:
            depth += 1
            if depth > _DEEPEST:
                raise refuse(event, f"is nested more than {_DEEPEST} deep.")
            keys.append(set() if isinstance(event, yaml.MappingStartEvent) else None)
            expects_key.append(True)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            keys.pop()
            expects_key.pop()
