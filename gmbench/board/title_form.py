"""Titles that look alike: what a title may contain, and the form in which two are compared.

Follows Unicode Technical Standard 39 (confusables and mixed scripts), as far as Latin, Greek and
Cyrillic letters look alike; a title may be entirely in any script.
"""

from __future__ import annotations

import re
import unicodedata

_LOOKS: dict[str, str] = {
    "a": "аαɑ", "b": "вβ", "c": "сϲ", "d": "ԁ", "e": "еεє", "g": "ԍɡ", "h": "нһ", "j": "јϳ",
    "k": "кκ", "l": "i1|ıɩɪіιӏʟǀ", "m": "м", "n": "пηи", "o": "0оο", "p": "рρ", "q": "ԛ",
    "r": "гґʀ", "s": "ѕ", "t": "тτ", "u": "υ", "v": "νѵ", "w": "ԝω", "x": "хχ", "y": "уγ",
}  # fmt: skip
"""Letters that look like a Latin one, after case folding; i, l and 1 are equal, as are o and 0."""
_PLAIN = str.maketrans({look: plain for plain, looks in _LOOKS.items() for look in looks})
# The other click letters: one looks like two of l, two like marks, which a form has not.
_PLAIN |= str.maketrans({"ǁ": "ll", "ǂ": "", "ǃ": ""})
_NO_TITLE = ("CIRCLED", "PARENTHESIZED", "SQUARED", "FULLWIDTH", "MATHEMATICAL", "MODIFIER LETTER")
"""Parts of the names of characters that stand for a plain letter or digit."""
_LOOK_ALIKE = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "COPTIC", "CHEROKEE", "LISU")
"""Scripts whose letters can pass for each other's; no word of any language mixes them."""


def title_form(title: str) -> str:
    """Returns a form of a title that ignores look-alikes, accents, case and separators.

    Examples:
        >>> title_form("FЕN-РN ①") == title_form("fen pn 1")
        True
    """
    plain = unicodedata.normalize("NFKD", title)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    folded = unicodedata.normalize("NFKC", plain.casefold()).translate(_PLAIN)
    return "".join(letter for letter in folded if letter.isalnum())


def title_fault(title: str) -> str:
    """Returns what in a title can pass for something else; empty if all is plain."""
    for letter in unicodedata.normalize("NFC", title):
        name = unicodedata.name(letter, "")
        if unicodedata.combining(letter) or unicodedata.category(letter) == "Me":
            return f"holds the loose mark U+{ord(letter):04X} ({name.lower()})"
        if any(what in name for what in _NO_TITLE):
            return f"holds {letter!r} ({name.lower()}); write a plain letter or digit"
    for word in re.findall(r"\w+", title):
        scripts = {_script(letter) for letter in word if letter.isalpha()} - {""}
        if len(scripts) > 1:
            return f"mixes letters of {' and '.join(sorted(scripts))} in {word!r}"
    return ""


def _script(letter: str) -> str:
    """Returns the script of a letter if it is one of those that look alike, else nothing."""
    first = unicodedata.name(letter, "").split(" ")[0]
    return first.capitalize() if first in _LOOK_ALIKE else ""
