"""From the bytes of a text file, as programs write them, to UTF-8 with LF line ends."""

from __future__ import annotations

import codecs

from gmbench.predictions.checks import Checklist
from gmbench.wording import plural

_WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def wide_encoding(data: bytes) -> str:
    """Returns `UTF-16` or `UTF-32` if a text is in one of these, otherwise an empty string."""
    for mark, name in _WIDE_MARKS:
        if data.startswith(mark):
            return name
    begin = data[:64]
    halves = (begin[0::2], begin[1::2])
    # Without a byte-order mark: every second byte of text that begins in English is zero.
    if len(begin) >= 4 and any(not any(half) for half in halves) and begin.count(0) < len(begin):
        other = halves[0] if any(halves[0]) else halves[1]
        return "UTF-16" if other.isascii() and 0 not in other else ""
    return ""


def plain_text(data: bytes, checklist: Checklist) -> bytes | None:
    """Checks encoding and line ends, and strips what other programs add.

    Args:
        data: The bytes of a text file.
        checklist: Receives the checks `encoding` and `line_ends`.

    Returns:
        UTF-8 without a byte-order mark, with LF line ends; None if it is in another encoding.
    """
    if wide := wide_encoding(data):
        checklist.failed(
            "encoding",
            f"the text is {wide}, not UTF-8.",
            "save it as UTF-8: 'CSV UTF-8' in Excel, -Encoding utf8 in PowerShell, "
            "encoding='utf-8' in pandas.",
            fatal=True,
        )
        return None
    marked = data.startswith(codecs.BOM_UTF8)
    text = data.removeprefix(codecs.BOM_UTF8)
    try:
        if not text.isascii():  # Decoding takes up to four times the memory of the text.
            text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        checklist.failed(
            "encoding",
            f"the text is not UTF-8: line {line} has the byte 0x{text[error.start]:02x}.",
            "save it as UTF-8, as `frame.to_csv(path, index=False)` does.",
            fatal=True,
        )
        return None
    if marked:
        checklist.noted("encoding", "UTF-8 with a byte-order mark")
    else:
        checklist.passed("encoding", "UTF-8")
    return _with_line_feeds(text, checklist)


def _with_line_feeds(text: bytes, checklist: Checklist) -> bytes:
    if b"\r" not in text:
        checklist.passed("line_ends", "LF")
        return text
    n_returns, n_pairs = text.count(b"\r"), text.count(b"\r\n")
    ends = [
        f"{plural(count, 'line ends', 'lines end')} with {name}"
        for name, count in (("CRLF", n_pairs), ("CR", n_returns - n_pairs))
        if count
    ]
    checklist.noted("line_ends", ", ".join(ends))
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
