"""Makes the site's pages from the files of the repository; mkdocs.yml uses it as a hook.

Each page is written once, where readers of the repository find it. Here, README.md becomes the
start page, the READMEs of baselines/ and notebooks become pages, and links that lead out of docs/
are redirected to the site's equivalent: a page, a copy of the file or, for a folder without a page,
plain text.
"""

from __future__ import annotations

import json
import posixpath
import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are outside docs/, and those of notebooks."""
    _page(files, config, "index.md", (ROOT / "README.md").read_text(encoding="utf-8"))
    for readme in sorted(ROOT.glob("baselines/**/README.md")):
        text = readme.read_text(encoding="utf-8")
        _page(files, config, readme.relative_to(ROOT).as_posix(), text)
    for notebook in sorted(ROOT.glob("docs/notebooks/*.ipynb")):
        pictures: dict[str, bytes] = {}
        text = notebook_page(notebook, pictures)
        _page(files, config, f"notebooks/{notebook.stem}.md", text)
        for name, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def _page(files: Files, config: MkDocsConfig, uri: str, text: str) -> None:
    file = File.generated(config, uri, content=text)
    # There are many baselines: their pages are reached from a table, not from the navigation.
    file.inclusion = InclusionLevel.NOT_IN_NAV if uri.count("/") > 1 else InclusionLevel.INCLUDED
    files.append(file)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Redirects the links of a page to the site's own files."""
    home = repository_path(page.file.src_uri)

    def turned(match: re.Match[str]) -> str:
        mark, text, target = match.groups()
        path, _, anchor = target.partition("#")
        made = posixpath.join(posixpath.dirname(page.file.src_uri), path)
        if "://" in target or not path or (mark and files.get_file_from_path(made) is not None):
            return match.group()
        uri = site_path(posixpath.normpath(posixpath.join(posixpath.dirname(home), path)))
        if uri is None:
            return text
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, abs_src_path=str(ROOT / uri)))
        place = posixpath.relpath(uri, posixpath.dirname(page.file.src_uri) or ".")
        return f"{mark}[{text}]({place}{'#' + anchor if anchor else ''})"

    # Nothing in a block of code is a link.
    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.DOTALL | re.MULTILINE)
    parts[::2] = [_LINK.sub(turned, part) for part in parts[::2]]
    return "".join(parts)


def repository_path(uri: str) -> str:
    """Returns where in the repository a page of the site is written."""
    if uri == "index.md":
        return "README.md"
    return uri if uri.startswith("baselines/") else f"docs/{uri}"


def site_path(path: str) -> str | None:
    """Returns where the site has a file or folder of the repository; None if nowhere."""
    if (ROOT / path).is_dir():
        path += "/README.md"
    if path == "README.md":
        return "index.md"
    if path.startswith(".") or not (ROOT / path).is_file():
        return None
    return path.removeprefix("docs/").replace(".ipynb", ".md")


def notebook_page(path: Path, pictures: dict[str, bytes]) -> str:
    """Returns a notebook, with its stored outputs, as Markdown.

    Args:
        path: The notebook.
        pictures: Dictionary to which its pictures are added, under the names that the page uses.
    """
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        parts += _outputs(cell, path.stem, pictures)
    parts.append(f'The notebook as a file: <a href="{path.name}" download>{path.name}</a>.')
    return "\n\n".join(parts) + "\n"


def _outputs(cell: dict[str, Any], stem: str, pictures: dict[str, bytes]) -> Iterator[str]:
    """Yields what a cell printed and showed: text, tables, pictures."""
    for output in cell["outputs"]:
        data = output.get("data", {})
        text = "".join(output.get("text", data.get("text/plain", "")))
        if "image/png" in data:
            name = f"{stem}-{len(pictures)}.png"
            pictures[name] = b64decode("".join(data["image/png"]))
            yield f"![What the cell shows]({name})"
        elif "text/html" in data:
            html = re.sub(r"<style.*?</style>\s*", "", "".join(data["text/html"]), flags=re.DOTALL)
            # Without a class, it is a table like any other on the site.
            yield re.sub(r"<table[^>]*>", "<table>", html)
        else:
            yield f"```text\n{text.rstrip()}\n```"
