"""What a parser of known GMs gains on unseen GMs from knowing more GMs.

    python benchmarks/parser_more_gms.py --data DIR --extra DIR --more DIR -o FILE.json GM...

Ten folds leave GMs and real images out as its training does. What is left out is parsed twice: by a
parser that knows the others, and by one that also knows the GMs of `--more`, all of them or all
except those named. Differences are on the same GMs, with 95% intervals over GMs.
"""

from __future__ import annotations

from pathlib import Path

import known_images
import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark, read_benchmark
from gmbench.files import json_text, write_whole
from gmbench.parsing.accuracy import draws_of, with_ends
from gmbench.parsing.fitting import KnownImages, fit_without, folds_of
from gmbench.parsing.surety import Unseen
from gmbench.parsing.train import COPIES
from gmbench.training.relatives import spread

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


def said_of(
    images: KnownImages,
    asked: Rows,
    folds: list[NDArray[np.bool_]],
    benchmark: Benchmark,
    seed: int,
) -> Unseen:
    """Returns what parsers say of images while these, and no others, are unseen.

    Args:
        images: Images to train on.
        asked: Rows of the images that are left out in one of the folds.
        folds: For each fold, which of the images asked it leaves out, shape (asked,).
        benchmark: The benchmark of the dataset.
        seed: Seed of the trees.
    """
    n_gms = len(images.names)
    found = Unseen(
        np.zeros((len(asked), n_gms)), np.zeros(len(asked)), images.groups[asked],
        np.zeros(len(asked)),
    )  # fmt: skip
    for fold in folds:
        out = np.zeros(len(images.groups), dtype=bool)
        out[asked[fold]] = True
        said = fit_without(images, out, benchmark, seed).look_at(images.features[out], n_gms)
        found.shares[fold], found.distances[fold], found.real[fold] = (
            said.shares, said.distances, said.real,
        )  # fmt: skip
    return found


def scores(
    images: KnownImages, unseen: Unseen, benchmark: Benchmark, seed: int
) -> dict[str, dict[str, Array]]:
    """Returns the scores of published GMs and of replicas, as they are and per draw of GMs."""
    gms = np.unique(unseen.gms)
    gms = gms[gms < len(images.names)]
    learnt = np.concatenate([spread(np.flatnonzero(unseen.gms == gm)) for gm in gms])
    judge = known_images.reader(images, benchmark, unseen.of(learnt))
    own = [images.names[gm] == images.speaks_for[gm] for gm in gms]
    domains = {"published": gms[own], "replicas": gms[np.logical_not(own)]}
    return {
        domain: draws_of(judge, unseen.of(np.isin(unseen.gms, some)), seed)
        for domain, some in domains.items()
    }


def main() -> None:
    """Trains twice ten times, and writes the scores and the differences."""
    parser = known_images.options(__doc__)
    parser.add_argument("--more", type=Path, required=True)
    parser.add_argument("without", nargs="*", metavar="GM")
    arguments = parser.parse_args()
    seed, more = arguments.seed, {gm.name for gm in read_benchmark(arguments.more).gms}
    arguments.extra.append(arguments.more)
    benchmark, images = known_images.read(arguments)
    fewer, known = images.without(more), images.without(set(arguments.without))
    folds = folds_of(fewer, seed)
    added = np.isin(known.names, sorted(more))
    others = ~np.r_[added, np.zeros(len(known.real), dtype=bool)]
    drawn: dict[str, dict[str, dict[str, Array]]] = {}
    for key, taught, asked in (
        ("fewer", fewer, np.arange(len(fewer.groups))),
        ("more", known, np.flatnonzero(others[known.groups])),
    ):
        unseen = said_of(taught, asked, folds, benchmark, seed)
        drawn[key] = scores(taught, unseen, benchmark, seed)
        print(f"{key}: {len(taught.names)} GMs known", flush=True)
    found: dict[str, object] = {"seed": seed, "copies": COPIES, "added": int(added.sum())}
    for domain, before in drawn["fewer"].items():
        after = drawn["more"][domain]
        found[domain] = {
            "fewer": {name: with_ends(draws) for name, draws in before.items()},
            "more": {name: with_ends(draws) for name, draws in after.items()},
            "difference": {name: with_ends(after[name] - before[name]) for name in before},
        }
    print(json_text(found))
    write_whole(arguments.out, json_text(found))


if __name__ == "__main__":
    main()
