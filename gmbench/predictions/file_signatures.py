"""What kind of file some bytes are if they are not a table."""

from __future__ import annotations

from pathlib import Path

from gmbench.predictions.checks import Checklist

TEMPLATE = "`gmbench template` writes a valid file to start from."

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet"),
    (b"%PDF", "a PDF document"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x04", "a Python pickle"),
    (b"ARROW1", "an Arrow file"),
    (b"<!DOCTYPE", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"{", "JSON"),
    (b"[", "JSON"),
)


def other_kind(data: bytes) -> str:
    """Returns what a file that cannot be CSV is, such as `a PNG image`; empty if it may be CSV."""
    looks_like = next((what for sign, what in _SIGNATURES if data.startswith(sign)), "")
    return looks_like or ("binary data" if b"\0" in data[:4096] else "")


def note_kind(found: str, path: Path, endings: tuple[str, ...], checklist: Checklist) -> None:
    """Records what a file was found to be, and whether its name says something else.

    Args:
        found: What it is, judging by its content.
        path: The file's path.
        endings: Endings of names that agree; a name without an ending says nothing.
        checklist: Receives the check `file`.
    """
    ending = path.suffix.lower()
    if ending in ("", *endings):
        checklist.passed("file", found)
    else:
        checklist.noted("file", f"{found}; its name ends with {ending}, which says something else")


def not_readable(checklist: Checklist, message: str) -> None:
    """Records that a file is not a table at all, so that no other check can be made."""
    checklist.failed(
        "file", message, f"write predictions as CSV or Parquet; {TEMPLATE}", fatal=True
    )
