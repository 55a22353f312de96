"""The pages of the leaderboard: static files that request nothing but each other.

`rows` becomes `methods_table` and `picture` (the layout of the page of the board),
`method_page`, and `json_data` (the files that scripts and people load); `building` makes the folder
from them with the templates and modules of `gmbench.pages`.
"""

from __future__ import annotations

from gmbench.board.site.building import Site, build_site

__all__ = ["Site", "build_site"]
