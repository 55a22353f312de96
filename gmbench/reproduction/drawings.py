"""The paper's figures: the experiments that each is drawn from, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gmbench import figures
from gmbench.reproduction.experiments import AttackRun, BaselineRun, Experiment
from gmbench.reproduction.result import FigureResult
from gmbench.reproduction.setting import Setting
from gmbench.training.recipes import require_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gmbench.predictions.predictions import Predictions

FOLDER = "figures"
"""Folder of the drawings, beside the page."""

_IMAGES = 25
"""Number of images averaged for a GM's mean fingerprint, as in the paper's Figure 10."""

_SHOWN_GMS = 16
"""Number of GMs that Figure 10 shows; with more, none could be made out."""

_METHODS = tuple(
    BaselineRun(name) for name in ("random_gt", "no_fingerprint", "one_parser", "full")
)
_CROSS_ENTROPY = (BaselineRun("plain_ce"), BaselineRun("full"))


@dataclass(frozen=True)
class PaperFigure:
    """One figure of the paper.

    Attributes:
        name: Name, such as `fig6`.
        title: What the figure shows.
        experiments: Experiments that it needs.
        draw: Function that draws it from a setting in which the experiments were run.
        differs: How it differs from the paper's figure.
    """

    name: str
    title: str
    experiments: tuple[Experiment, ...]
    draw: Callable[[Setting], Figure]
    differs: str = ""

    def result(self, setting: Setting, out: Path) -> FigureResult:
        """Draws the figure into `out/figures` and returns its entry on the page."""
        file = f"{FOLDER}/{self.name}.png"
        figures.save_figure(self.draw(setting), out / file)
        return FigureResult(self.name, self.title, file, self.differs)

    def lacking(self, reason: str) -> FigureResult:
        """Returns the entry of a figure that cannot be drawn, with the reason."""
        return FigureResult(self.name, self.title, "", self.differs, reason)


def _predictions(setting: Setting, *runs: BaselineRun) -> dict[str, Predictions]:
    return {run.baseline: run.predictions(setting) for run in runs}


def _fingerprints(setting: Setting, draw: Callable[..., Figure], *, all_gms: bool) -> Figure:
    from gmbench.training.fingerprints import gm_fingerprints

    known = setting.benchmark
    # Figure 11 also compares the images of a GM with each other.
    least = 2 if all_gms else 1
    names = [gm.name for gm, n in zip(known.gms, known.n_images, strict=True) if n >= least]
    shown = names if all_gms else names[:: max(1, len(names) // _SHOWN_GMS)][:_SHOWN_GMS]
    parser = AttackRun().checkpoint(setting)
    folder = require_folder("A figure of fingerprints", setting.folder)
    found = gm_fingerprints(parser, folder, shown, _IMAGES, setting.options.device)
    return draw(known, found, setting.options.seed) if all_gms else draw(found)


PAPER_FIGURES: tuple[PaperFigure, ...] = (
    PaperFigure(
        "fig3",
        "The labels, each GM a point (t-SNE)",
        (),
        lambda setting: figures.label_map(setting.benchmark, setting.options.seed),
    ),
    PaperFigure(
        "fig6",
        "Each parameter of the architecture",
        _METHODS,
        lambda setting: figures.architecture_scores(_predictions(setting, *_METHODS)),
    ),
    PaperFigure(
        "fig7",
        "Each loss, and groups of losses",
        _METHODS,
        lambda setting: figures.loss_scores(_predictions(setting, *_METHODS)),
    ),
    PaperFigure(
        "fig8",
        "Each GM",
        (BaselineRun("full"),),
        lambda setting: figures.gm_scores(BaselineRun("full").predictions(setting)),
    ),
    PaperFigure(
        "fig9",
        "Confusion with plain and with weighted cross-entropy",
        _CROSS_ENTROPY,
        lambda setting: figures.confusion_matrices(_predictions(setting, *_CROSS_ENTROPY)),
    ),
    PaperFigure(
        "fig10",
        "Fingerprints and their spectra",
        (AttackRun(),),
        lambda setting: _fingerprints(setting, figures.fingerprint_spectra, all_gms=False),
        f"{_SHOWN_GMS} of the GMs; `gmbench figure 10` draws all.",
    ),
    PaperFigure(
        "fig11",
        "Cosine of the fingerprints of every two GMs",
        (AttackRun(),),
        lambda setting: _fingerprints(setting, figures.fingerprint_similarity, all_gms=True),
    ),
    PaperFigure(
        "fig12",
        "What the coordinated attack gets wrong",
        (AttackRun(),),
        lambda setting: figures.attack_categories(AttackRun().result(setting)),
    ),
)
"""The figures, in the paper's order."""
