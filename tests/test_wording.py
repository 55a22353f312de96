"""Numbers of things in words."""

from __future__ import annotations

from gmbench.wording import plural


def test_one_and_several() -> None:
    assert plural(1, "row") == "1 row"
    assert plural(0, "row") == "0 rows"
    assert plural(48_000, "row") == "48,000 rows"
    assert plural(1, "is", "are") == "1 is"
    assert plural(2, "file is", "files are") == "2 files are"
