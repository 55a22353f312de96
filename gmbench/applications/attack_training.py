"""The parser of the coordinated attack, trained on all GMs except the unseen ones (section 4.5).

Seen GMs are tested on images that the parser was not trained on: it is trained on the first half of
each seen GM's images, and the second half is tested.
"""

from __future__ import annotations

from pathlib import Path

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.cross_validation import ATTACK, is_of_attack, with_sets
from gmbench.benchmark.splits import SEEN, UNSEEN
from gmbench.models.targets import class_counts
from gmbench.progress import Progress
from gmbench.training.cache import named_images
from gmbench.training.checkpoint import ModelParserCheckpoint
from gmbench.training.fingerprints import require_fingerprints
from gmbench.training.folds import JobImages, TrainingJob, is_trained, read_images, run_fold
from gmbench.training.methods import build_network
from gmbench.training.options import RunOptions
from gmbench.training.recipes import Recipe
from gmbench.training.views import view_from_dict


def attack_benchmark(benchmark: Benchmark) -> Benchmark:
    """Returns a benchmark with its sets replaced by those of the attack, if they differ.

    Raises:
        BenchmarkError: The benchmark lacks the GMs of these sets, or their images.
    """
    return benchmark if is_of_attack(benchmark) else with_sets(benchmark, ATTACK)


def shown_images(benchmark: Benchmark) -> dict[str, int]:
    """Returns the number of first images of each seen GM to train the parser on: half of them."""
    counts = benchmark.n_images
    return {gm: counts[benchmark.index[gm]] // 2 for gm in benchmark.test_gms(SEEN)}


def attack_job(
    recipe: Recipe, benchmark: Benchmark, folder: Path, options: RunOptions
) -> TrainingJob:
    """Returns the training of a baseline's network on the sets of the attack."""
    return TrainingJob(recipe, attack_benchmark(benchmark), folder, **vars(options))


def is_trained_for_attack(job: TrainingJob) -> bool:
    """Returns whether the network of an `attack_job` was trained before; no image is read."""
    images = named_images(job.folder, view_from_dict(job.config.view))
    return is_trained(job, UNSEEN, images.first(shown_images(job.benchmark)))


def train_attack_parser(
    recipe: Recipe,
    benchmark: Benchmark,
    folder: Path,
    options: RunOptions,
    progress: Progress | None = None,
) -> ModelParserCheckpoint:
    """Trains a baseline's network for the attack, resuming an interrupted training.

    Args:
        recipe: The baseline.
        benchmark: The benchmark; its sets are replaced by those of the attack.
        folder: The dataset folder.
        options: How the baseline is run.
        progress: Progress callback.

    Raises:
        BenchmarkError: The benchmark lacks the attack's GMs, or the baseline does not train a
            network with fingerprints.
        TrainingError: The training failed, or the device is not available.
    """
    job = attack_job(recipe, benchmark, folder, options)
    known = job.benchmark
    # Fail before hours of training rather than after them.
    untrained = build_network(job.config.method, job.config.model, class_counts(known))
    require_fingerprints(untrained, f"The baseline {recipe.name}")
    pixels = read_images(job, progress).pixels.first(shown_images(known))
    return run_fold(job, UNSEEN, JobImages(pixels, None), progress).checkpoint
