"""What a parser of known GMs loses on unchanged images when it also learns from changed copies.

    python benchmarks/parser_copies.py --data DIR --extra DIR --real DIR -o FILE.json

Ten folds leave GMs and real images out as its training does, once with copies and once without.
Differences of the scores are on the same GMs, one image at a time, with 95% intervals over GMs.
Real images are missed when they are not said to look real, both unchanged and changed as the copies
are.
"""

from __future__ import annotations

from dataclasses import replace

import known_images
import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.files import json_text, write_whole
from gmbench.parsing.accuracy import GROUPS, draws_of, mean_rate, with_ends
from gmbench.parsing.fitting import (
    FALSE_ALARMS,
    KnownImages,
    fit_without,
    folds_of,
    upper_quantile,
)
from gmbench.parsing.surety import Unseen
from gmbench.parsing.train import COPIES
from gmbench.training.feature_table import Features
from gmbench.training.relatives import spread

Array = NDArray[np.float64]


def said_of_unseen(
    images: KnownImages, others: list[Features], benchmark: Benchmark, seed: int
) -> tuple[Unseen, list[Array]]:
    """Returns what parsers say of all images while these are unseen.

    Args:
        images: Images to train on.
        others: Features of changed versions of the same images.
        benchmark: The benchmark of the dataset.
        seed: Seed of the trees and folds.

    Returns:
        What they say, and for each of `others`, the share of real images among what each image is
        like.
    """
    n, n_gms = len(images.groups), len(images.names)
    found = Unseen(np.zeros((n, n_gms)), np.zeros(n), images.groups, np.zeros(n))
    real = [np.zeros(n) for _ in others]
    for out in folds_of(images, seed):
        fold = fit_without(images, out, benchmark, seed)
        said = fold.look_at(images.features[out], n_gms)
        found.shares[out], found.real[out], found.distances[out] = (
            said.shares, said.real, said.distances,
        )  # fmt: skip
        for share, features in zip(real, others, strict=True):
            share[out] = fold.look_at(features[out], n_gms).real
    return found, real


def main() -> None:
    """Trains twice ten times, and writes the differences."""
    arguments = known_images.options(__doc__).parse_args()
    seed = arguments.seed
    benchmark, images = known_images.read(arguments)
    of_gm = images.groups < len(images.names)
    own = np.array(images.names) == np.array(images.speaks_for)
    weights = 1.0 / np.bincount(images.groups[of_gm])[images.groups[of_gm]]
    learnt = np.concatenate(
        [spread(np.flatnonzero(images.groups == gm)) for gm in range(len(images.names))]
    )
    missed: dict[str, list[list[float]]] = {}
    scores: dict[str, dict[str, dict[str, Array]]] = {"published": {}, "replicas": {}}
    for key, taught in (("with", images), ("without", replace(images, copies=()))):
        unseen, changed = said_of_unseen(taught, list(images.copies), benchmark, seed)
        judge = known_images.reader(images, benchmark, unseen.of(learnt))
        real_from = upper_quantile(unseen.real[of_gm], weights, FALSE_ALARMS)
        missed[key] = [
            mean_rate(~(real[~of_gm] >= real_from), images.sources[~of_gm])
            for real in (unseen.real, *changed)
        ]
        for domain, chosen in (("published", own), ("replicas", ~own)):
            part = unseen.of(np.flatnonzero(of_gm)[chosen[images.groups[of_gm]]])
            scores[domain][key] = draws_of(judge, part, seed)
    differences = {
        domain: {name: with_ends(of["with"][name] - of["without"][name]) for name in GROUPS}
        for domain, of in scores.items()
    }
    found = {"seed": seed, "copies": COPIES, "differences": differences, "real_missed": missed}
    print(json_text(found))
    write_whole(arguments.out, json_text(found))


if __name__ == "__main__":
    main()
