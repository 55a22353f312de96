"""The coordinated attack with a trained parser: fingerprint, parsed and learned similarity.

Only images not used to train the parser are tested. GMs that it was not trained on are unseen; a GM
counts as seen if the parser was trained on some of its images and others are left to test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gmbench.applications.attack import PAIRS, Similarity, judge
from gmbench.applications.attack_pairs import AttackImages
from gmbench.applications.attack_result import AttackResult
from gmbench.applications.learned_similarity import learn_similarity
from gmbench.applications.similarity import Vectors, fingerprint_vectors, parsed_vectors
from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import BenchmarkError
from gmbench.evaluation.intervals import REPLICATES
from gmbench.progress import Progress
from gmbench.training.cache import cached_images
from gmbench.training.checkpoint import ModelParserCheckpoint
from gmbench.training.devices import device_for
from gmbench.training.feature_table import Features, read_features
from gmbench.training.fingerprints import require_fingerprints
from gmbench.training.predict import parse_with_fingerprints

IMAGES = 100
"""Default number of images used per GM."""


def attack_checkpoint(
    checkpoint: ModelParserCheckpoint,
    benchmark: Benchmark,
    folder: Path,
    *,
    n_images: int = IMAGES,
    n_pairs: int = PAIRS,
    replicates: int = REPLICATES,
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> AttackResult:
    """Measures how well fingerprints, parsed parameters and a learned similarity tell GMs apart.

    The thresholds are chosen on pairs of images that the parser was trained on. The similarity is
    learned from the same images: linear discriminants of their hand-crafted spectral features.

    Args:
        checkpoint: A parser that estimates fingerprints.
        benchmark: The benchmark that it was trained on, with any sets.
        folder: The dataset folder.
        n_images: Maximum number of images per GM.
        n_pairs: Maximum number of pairs per category.
        replicates: Number of bootstrap replicates; 0 disables intervals.
        seed: Seed for everything that is drawn.
        device: `auto`, `cpu`, `cuda` or `mps`.
        progress: Progress callback.

    Raises:
        BenchmarkError: The parser belongs to another benchmark or has no fingerprints, or too few
            GMs or images are left to test.
    """
    require_fingerprints(checkpoint.network, f"This parser (method {checkpoint.method})")
    if checkpoint.labels.sha256 != benchmark.labels_sha256:
        raise BenchmarkError(
            f"This parser was trained on {checkpoint.trained_on.get('benchmark')}, whose labels "
            f"are not those of {benchmark.told}. Give the dataset that it was trained on with "
            "--data."
        )
    tested, shown = images_left(checkpoint, benchmark, n_images)
    if not tested:
        raise BenchmarkError(
            f"This parser was trained on all images of {benchmark.told}: none is left to test. "
            "Train one that leaves some out with `gmbench attack --train NAME`."
        )
    if not shown:
        raise BenchmarkError(
            f"This parser was trained on no GM of {benchmark.told}, and the thresholds come from "
            "GMs that it was trained on. Give one that was, or train it with "
            "`gmbench attack --train NAME`."
        )
    table = read_features(benchmark, folder, progress=progress)
    of_gm = {gm: table.features[table.gms == row] for gm, row in benchmark.index.items()}
    judged = _look(checkpoint, folder, tested, of_gm, device, progress)
    known = _look(checkpoint, folder, shown, of_gm, device, progress)
    known_images = _attack_images(benchmark, shown, set(shown))
    learned = learn_similarity(known.features, known_images.gms, seed)
    return judge(
        _attack_images(benchmark, tested, set(checkpoint.trained_on["gms"])),
        [
            Similarity(
                "fingerprint",
                "cosine of the fingerprints (the paper's FEN)",
                judged.fingerprints,
                known.fingerprints,
            ),
            Similarity(
                "parsed",
                "mean of cosine of the counts and share of equal classes and losses "
                "(the paper's FEN + PN)",
                judged.parsed,
                known.parsed,
            ),
            Similarity(
                "learned",
                "cosine of linear discriminants of spectral features, learned from training GMs",
                learned.vectors(judged.features),
                learned.vectors(known.features),
            ),
        ],
        known_images,
        told=(benchmark.name, benchmark.version, str(checkpoint.trained_on.get("baseline"))),
        n_pairs=n_pairs,
        replicates=replicates,
        seed=seed,
    )


def images_left(
    checkpoint: ModelParserCheckpoint, benchmark: Benchmark, n_images: int
) -> tuple[dict[str, range], dict[str, range]]:
    """Returns which images a parser was not trained on, and which it was.

    Args:
        checkpoint: The parser.
        benchmark: The benchmark that it was trained on.
        n_images: Maximum number of images per GM.

    Returns:
        Image indices by GM: first of the images held out of training, then of those trained on.
    """
    trained = set(checkpoint.trained_on.get("gms", ()))
    most: Mapping[str, int] = checkpoint.trained_on.get("most_images", {})
    tested, shown = {}, {}
    for gm, n in zip(benchmark.index, benchmark.n_images, strict=True):
        first = most.get(gm, n) if gm in trained else 0
        if first:
            shown[gm] = range(min(first, n_images))
        if first < n:
            tested[gm] = range(first, min(n, first + n_images))
    return tested, shown


@dataclass(frozen=True)
class _Looked:
    """What is computed from images: vectors for two similarities, and features for the third."""

    fingerprints: Vectors
    parsed: Vectors
    features: Features


def _look(
    checkpoint: ModelParserCheckpoint,
    folder: Path,
    wanted: Mapping[str, range],
    features: Mapping[str, Features],
    device: str,
    progress: Progress | None,
) -> _Looked:
    images = cached_images(folder, checkpoint.view, gms=list(wanted), progress=progress)
    place = device_for(device)
    network = checkpoint.network.to(place)
    fingerprints, continuous, classes = [], [], []
    for done, (gm, numbers) in enumerate(wanted.items()):
        if progress:
            progress("GMs", done, len(wanted))
        pixels = images.pixels(gm)[numbers.start : numbers.stop]
        parsed, traces = parse_with_fingerprints(network, pixels, place, checkpoint.precision)
        fingerprints.append(fingerprint_vectors(traces))
        continuous.append(parsed.continuous)
        classes.append(parsed.classes)
    if progress:
        progress("GMs", len(wanted), len(wanted))
    return _Looked(
        np.concatenate(fingerprints),
        parsed_vectors(np.concatenate(continuous), np.concatenate(classes)),
        np.concatenate([features[gm][numbers] for gm, numbers in wanted.items()]),
    )


def _attack_images(
    benchmark: Benchmark, wanted: Mapping[str, range], trained: set[str]
) -> AttackImages:
    gms = [benchmark.gm(name) for name in wanted]
    return AttackImages(
        names=tuple(wanted),
        contents=tuple(gm.content for gm in gms),
        seen=np.array([gm.name in trained for gm in gms]),
        parsers=np.zeros(len(gms), dtype=np.int64),
        gms=np.repeat(np.arange(len(gms)), [len(numbers) for numbers in wanted.values()]),
    )
