"""Trained parsers whose fingerprint network another task begins with, one for each set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gmbench.benchmark.benchmark import Benchmark
from gmbench.progress import Progress, prefixed
from gmbench.training.checkpoint import ModelParserCheckpoint, load_checkpoint
from gmbench.training.folds import TrainingJob, read_images, run_fold
from gmbench.training.options import RunOptions
from gmbench.training.parser_place import CheckpointError
from gmbench.training.recipes import find_recipe


@dataclass(frozen=True)
class Fingerprints:
    """The fingerprint network of a trained parser.

    Attributes:
        changes: Settings of a classifier that make its fingerprint network of this size.
        weights: Weights by their names in a `FingerprintClassifier`.
    """

    changes: Mapping[str, Any]
    weights: Mapping[str, torch.Tensor]

    @classmethod
    def of(cls, checkpoint: ModelParserCheckpoint) -> Fingerprints:
        """Takes the fingerprint network out of a parser.

        Raises:
            CheckpointError: It has none.
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
        return cls(changes, weights)


def given_or_trained(
    benchmark: Benchmark,
    folder: Path,
    paths: Sequence[Path],
    sets: Sequence[str],
    options: RunOptions,
    progress: Progress | None = None,
) -> dict[str, Fingerprints]:
    """Returns the fingerprint network for each set: of the parsers given, else of trained ones.

    Args:
        benchmark: What they are trained on.
        folder: Its dataset folder.
        paths: Folders of trained parsers; none to train them.
        sets: The sets that need one.
        options: How they are trained; changes are a classifier's own, and left out.
        progress: Told how far the work is.

    Raises:
        CheckpointError: A parser given cannot be used, or a set has none.
        TrainingError: A training came to nothing.
    """
    if paths:
        return read_parsers(benchmark, paths, sets)
    return trained_parsers(benchmark, folder, sets, options, progress)


def read_parsers(
    benchmark: Benchmark, paths: Iterable[Path], sets: Sequence[str]
) -> dict[str, Fingerprints]:
    """Reads parsers that have seen no test GM of the sets that they are for.

    Args:
        benchmark: What they were trained on.
        paths: Folders of parsers.
        sets: The sets that need one.

    Returns:
        The fingerprint network for each set.

    Raises:
        CheckpointError: A parser is not there, is one of another benchmark, has no fingerprint
            network, or a set has no parser that knows none of its GMs.
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
        fingerprints = Fingerprints.of(checkpoint)
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
    """Trains the paper's parser for each set, or finds it trained.

    Args:
        benchmark: What to train on.
        folder: The dataset folder.
        sets: The sets.
        options: How; changes are a classifier's own, and left out.
        progress: Told how far the work is.
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
