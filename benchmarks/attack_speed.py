"""How long `gmbench attack` takes on 30 GMs, and comparing 10,000 with 10,000 images.

    python benchmarks/attack_speed.py

The attack: 30 GMs of 100 images each, 2,000 pairs of each category, three similarities and the
reference, all intervals from 2,000 replicates, all paired tests. The plain way computes the
interval of a single AUC: for each replicate it draws GMs, takes their pairs and calls scikit-learn;
100 of the 2,000 replicates are timed. Memory is the peak of the process.
"""

from __future__ import annotations

import resource
import time

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from gmbench.applications.attack import Similarity, judge
from gmbench.applications.attack_pairs import AttackImages, draw_pairs
from gmbench.applications.similarity import pair_similarities, similarity_matrix, unit_vectors

GMS, IMAGES, NUMBERS, MANY = 30, 100, 12_288, 10_000


def plain_replicates(scores: NDArray[np.float64], ends: NDArray[np.int64], n: int) -> None:
    """Draws GMs and scores their pairs with scikit-learn, `n` times."""
    generator = np.random.default_rng(0)
    one, other = ends
    for _ in range(n):
        drawn = np.bincount(generator.integers(0, GMS, GMS), minlength=GMS)
        weights = np.where(one == other, drawn[one], drawn[one] * drawn[other])
        roc_auc_score(one == other, scores, sample_weight=weights)


def main() -> None:
    """Prints processor seconds and megabytes."""
    generator = np.random.default_rng(0)
    rows = np.arange(GMS)
    images = AttackImages(
        names=tuple(f"GM_{row:02d}" for row in rows),
        contents=tuple("abc"[row % 3] for row in rows),
        seen=rows < GMS // 2,
        parsers=np.zeros(GMS, dtype=np.int64),
        gms=np.repeat(rows, IMAGES),
    )
    directions = generator.normal(size=(GMS, 64))[images.gms]
    similarities = [
        Similarity(name, "", unit_vectors(directions + noise * generator.normal(size=(3000, 64))))
        for name, noise in (("one", 1.0), ("two", 2.0), ("three", 4.0))
    ]
    start = time.process_time()
    judge(images, similarities, told=("speed", "1", "nobody"))
    ours = time.process_time() - start
    pairs = draw_pairs(images, 2000)
    scores = pair_similarities(similarities[0].vectors, pairs.first, pairs.second)
    start = time.process_time()
    plain_replicates(scores, images.gms[np.stack([pairs.first, pairs.second])], 100)
    plain = 20 * (time.process_time() - start)
    print(f"attack on {GMS} GMs x {IMAGES} images, all of it: {ours:.2f} s of processor")
    print(f"one interval of one AUC in the plain way: {plain:.1f} s ({plain / ours:.0f} times)")
    vectors = generator.standard_normal((MANY, NUMBERS), dtype=np.float32)
    start = time.process_time()
    similarity_matrix(vectors, vectors)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{MANY:,} x {MANY:,} fingerprints of {NUMBERS:,} numbers: "
        f"{time.process_time() - start:.1f} s of processor, {most:,.0f} MB"
    )


if __name__ == "__main__":
    main()
