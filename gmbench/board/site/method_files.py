"""The files of a benchmark's methods: their pages, and what these lead to."""

from __future__ import annotations

from pathlib import Path

from gmbench.board.rows import BenchmarkBoard
from gmbench.board.site.floors import Floors
from gmbench.board.site.method_page import (
    BASELINES,
    PICTURES,
    PREDICTIONS,
    method_page,
    own_recipe,
)
from gmbench.board.site.shown_gms import may_be_shown, shown_gms, strip
from gmbench.training.recipes import baselines_directory

BASELINE_FILES = ("README.md", "recipe.yaml")
"""What of a baseline's folder the site has a copy of."""


def method_files(board: BenchmarkBoard, floors: Floors) -> dict[str, bytes]:
    """Returns the pages of a benchmark's methods and the images on them, by path in the site."""
    pictures = may_be_shown(board.benchmark)
    files, shown = {}, set[str]()
    for row in board.measured:
        files[f"methods/{row.name}.html"] = method_page(row, floors, pictures=pictures).encode()
        if pictures:
            shown |= {gm.name for of in shown_gms(row, floors, pictures=True) for gm in of}
    return files | {f"{PICTURES}/{gm}.png": strip(gm) for gm in sorted(shown)}


def copied_files(board: BenchmarkBoard) -> dict[str, Path]:
    """Returns the files that the site has a copy of, by their path in it."""
    copies = {}
    for row in board.measured:
        for seed in row.seeds:
            if seed.file is not None:
                copies[f"{PREDICTIONS}/{seed.card.name}.parquet"] = seed.file
        if row.card is not None and (recipe := own_recipe(row.card)):
            folder = baselines_directory() / recipe.name
            copies |= {f"{BASELINES}/{recipe.name}/{one}": folder / one for one in BASELINE_FILES}
    return copies
