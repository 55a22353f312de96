"""Writes docs/api.md from the docstrings of the public names.

python docs/api.py            # rewrites docs/api.md
python docs/api.py --check    # exits with 1 if the page does not match the docstrings
"""

from __future__ import annotations

import sys
from pathlib import Path

import griffe

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "api.md"

CHAPTERS: dict[str, tuple[str, ...]] = {
    "Benchmarks and datasets": (
        "list_benchmarks", "load_benchmark", "Benchmark", "load_dataset", "build_dataset",
    ),
    "Predictions": ("read_predictions", "validate_predictions", "Predictions"),
    "Evaluation": ("evaluate", "compare", "metrics"),
    "Methods": ("list_baselines", "run_baseline", "load_parser", "parse", "FoldDataset"),
    "Leaderboard": ("leaderboard", "submit"),
    "Labels of a network": ("measure",),
    "The contract": ("PARAMETERS", "Parameter"),
}  # fmt: skip
"""The public names, in the order in which readers ask for them."""

HEAD = """# Python interface

Everything here is an attribute of `gmbench`, loads what it needs on first use, and has an example
that is run as a test. This page is made of the docstrings: `python docs/api.py`.
"""


def page() -> str:
    """Returns the page."""
    package = griffe.load("gmbench", search_paths=[str(ROOT)])
    parts = [HEAD]
    for chapter, names in CHAPTERS.items():
        parts.append(f"## {chapter}\n")
        for name in names:
            found = package[name]
            parts.append(entry(name, found.final_target if found.is_alias else found))
    return "\n".join(parts)


def entry(name: str, item: griffe.Object | griffe.Alias) -> str:
    """Returns what the page says about one public name."""
    if item.is_module:
        members = (m for m in item.functions.values() if m.is_public)
        text = [f"### gmbench.{name}\n", *description(item)]
        return "\n".join([*text, *(entry(f"{name}.{m.name}", m) for m in members)])
    text = [f"### gmbench.{name}\n"]
    if isinstance(item, griffe.Function):
        text.append(f"```python\n{_signature(name, item)}\n```\n")
    text += description(item)
    if isinstance(item, griffe.Class):
        public = [m for m in item.functions.values() if m.is_public and m.name != "__init__"]
        for method in public:
            if "property" not in method.labels:
                text += [f"**`{_signature(method.name, method)}`**\n", *description(method)]
    return "\n".join(text)


def description(item: griffe.Object | griffe.Alias) -> list[str]:
    """Returns an item's docstring as Markdown, section by section."""
    if item.docstring is None:
        return []
    text = []
    for section in item.docstring.parse("google", returns_multiple_items=False):
        match section:
            case griffe.DocstringSectionText():
                text.append(f"{section.value}\n")
            case griffe.DocstringSectionParameters() | griffe.DocstringSectionAttributes():
                rows = [f"- `{one.name}`: {_line(one.description)}" for one in section.value]
                text.append("\n".join(rows) + "\n")
            case griffe.DocstringSectionReturns():
                text.append(f"Returns: {_line(section.value[0].description)}\n")
            case griffe.DocstringSectionRaises():
                rows = [f"- `{one.annotation}`: {_line(one.description)}" for one in section.value]
                text.append("Raises:\n\n" + "\n".join(rows) + "\n")
            case griffe.DocstringSectionExamples():
                code = "\n\n".join(value for _, value in section.value)
                text.append(f"```python\n{code}\n```\n")
            case _:
                raise ValueError(f"{item.path}: a section of kind {section.kind} has no form here.")
    return text


def _signature(name: str, function: griffe.Function) -> str:
    """Returns a signature, with one argument per line if a single line would be too long."""
    shown = []
    star = False
    for one in function.parameters:
        if one.name == "self":
            continue
        if one.kind is griffe.ParameterKind.keyword_only and not star:
            shown.append("*")
            star = True
        star = star or one.kind is griffe.ParameterKind.var_positional
        prefix = "*" if one.kind is griffe.ParameterKind.var_positional else ""
        default = "" if one.default is None or prefix else f" = {one.default}"
        shown.append(f"{prefix}{one.name}: {one.annotation}{default}")
    line = f"{name}({', '.join(shown)}) -> {function.returns}"
    if len(line) <= 90:
        return line
    return f"{name}(\n" + "".join(f"    {one},\n" for one in shown) + f") -> {function.returns}"


def _line(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Rewrites the page, or only checks whether it differs."""
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or text != PAGE.read_text(encoding="utf-8"):
            sys.exit("docs/api.md is not of the docstrings: run `python docs/api.py`.")
        return
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
