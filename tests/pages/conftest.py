from __future__ import annotations

from tests.browser import one_browser

__all__ = ["one_browser"]
