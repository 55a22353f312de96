"""The files of a benchmark's methods: their pages, and what these lead to."""

from __future__ import annotations

from pathlib import Path

from gmbench.board.rows import BenchmarkBoard
from gmbench.board.site.floors import floors_of
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


def method_files(board: BenchmarkBoard) -> dict[str, bytes | Path]:
    """Returns the files by their path inside the site; a path stands for a copy of that file."""
    floors, pictures = floors_of(board.benchmark), may_be_shown(board.benchmark)
    files: dict[str, bytes | Path] = {}
    shown: set[str] = set()
    for row in board.measured:
        files[f"methods/{row.name}.html"] = method_page(row, floors, pictures=pictures).encode()
        for seed in row.seeds:
            if seed.file is not None:
                files[f"{PREDICTIONS}/{seed.card.name}.parquet"] = seed.file
        if row.card is not None and (recipe := own_recipe(row.card)):
            folder = baselines_directory() / recipe.name
            files |= {f"{BASELINES}/{recipe.name}/{one}": folder / one for one in BASELINE_FILES}
        if pictures:
            shown |= {gm.name for of in shown_gms(row, floors, pictures=True) for gm in of}
    return files | {f"{PICTURES}/{gm}.png": strip(gm) for gm in sorted(shown)}
