"""docs/labels.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gmbench.schema import markdown_table

DOCS = (Path(__file__).parent.parent.parent / "docs" / "labels.md").read_text(encoding="utf-8")


def test_schema_table() -> None:
    begin, end = re.search(r"<!-- schema: .*? -->\n", DOCS), DOCS.index("\n<!-- end of schema -->")
    assert begin is not None
    assert DOCS[begin.end() : end] == markdown_table()


def test_the_example_counted_by_hand() -> None:
    torch = pytest.importorskip("torch", reason="measuring networks needs torch")
    from gmbench.measuring.measure import measure

    section = DOCS[DOCS.index("## An example counted by hand") :]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert code is not None
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    exec(code[1], names)  # the docs' own code
    measured = measure(names["Example"](), torch.randn(1, 10)).to_dict()["values"]
    rows = re.findall(
        r"^\| `(\w+)` \| ([\w,]+) \|", section[: section.index("\n## Measured")], re.M
    )
    assert {name: value.replace(",", "") for name, value in rows} == {
        name: str(value) for name, value in measured.items()
    }


def test_the_lists_of_functions_are_the_vocabulary() -> None:
    from gmbench.measuring import vocabulary

    begin = DOCS.index("Non-linearities count at every call")
    section = DOCS[begin : DOCS.index("Ties, and networks", begin)]
    rows = re.findall(r"^\| ([\w, ]+)(?:;.*?)? \| (\w+) \| (\w+) \|$", section, re.MULTILINE)
    told = {
        function.strip(): classes
        for functions, *classes in rows
        if functions != "functions"
        for function in functions.split(",")
    }
    assert told == {
        function: [vocabulary.LAST_CLASSES[family], vocabulary.BLOCK_CLASSES[family]]
        for function, family in vocabulary.NONLINEARITIES.items()
    }
