"""The paper's tables: the experiments that each is made from, and how.

Each function takes a setting in which the experiments have been run. Tables 4 and 5 are from
section 4.2, 6 to 9 from section 4.3, and 10 to 12 from section 4.5 (`application_tables`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gmbench.applications.many_images import each_with_others, many_images
from gmbench.applications.studies import ABLATED, TESTED_ON, TRAINED_ON
from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.published import PaperCell, paper_cells, paper_row
from gmbench.benchmark.splits import PREFIX
from gmbench.evaluation.comparison import Difference, compare
from gmbench.reproduction.application_tables import (
    ATTRIBUTIONS,
    DETECTION,
    attack_table,
    attribution_table,
    detection_table,
)
from gmbench.reproduction.experiments import AttackRun, BaselineRun, ContentRun, Experiment
from gmbench.reproduction.result import Cell, Line, Order, TableResult, with_verdicts
from gmbench.reproduction.setting import Setting
from gmbench.wording import plural

TITLES: Mapping[str, str] = {
    "random_gt": "Random ground truth",
    "mean_mode": "Mean and mode",
    "no_fingerprint": "No fingerprint",
    "one_parser": "One parser",
    "full": "FEN and PN, the paper's method",
    "median_mode": "Median and mode, from labels alone",
    "no_magnitude": "Without the magnitude loss",
    "no_spectrum": "Without the spectrum loss",
    "no_repetitive": "Without the repetitive loss",
    "no_energy": "Without the energy loss",
}
"""Row titles of the baselines."""

_FLOOR = "median_mode"
_PARSED = ("l1", "arch_f1", "loss_f1")


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper.

    Attributes:
        name: Name, such as `table4`.
        title: What the table shows.
        experiments: Experiments that it needs.
        make: Function that returns its lines and orders from a setting in which the experiments
            were run.
        metrics: The columns.
        differs: How ours differs from the paper's; for a table of parsers, apart from their
            images.
        parses: Whether it is a table of parsers.
    """

    name: str
    title: str
    experiments: tuple[Experiment, ...]
    make: Callable[[Setting], tuple[list[Line], list[Order]]]
    metrics: tuple[str, ...]
    differs: str
    parses: bool = True

    def result(self, setting: Setting) -> TableResult:
        """Returns the table, made from the results of its experiments."""
        lines, orders = self.make(setting)
        images = _data(setting.benchmark) if self.parses else ""
        differs = f"{images} {self.differs}".strip()
        return TableResult(
            self.name, self.title, self.metrics, tuple(lines), with_verdicts(orders), differs
        )

    def lacking(self, reason: str) -> TableResult:
        """Returns the table without lines, with the reason why it could not be made."""
        return TableResult(self.name, self.title, self.metrics, (), (), self.differs, reason)


def _data(benchmark: Benchmark) -> str:
    """Returns how the images differ from the paper's, in words."""
    counts = sorted(n for n in benchmark.n_images if n)
    each = f"{counts[0]:,}" if counts[0] == counts[-1] else f"{counts[0]:,} to {counts[-1]:,}"
    paper = "The paper trains on 1,000 images of 128 to 1,024 pixels of each published GM."
    if any(gm.name.startswith(PREFIX) for gm in benchmark.gms):
        return (
            f"{paper} {benchmark.name} has {each} of 32 or 64 pixels of a small replica of each, "
            "with labels measured off the network."
        )
    return f"{paper} {benchmark.name} has {each} of each of {len(counts)} GMs."


def _of_baselines(
    table: str, names: Sequence[str], metrics: Sequence[str], sets: str | None = None
) -> Callable[[Setting], tuple[list[Line], list[Order]]]:
    """Returns a function that makes a table of baselines, `full` being ahead in the paper."""

    def make(setting: Setting) -> tuple[list[Line], list[Order]]:
        runs = {name: BaselineRun(name, sets) for name in names}
        read = [run.predictions(setting) for run in runs.values()]
        differences = compare(*read, names=names).differences
        paper = paper_cells(table)
        lines = []
        for name, run in runs.items():
            summary = run.scores(setting)["summary"]
            ours = {metric: _cell(summary[metric]) for metric in metrics if metric != "p_value"}
            if "p_value" in metrics:
                found = _between(differences, "full", name, "l1")
                ours["p_value"] = Cell(None if found is None else found.p_value)
            lines.append(Line(TITLES[name], paper_row(paper, name, metrics), ours))
        orders = [
            _order(TITLES["full"], TITLES[name], metric, paper, ("full", name), found)
            for name in names
            for metric in metrics
            if (found := _between(differences, "full", name, metric)) is not None
            and {("full", metric), (name, metric)} <= set(paper)
        ]
        return lines, orders

    return make


def _content(setting: Setting) -> tuple[list[Line], list[Order]]:
    """Makes Table 6: faces and other contents, by training content."""
    study, paper = ContentRun().result(setting), paper_cells("6")
    words = {"faces": "face", "others": "nonface", "all": "all"}
    titles = {
        (tested, trained): f"{tested.capitalize()}, trained on {trained}"
        for tested in TESTED_ON
        for trained in TRAINED_ON
    }
    lines = []
    for (tested, trained), title in titles.items():
        summary = study["scores"][trained][tested]
        ours = {metric: _cell(summary[metric]) for metric in _PARSED}
        key = f"{words[tested]}_from_{words[trained]}"
        gms = f"{study['training_gms'][trained]:.0f} training GMs"
        lines.append(Line(title, paper_row(paper, key, _PARSED), ours, gms))
    lines.append(Line("Random guess", paper_row(paper, "random_guess", _PARSED), {}))
    orders = []
    for tested in TESTED_ON:
        differences = [Difference(**one) for one in study["comparisons"][tested]]
        other = "others" if tested == "faces" else "faces"
        for metric in _PARSED:
            pair = tuple(f"{words[tested]}_from_{words[one]}" for one in (tested, other))
            found = _between(differences, tested, other, metric)
            orders.append(
                _order(titles[tested, tested], titles[tested, other], metric, paper, pair, found)
            )
    return lines, orders


def _images(setting: Setting) -> tuple[list[Line], list[Order]]:
    """Makes Table 8: predictions pooled over several images of a GM."""
    paper = paper_cells("8")
    predictions = BaselineRun("full").predictions(setting)
    n_images = dict(zip(setting.benchmark.index, setting.benchmark.n_images, strict=True))
    tested = {gm for test in setting.benchmark.sets.values() for gm in test if n_images[gm]}
    most = min(n_images[gm] for gm in tested)
    counts = sorted({1, 10, 100, 500, min(most, 500)})
    found = many_images(predictions, counts, seed=setting.options.seed).scores
    lines = []
    for count in counts:
        ours = {metric: Cell(found[count][metric][0]) for metric in _PARSED if count in found}
        note = "" if count in found else f"not all GMs have more than {most} images"
        title = plural(count, "image")
        lines.append(Line(title, paper_row(paper, str(count), _PARSED), ours, note))
    if 10 not in found:
        return lines, []
    several, one = "10 images", "1 image"
    each = each_with_others(predictions, 10, seed=setting.options.seed)
    differences = compare(each, predictions, names=(several, one)).differences
    orders = [
        _order(
            several, one, metric, paper, ("10", "1"), _between(differences, several, one, metric)
        )
        for metric in _PARSED
    ]
    return lines, orders


def _between(
    differences: Sequence[Difference], first: str, second: str, metric: str
) -> Difference | None:
    """Returns first minus second in one metric, in whichever order they were compared."""
    for one in differences:
        if one.metric != metric or {one.first, one.second} != {first, second}:
            continue
        if one.first == first:
            return one
        ends = None if one.ci is None else (-one.ci[1], -one.ci[0])
        less = None if one.difference is None else -one.difference
        return Difference(first, second, metric, less, ends, one.p_value, one.p_holm, one.better)
    return None


def _order(
    better: str,
    worse: str,
    metric: str,
    paper: Mapping[tuple[str, str], PaperCell],
    rows: Sequence[str],
    found: Difference | None,
) -> Order:
    first, second = (paper[row, metric].value for row in rows)
    if found is None:
        return Order(better, worse, metric, first - second, None, None, None)
    tested = found.difference, found.ci, found.p_value
    return Order(better, worse, metric, first - second, *tested)


def _cell(summary: Mapping[str, Any]) -> Cell:
    ends = summary["ci"]
    return Cell(summary["mean"], None if ends is None else (ends[0], ends[1]))


def _table(
    number: int,
    title: str,
    rows: Sequence[str],
    metrics: Sequence[str],
    differs: str,
    sets: str | None = None,
) -> PaperTable:
    runs = tuple(BaselineRun(row, sets) for row in rows)
    make = _of_baselines(str(number), rows, metrics, sets)
    return PaperTable(f"table{number}", title, runs, make, tuple(metrics), differs)


_METHODS = ("random_gt", "mean_mode", "no_fingerprint", "one_parser", "full", _FLOOR)
PAPER_TABLES: tuple[PaperTable, ...] = (
    _table(
        4,
        "Architecture parsing",
        _METHODS,
        ("l1", "p_value", "correlation", "r2", "ransac_slope", "arch_f1", "arch_accuracy"),
        "p: the paper's method against the row, by exchanges of whole GMs.",
    ),
    _table(5, "Loss parsing", _METHODS, ("loss_f1", "loss_accuracy"), ""),
    PaperTable(
        "table6",
        "Faces and all else",
        (ContentRun(),),
        _content,
        _PARSED,
        "",
    ),
    _table(
        7,
        "The losses of the fingerprint",
        (*ABLATED, "full"),
        _PARSED,
        "With preset `small` the four losses are 1 to 2% of the objective.",
    ),
    PaperTable(
        "table8",
        "Several images of one GM",
        (BaselineRun("full"),),
        _images,
        _PARSED,
        "Here all test GMs are drawn from, in the paper those of faces.",
    ),
    _table(
        9,
        "Diffusion models",
        ("random_gt", "no_fingerprint", "one_parser", "full", _FLOOR),
        _PARSED,
        "Four sets of three of the same seven diffusion models, which can be exchanged in 128 "
        "ways: no p is below 0.016, so that none of nine stays below 0.05 once corrected. All "
        "seven replicas have the same six classes: who sees that a diffusion model made an image "
        "is right in all of them.",
        sets="dm",
    ),
    PaperTable(
        "table10",
        "Coordinated attack",
        (AttackRun(),),
        attack_table,
        ("auc", "accuracy"),
        "Thresholds are of pairs of training GMs, the paper's the best of its pairs.",
    ),
    PaperTable(
        "table11",
        "Deepfake detection",
        (DETECTION,),
        detection_table,
        ("auc", "gain"),
        "The paper trains on the videos of FaceForensics++ and tests on those of Celeb-DF, which "
        "`gmbench detect --data-dir` reads. Here fakes are images of whole faces by the GMs that "
        "Table 6 holds out, real ones of persons who are held out too; all variants have the same "
        "shallow network, where two of the paper's have Xception. Gain: over colour, sharpness "
        "or contrast, whichever tells training images best.",
        parses=False,
    ),
    PaperTable(
        "table12",
        "Image attribution",
        tuple(ATTRIBUTIONS.values()),
        attribution_table,
        tuple(ATTRIBUTIONS),
        "The paper trains on 100,000 images of each of SNGAN, MMD_GAN, CRAMER_GAN and PROG_GAN and "
        "as many real ones, which `gmbench attribute --data-dir` reads. Here faces are of four GMs "
        "of these names, photographs, in place of LSUN's bedrooms, of RSGAN_RES_REG, WGAN_WC, "
        "RSGAN_REG and LAPGAN; every image is told by methods trained on the three quarters of the "
        "images that it is not in.",
        parses=False,
    ),
)
"""The tables, in the paper's order."""
