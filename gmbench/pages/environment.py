"""The Jinja environment of all pages: templates, filters and global values."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from gmbench.evaluation.intervals import CONFIDENCE
from gmbench.pages.drawing.charts import thresholds
from gmbench.version import __version__
from gmbench.wording import plural


def render(template: str, **values: Any) -> str:
    """Returns the text of a page, a fragment of one, or a style sheet.

    Args:
        template: Name of a file in `templates/`.
        **values: Variables of the template.
    """
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gmbench.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    environment.filters["code"] = _code
    environment.globals |= {
        "version": __version__,
        "confidence": f"{CONFIDENCE:.0%}",
        "thresholds": thresholds(),
        "plural": plural,
    }
    return environment


def _breakable(name: str) -> Markup:
    """Escapes a name and allows line breaks after underscores, for narrow columns."""
    return Markup(str(escape(name)).replace("_", "_<wbr>"))


def _code(sentence: str) -> Markup:
    """Escapes a sentence and marks up text between backquotes as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(sentence))))
