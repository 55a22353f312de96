"""The coordinated attack from prediction files alone, without images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gmbench.applications.attack import PAIRS, Similarity, judge
from gmbench.applications.attack_pairs import AttackImages
from gmbench.applications.attack_result import AttackResult
from gmbench.applications.learned_similarity import learn_similarity
from gmbench.applications.similarity import Vectors, parsed_vectors
from gmbench.benchmark.cross_validation import is_of_attack
from gmbench.benchmark.splits import SEEN
from gmbench.errors import BenchmarkError
from gmbench.evaluation.intervals import REPLICATES
from gmbench.predictions.predictions import Predictions


def attack_predictions(
    predictions: Predictions,
    training: Predictions | None = None,
    *,
    n_pairs: int = PAIRS,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> AttackResult:
    """Measures how well parsed parameters tell whether two images come from the same GM.

    If the benchmark has the sets `seen` and `unseen`, one parser is assumed for both. In any other
    benchmark the test GMs are unseen, each set belongs to a parser of its own, and pairs stay
    within a set.

    A prediction file holds test images only, so the threshold for two GMs is chosen on pairs of
    the *other* test GMs of the file. With a second file, of GMs of the same benchmark, it is chosen
    on pairs of the GMs that the first file lacks, and a similarity is learned from them as well.

    Args:
        predictions: Predictions for single images.
        training: Predictions for images of training GMs, ideally by parsers that were not trained
            on them, such as those of the ten folds of `cv10`; None if there are none.
        n_pairs: Maximum number of pairs per category.
        replicates: Number of bootstrap replicates; 0 disables intervals.
        seed: Seed for everything that is drawn.

    Raises:
        BenchmarkError: There are too few GMs or images, or the second file is for other labels or
            has no GM that the first lacks.
    """
    benchmark = predictions.benchmark
    known = None
    if training is not None:
        if training.benchmark.labels_sha256 != benchmark.labels_sha256:
            raise BenchmarkError(
                f"{training.source} predicts {training.benchmark.told}, not GMs of "
                f"{benchmark.told}. Give predictions of the same benchmark's GMs."
            )
        known = training.take(np.flatnonzero(~np.isin(training.gms, predictions.gms)))
        if not len(known):
            raise BenchmarkError(
                f"{training.source} has no GM that {predictions.source} does not have. Give "
                "predictions of other GMs of the benchmark, such as those of its ten folds."
            )
    vectors = _parsed(predictions)
    similarities = [
        Similarity("parsed", _PARSED, vectors, None if known is None else _parsed(known))
    ]
    if known is not None:
        learned = learn_similarity(_values(known), known.gms, seed)
        similarities.append(
            Similarity(
                "learned",
                "cosine of linear discriminants of the parsed values, learned from training GMs",
                learned.vectors(_values(predictions)),
                learned.vectors(_values(known)),
            )
        )
    return judge(
        attack_images(predictions),
        similarities,
        None if known is None else attack_images(known),
        told=(benchmark.name, benchmark.version, predictions.source),
        n_pairs=n_pairs,
        replicates=replicates,
        seed=seed,
    )


_PARSED = (
    "mean of cosine of the counts and share of equal classes and losses (the paper's FEN + PN)"
)


def attack_images(predictions: Predictions) -> AttackImages:
    """Returns the images of a prediction file, with their GMs and which GMs were seen."""
    benchmark = predictions.benchmark
    keys = np.stack([predictions.sets, predictions.gms], axis=1).astype(np.int64)
    entries, rows = np.unique(keys, axis=0, return_inverse=True)
    sets = list(benchmark.sets)
    of_attack = is_of_attack(benchmark)
    gms = [benchmark.gms[gm] for gm in entries[:, 1]]
    return AttackImages(
        names=tuple(gm.name for gm in gms),
        contents=tuple(gm.content for gm in gms),
        seen=np.array([of_attack and sets[number] == SEEN for number in entries[:, 0]]),
        parsers=np.zeros(len(entries), dtype=np.int64) if of_attack else entries[:, 0],
        gms=rows.ravel(),
    )


def _parsed(predictions: Predictions) -> Vectors:
    values = predictions.values
    classes = np.hstack([values.discrete, values.losses >= 0.5]).astype(np.int64)
    return parsed_vectors(predictions.benchmark.normalise(values.continuous), classes)


def _values(predictions: Predictions) -> NDArray[np.float64]:
    """Returns normalised counts, one-hot classes and scores of losses."""
    values = predictions.values
    one_hot = [
        column[:, None] == np.arange(len(classes))
        for column, classes in zip(
            values.discrete.T, predictions.benchmark.classes.values(), strict=True
        )
    ]
    counts = predictions.benchmark.normalise(values.continuous)
    return np.hstack([counts, *one_hot, values.losses])
