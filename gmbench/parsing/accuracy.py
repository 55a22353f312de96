"""Accuracy of a parser of known GMs on GMs that it had not seen, as stated in its card and docs.

Every GM has the same weight, whatever the number of its images. Published GMs and replicas are kept
apart; a replica's images should be parsed as the GM that it speaks for. What a parser learned about
its own errors is learned anew here, without the GMs that it is tested on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.catalog import diffusion7, red116
from gmbench.evaluation.calibration import CONFIDENCE, NUMBER, TRUE, binned_sums, calibration_error
from gmbench.parsing.fitting import Fitted, KnownImages, folds_of
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.surety import Surety, Unseen, quantiles, together
from gmbench.schema import N_CONTINUOUS, N_DISCRETE, NAMES

Array = NDArray[np.float64]

REPLICATES = 1000
GROUPS = {
    "l1": slice(0, N_CONTINUOUS),
    "arch_f1": slice(N_CONTINUOUS, N_CONTINUOUS + N_DISCRETE),
    "loss_f1": slice(N_CONTINUOUS + N_DISCRETE, None),
}


@dataclass(frozen=True)
class Said:
    """Predictions for images, to be compared with the truth.

    Attributes:
        counts: Normalised counts, shape (images, 9).
        classes: Class of each head, shape (images, 16).
        gms: Row of each image's GM, shape (images,).
    """

    counts: Array
    classes: NDArray[np.int64]
    gms: NDArray[np.int64]


def accuracy_of(images: KnownImages, fitted: Fitted, seed: int) -> dict[str, Any]:
    """Compares the predictions for unseen GMs with their labels.

    Args:
        images: What the parser was trained on.
        fitted: The parser, and its output for all images, fold by fold.
        seed: Seed of the folds, and of the draws of GMs for the intervals.

    Returns:
        For the paper's GMs (`published`), for `others` and for `replicas`: l1 and weighted F1 of
        classes and losses with 95% intervals over GMs, one image at a time and with all images of a
        GM together, beside what the nearest known GM alone and the labels alone give; the same for
        each parameter; calibration and coverage. Also, under `real_or_made`, how often real and
        generated images are mistaken for each other.
    """
    of_image = images.groups < len(images.names)
    everything, parser = fitted.unseen, fitted.parser
    unseen = everything.of(of_image)
    replica = np.array(images.names) != np.array(images.speaks_for)
    of_paper = np.isin(images.names, [gm.name for gm in (*red116(), *diffusion7())])
    domains = {"published": of_paper, "others": ~of_paper & ~replica, "replicas": replica}
    by_fold = _each_by_others(images, fitted, seed)
    found: dict[str, Any] = {}
    for domain, of_gm in domains.items():
        if not of_gm.any():
            continue
        rows = np.flatnonzero(of_gm[unseen.gms])
        part, sureties = unseen.of(rows), by_fold[rows]
        together = _together(part)
        score, said = _scores_of(parser, part.gms, seed, images.stated), _said(parser, part)
        found[domain] = {
            "n_gms": int(of_gm.sum()),
            "n_images": len(rows),
            "image": score.groups(said),
            "gm": score.groups(_said(parser, together)),
            "nearest": score.groups(_said(parser, _nearest(part))),
            "labels_alone": score.groups(_said(parser, _even(part))),
            "parameters": score.parameters(said),
            "parameters_labels_alone": score.parameters(_said(parser, _even(part))),
            "calibration": _calibration(parser, part, images, sureties),
            "calibration_gm": _calibration(parser, together, images, None),
            "coverage": _coverage(part, images, sureties),
        }
    replicas = np.where(of_image, replica[np.minimum(images.groups, len(replica) - 1)], False)
    made_of = of_image & ~replicas
    called = everything.real >= parser.real_from
    found["real_or_made"] = {
        "real_called_made": mean_rate(~called[~of_image], images.sources[~of_image]),
        "published_called_real": mean_rate(called[made_of], images.groups[made_of]),
        "replicas_called_real": mean_rate(called[replicas], images.groups[replicas]),
        "n_real": int((~of_image).sum()),
    }
    return found


def scores_of(parser: KnownGMs, unseen: Unseen, seed: int) -> dict[str, list[float]]:
    """Returns l1 and weighted F1 of classes and losses, one image at a time, with 95% intervals.

    Args:
        parser: Interprets the shares; its surety is not that of GMs left out, and hardly matters.
        unseen: The output for images of GMs left out.
        seed: Seed of the draws of GMs for the intervals.
    """
    return {name: with_ends(draws) for name, draws in draws_of(parser, unseen, seed).items()}


def draws_of(parser: KnownGMs, unseen: Unseen, seed: int) -> dict[str, Array]:
    """Returns the scores of `scores_of`, each followed by its values for all draws of GMs.

    With one seed, draws of the same GMs are the same, so that two parsers can be compared in pairs.

    Args:
        parser: As in `scores_of`.
        unseen: As in `scores_of`.
        seed: As in `scores_of`.

    Returns:
        Each score, shape (1 + draws,).
    """
    each = _scores_of(parser, unseen.gms, seed).each(_said(parser, unseen))
    return {name: _mean_of(each[:, columns]) for name, columns in GROUPS.items()}


def _scores_of(
    parser: KnownGMs, gms: NDArray[np.int64], seed: int, stated: NDArray[np.bool_] | None = None
) -> _Scores:
    scored = np.unique(gms)
    numbers = np.zeros(len(parser.names), dtype=np.int64)
    numbers[scored] = np.arange(len(scored))
    generator = np.random.default_rng([seed, 0xACC])
    even = np.full(len(scored), 1 / len(scored))
    weights = generator.multinomial(len(scored), even, REPLICATES)
    counts = np.ones_like(parser.values) if stated is None else stated
    whole = np.vstack([np.ones(len(scored)), weights])
    return _Scores(parser, numbers, whole, counts[scored].astype(float))


def _each_by_others(images: KnownImages, fitted: Fitted, seed: int) -> NDArray[np.object_]:
    """Returns what was learned about errors without each GM image's fold, shape (images,)."""
    of_gm = images.groups < len(images.names)
    unseen = fitted.unseen.of(of_gm)
    found = np.empty(of_gm.sum(), dtype=object)
    for out in folds_of(images, seed):
        rows = out[of_gm]
        if rows.any():
            others = unseen.of(~rows)
            thinned = others.of(_thinned(others.gms))
            found[rows] = Surety.learn(thinned, images.values, images.stated)
    return found


def _thinned(gms: NDArray[np.int64], most: int = 4) -> NDArray[np.int64]:
    parts = [np.flatnonzero(gms == gm) for gm in np.unique(gms)]
    return np.concatenate([part[:: max(1, len(part) // most)] for part in parts])


def _together(part: Unseen) -> Unseen:
    gms = np.unique(part.gms)
    shares = np.array([together(part.shares[part.gms == gm]) for gm in gms])
    distances = np.array([np.median(part.distances[part.gms == gm]) for gm in gms])
    real = np.array([part.real[part.gms == gm].mean() for gm in gms])
    return Unseen(shares, distances, gms, real)


def _nearest(part: Unseen) -> Unseen:
    alone = np.eye(part.shares.shape[1])[part.shares.argmax(axis=1)]
    return replace(part, shares=alone)


def _even(part: Unseen) -> Unseen:
    known = (part.shares > 0).astype(float)
    return replace(part, shares=known / known.sum(axis=1, keepdims=True))


def _said(parser: KnownGMs, part: Unseen) -> Said:
    parsed = parser.parsed(part.shares)
    return Said(parsed.continuous, parsed.classes, part.gms)


class _Scores:
    """Means over GMs, once over all GMs and once for each draw of GMs with replacement.

    Args:
        parser: Defines how counts are normalised, and the labels of all GMs.
        numbers: Position of each GM among those scored.
        weights: Weights of the GMs scored, shape (1 + replicates, GMs); the first row is all ones.
        counts: 1 where a label of these GMs counts, 0 where it is unknown, shape (GMs, 25).
    """

    def __init__(
        self, parser: KnownGMs, numbers: NDArray[np.int64], weights: Array, counts: Array
    ) -> None:
        values = parser.values
        minimum, span = np.array(parser.labels.minimum), np.array(parser.labels.span)
        self.counts = (values[:, :N_CONTINUOUS] - minimum) / span
        self.classes = values[:, N_CONTINUOUS:].astype(int)
        self.n_classes, self.numbers = parser.labels.n_classes, numbers
        self.weights = [weights * known for known in counts.T]
        self.n_gms = weights.shape[1]

    def each(self, said: Said) -> Array:
        """Returns l1 of counts and weighted F1 of heads, shape (1 + replicates, 25)."""
        gm, n = self.numbers[said.gms], self.n_gms
        per_image = 1.0 / np.bincount(gm, minlength=n)[gm]
        wrong = np.abs(said.counts - self.counts[said.gms])
        columns = []
        for error, weights in zip(wrong.T, self.weights, strict=False):
            of_gm = np.bincount(gm, per_image * error, minlength=n)
            columns.append(_ratio(weights @ of_gm, weights.sum(axis=1)))
        for head, (c, weights) in enumerate(
            zip(self.n_classes, self.weights[N_CONTINUOUS:], strict=True)
        ):
            truth, chosen = self.classes[said.gms, head], said.classes[:, head]
            place = (gm * c + truth) * c + chosen
            tables = np.bincount(place, per_image, minlength=n * c * c).reshape(n, c * c)
            columns.append(_weighted_f1((weights @ tables).reshape(-1, c, c)))
        return np.column_stack(columns)

    def groups(self, said: Said) -> dict[str, list[float]]:
        """Returns each group's mean with the ends of its interval."""
        each = self.each(said)
        return {name: with_ends(_mean_of(each[:, at])) for name, at in GROUPS.items()}

    def parameters(self, said: Said) -> dict[str, list[float]]:
        """Returns the same for each parameter that is known for some GM."""
        each = zip(NAMES, self.each(said).T, strict=True)
        return {name: with_ends(column) for name, column in each if not np.isnan(column[0])}


def _ratio(sums: Array, weights: Array) -> Array:
    """Returns means, NaN where there is nothing to average."""
    return np.divide(sums, weights, out=np.full_like(sums, np.nan), where=weights > 0)


def _mean_of(columns: Array) -> Array:
    """Returns each row's mean over the columns that are not NaN, of which there is at least one."""
    return np.asarray(np.nanmean(columns, axis=1))


def _weighted_f1(tables: Array) -> Array:
    """Returns the weighted F1 of confusion tables of shape (tables, truth, chosen)."""
    right = np.diagonal(tables, axis1=1, axis2=2)
    truth, chosen = tables.sum(axis=2), tables.sum(axis=1)
    f1 = 2 * right / np.maximum(truth + chosen, 1e-12)
    return _ratio((f1 * truth).sum(axis=1), truth.sum(axis=1))


def with_ends(values: Array) -> list[float]:
    """Returns a score and the ends of its 95% interval.

    Args:
        values: Shape (1 + draws,): the score, then its value for each draw of GMs.
    """
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return [round(float(one), 4) for one in (values[0], low, high)]


def _calibration(
    parser: KnownGMs, part: Unseen, images: KnownImages, sureties: NDArray[np.object_] | None
) -> dict[str, Any]:
    """Returns the expected calibration errors and the curves of classes and of losses.

    Those that are unknown of all GMs do not count.
    """
    each = [parser.surety] * len(part.gms) if sureties is None else list(sureties)
    odds = np.zeros((len(part.gms), sum(parser.labels.n_classes)))
    for surety in {id(one): one for one in each}.values():
        rows = np.array([one is surety for one in each])
        odds[rows] = replace(parser, surety=surety).parsed(part.shares[rows]).probabilities
    heads = np.split(odds, np.cumsum(parser.labels.n_classes)[:-1], axis=1)
    gms, numbers = np.unique(part.gms, return_inverse=True)
    per_gm = np.bincount(numbers)
    curves = {}
    for name, columns in (("classes", range(N_DISCRETE)), ("losses", range(N_DISCRETE, 16))):
        total = np.zeros((10, 3))
        errors = []
        for head in columns:
            known = images.stated[part.gms, N_CONTINUOUS + head]
            if not known.any():
                continue
            truth = images.values[part.gms[known], N_CONTINUOUS + head].astype(int)
            odds = heads[head][known]
            sure, right = odds.max(axis=1), odds.argmax(axis=1) == truth
            sums = binned_sums(sure, right, numbers[known], len(gms)) / per_gm[:, None, None]
            errors.append(float(calibration_error(sums.sum(axis=0))))
            total += sums.sum(axis=0)
        curves[name] = {
            "error": round(float(np.mean(errors)), 4),
            "error_of_all": round(float(calibration_error(total)), 4),
            "curve": [
                [round(float(bin_[column] / bin_[NUMBER]), 4) for column in (CONFIDENCE, TRUE)]
                + [round(float(bin_[NUMBER] / total[:, NUMBER].sum()), 4)]
                for bin_ in total
                if bin_[NUMBER] > 0
            ],
        }
    return curves


def _coverage(part: Unseen, images: KnownImages, sureties: NDArray[np.object_]) -> dict[str, float]:
    """Returns the share of each count's intervals that contain the truth."""
    held = np.zeros((len(part.gms), N_CONTINUOUS), dtype=bool)
    for surety in {id(one): one for one in sureties}.values():
        rows = np.array([one is surety for one in sureties])
        for column in range(N_CONTINUOUS):
            doubt, tail = float(surety.doubts[column]), float(surety.tails[column])
            known = part.shares[rows] > 0
            shares = (1 - doubt) * part.shares[rows] + doubt * known / known.sum(
                axis=1, keepdims=True
            )
            values = images.values[:, column]
            low, high = quantiles(shares, values, [tail, 1 - tail]).T
            truth = values[part.gms[rows]]
            held[rows, column] = (low <= truth) & (truth <= high)
    each = 1.0 / np.bincount(part.gms)[part.gms]
    weights = each[:, None] * images.stated[part.gms, :N_CONTINUOUS]
    rates = zip(NAMES, _ratio((held * weights).sum(axis=0), weights.sum(axis=0)), strict=False)
    return {name: round(float(rate), 4) for name, rate in rates if not np.isnan(rate)}


def mean_rate(events: NDArray[np.bool_], groups: NDArray[Any]) -> list[float]:
    """Returns the mean over groups of how often something happens, and its standard error.

    Args:
        events: Whether it happens, shape (images,).
        groups: Group of each image, shape (images,).
    """
    if not len(events):
        return []
    of_group = np.array([events[groups == one].mean() for one in np.unique(groups)])
    return [
        round(float(of_group.mean()), 4),
        round(float(of_group.std() / len(of_group) ** 0.5), 4),
    ]
