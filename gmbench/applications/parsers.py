"""Trained parsers, one per set, whose fingerprint network initialises another task."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gmbench.benchmark.benchmark import Benchmark
from gmbench.progress import Progress, prefixed
from gmbench.training.checkpoint import ModelParserCheckpoint, load_checkpoint
from gmbench.training.classify import bytes_of
from gmbench.training.folds import TrainingJob, read_images, run_fold
from gmbench.training.options import RunOptions
from gmbench.training.parser_place import CheckpointError
from gmbench.training.recipes import find_recipe


@dataclass(frozen=True)
class Fingerprints:
    """The fingerprint network of a trained parser.

    Attributes:
        changes: Classifier settings that give its fingerprint network the same size.
        weights: Weights by name in a `FingerprintClassifier`.
        choice: SHA-256 of the weights if the user chose the parser, part of the folder of the
            trainings that begin with it.
    """

    changes: Mapping[str, Any]
    weights: Mapping[str, torch.Tensor]
    choice: tuple[str, ...] = ()

    @classmethod
    def of(cls, checkpoint: ModelParserCheckpoint, *, chosen: bool = False) -> Fingerprints:
        """Extracts the fingerprint network from a parser.

        Args:
            checkpoint: The parser.
            chosen: Whether the user chose it, in place of the one that is trained otherwise.

        Raises:
            CheckpointError: The parser has none.
        """
        settings: Any = checkpoint.network.config
        if checkpoint.method != "parser" or not settings.fingerprint:
            raise CheckpointError(
                f"The parser has no fingerprint network: its method is {checkpoint.method!r}. "
                "Train one with `gmbench train full`."
            )
        weights = {
            name: tensor.detach().cpu()
            for name, tensor in checkpoint.network.state_dict().items()
            if name.startswith("fen.")
        }
        changes = {"model.fen_depth": settings.fen_depth, "model.fen_width": settings.fen_width}
        return cls(changes, weights, _choice_of(weights) if chosen else ())


def _choice_of(weights: Mapping[str, torch.Tensor]) -> tuple[str]:
    digest = hashlib.sha256()
    for part in bytes_of(weights):
        digest.update(part)
    return (digest.hexdigest(),)


def given_or_trained(
    benchmark: Benchmark,
    folder: Path,
    paths: Sequence[Path],
    sets: Sequence[str],
    options: RunOptions,
    progress: Progress | None = None,
) -> dict[str, Fingerprints]:
    """Returns a fingerprint network for each set, from the given parsers or else by training.

    Args:
        benchmark: The benchmark that parsers are trained on.
        folder: Its dataset folder.
        paths: Folders of trained parsers; empty to train them.
        sets: The sets that need a parser.
        options: How parsers are trained; changes are ignored, as they are a classifier's.
        progress: Progress callback.

    Raises:
        CheckpointError: A given parser cannot be used, or a set has none.
        TrainingError: A training failed.
    """
    if paths:
        return read_parsers(benchmark, paths, sets)
    return trained_parsers(benchmark, folder, sets, options, progress)


def read_parsers(
    benchmark: Benchmark, paths: Iterable[Path], sets: Sequence[str]
) -> dict[str, Fingerprints]:
    """Reads parsers and assigns each set one that has seen none of its test GMs.

    Args:
        benchmark: The benchmark that the parsers were trained on.
        paths: Folders of parsers.
        sets: The sets that need a parser.

    Returns:
        The fingerprint network for each set.

    Raises:
        CheckpointError: A parser is missing, belongs to another benchmark or has no fingerprint
            network, or every parser has seen some test GM of a set.
    """
    found: dict[str, Fingerprints] = {}
    for path in paths:
        checkpoint = load_checkpoint(path)
        if checkpoint.labels.sha256 != benchmark.labels_sha256:
            raise CheckpointError(
                f"{path} was trained on {checkpoint.trained_on.get('benchmark')}, not on "
                f"{benchmark.name}: their labels differ. Train one with `gmbench train full`."
            )
        seen = set(checkpoint.trained_on.get("gms", ()))
        fingerprints = Fingerprints.of(checkpoint, chosen=True)
        for name in sets:
            if not seen & set(benchmark.test_gms(name)):
                found.setdefault(name, fingerprints)
    if lacking := [name for name in sets if name not in found]:
        raise CheckpointError(
            f"No parser given has seen none of the test GMs of {', '.join(lacking)}. Train one "
            f"with `gmbench train full --set {lacking[0]}`, and give each with --parser."
        )
    return found


def trained_parsers(
    benchmark: Benchmark,
    folder: Path,
    sets: Sequence[str],
    options: RunOptions,
    progress: Progress | None = None,
) -> dict[str, Fingerprints]:
    """Trains the paper's parser for each set, reusing finished trainings.

    Args:
        benchmark: The benchmark to train on.
        folder: The dataset folder.
        sets: The sets.
        options: How parsers are trained; changes are ignored, as they are a classifier's.
        progress: Progress callback.
    """
    job = TrainingJob(
        find_recipe("full"),
        benchmark,
        folder,
        preset=options.preset,
        seed=options.seed,
        device=options.device,
        runs=options.runs,
    )
    told = prefixed(progress, "parser")
    images = read_images(job, told)
    return {name: Fingerprints.of(run_fold(job, name, images, told).checkpoint) for name in sets}
