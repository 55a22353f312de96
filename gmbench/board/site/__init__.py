"""The pages of the leaderboard: static files that ask nothing of any server but themselves.

`rows` becomes `views` (what stands where), `plot` (accuracy against cost) and `data` (the files
that scripts and people load); the templates make pages of them and `building` writes the folder.
`static/` holds the style and the ES modules as they are.
"""

from __future__ import annotations

from gmbench.board.site.building import Site, build_site

__all__ = ["Site", "build_site"]
