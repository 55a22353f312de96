"""The paper's figures: one function each, which takes results and returns a matplotlib `Figure`.

matplotlib is imported only when a figure is drawn (`pip install "gmbench[figures]"`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gmbench.figures.attack import attack_categories
    from gmbench.figures.confusion import confusion_matrices
    from gmbench.figures.fingerprints import fingerprint_spectra
    from gmbench.figures.gms import gm_scores
    from gmbench.figures.labels import label_map
    from gmbench.figures.parameters import architecture_scores, loss_scores
    from gmbench.figures.similarity import fingerprint_similarity
    from gmbench.figures.style import save_figure

_HOMES = {
    "architecture_scores": "gmbench.figures.parameters",
    "attack_categories": "gmbench.figures.attack",
    "confusion_matrices": "gmbench.figures.confusion",
    "fingerprint_similarity": "gmbench.figures.similarity",
    "fingerprint_spectra": "gmbench.figures.fingerprints",
    "gm_scores": "gmbench.figures.gms",
    "label_map": "gmbench.figures.labels",
    "loss_scores": "gmbench.figures.parameters",
    "save_figure": "gmbench.figures.style",
}

__all__ = [
    "architecture_scores",
    "attack_categories",
    "confusion_matrices",
    "fingerprint_similarity",
    "fingerprint_spectra",
    "gm_scores",
    "label_map",
    "loss_scores",
    "save_figure",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gmbench.figures' has no attribute {name!r}")
    from gmbench.errors import naming_extras

    with naming_extras():
        return getattr(importlib.import_module(_HOMES[name]), name)
