"""Training the parser of known GMs on dataset folders, with its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.extra import ExtraGMs
from gmbench.errors import BenchmarkError
from gmbench.files import WriteError, whole_folder, write_whole
from gmbench.parsing.accuracy import accuracy_of
from gmbench.parsing.fitting import fit_known_gms, read_known_images
from gmbench.parsing.saving import save_parser
from gmbench.progress import Progress
from gmbench.wording import plural

COPIES = 2
"""Changed copies of each image to learn from: one teaches less, and two keep the parser small."""

_FEWEST = 4
"""Fewest GMs with distinct labels; with fewer, leaving GMs out says nothing."""

METRICS = {"l1": "l1 ↓", "arch_f1": "arch F1 ↑", "loss_f1": "loss F1 ↑"}
LEVELS = {
    "image": "an image at a time",
    "gm": "all images of a GM",
    "nearest": "the nearest known GM alone",
    "labels_alone": "labels alone",
}


def train_known_gms(
    benchmark: Benchmark,
    folder: Path,
    out: Path,
    extra: Sequence[ExtraGMs] = (),
    real_files: Sequence[Path] = (),
    *,
    copies: int = COPIES,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Trains the parser on all GMs of a dataset, and on extra ones, and writes it.

    Args:
        benchmark: The benchmark of the dataset.
        folder: The dataset folder.
        out: Folder of the parser, replaced as a whole if it exists.
        extra: GMs of other datasets, whose real images are learned as well.
        real_files: Further real images.
        copies: Number of changed copies of each image to learn from as well.
        seed: Seed of trees, folds, intervals and changes.
        progress: Progress callback.

    Returns:
        The accuracy on GMs left out, as returned by `accuracy_of`.

    Raises:
        BenchmarkError: There are too few GMs.
        GmbenchError: A dataset cannot be read, or the folder cannot be written to.
    """
    images = read_known_images(
        benchmark, folder, extra, real_files, progress, copies=copies, seed=seed
    )
    different = len({tuple(values) for values in images.values.tolist()})
    if different < _FEWEST:
        raise BenchmarkError(
            f"known_gms says how right it is about GMs left out, and {folder} has images of GMs "
            f"with {plural(different, 'different row', 'different rows')} of labels: it takes "
            f"{_FEWEST} at least. Add some with --extra, such as --extra mini116."
        )
    trained_on: dict[str, Any] = {
        "baseline": "known_gms",
        "benchmark": benchmark.name,
        "version": benchmark.version,
        "extra": [one.to_dict() for one in extra],
        "gms": list(images.names),
        "n_gms": len(images.names),
        "n_images": len(images.groups),
        "copies": copies,
        "real": list(images.real),
        "seed": seed,
    }
    fitted = fit_known_gms(images, benchmark, seed, trained_on, progress)
    accuracy = accuracy_of(images, fitted, seed)
    parser = replace(fitted.parser, trained_on={**trained_on, "accuracy": accuracy})
    try:
        with whole_folder(out) as beside:
            save_parser(parser, beside)
            write_whole(beside / "README.md", card(parser.trained_on))
    except OSError as error:
        raise WriteError(
            f"{out} cannot be written ({error.strerror}). Give another --runs, or make room."
        ) from error
    return accuracy


def card(trained_on: Mapping[str, Any]) -> str:
    """Returns the card of a parser.

    Args:
        trained_on: What it was trained on, with its accuracy.
    """
    accuracy = trained_on["accuracy"]
    lines = [
        "---",
        "library_name: gmbench",
        "license: mit",
        "tags: [model-parsing, image-forensics]",
        "---",
        "# A model parser of gmbench",
        "",
        "Infers 25 hyperparameters of a generative model from its images, says how sure that is",
        "and which known models make such images: `gmbench parse --model DIR IMAGE...`. It knows",
        f"{trained_on['n_gms']} models by {trained_on['n_images']:,} images, real ones among them",
        "(`config.json` names them), and by copies that were blurred, made smaller or saved",
        f"as JPEG, {trained_on['copies']} of each. It holds none of these images.",
        "",
        "How right it is about models it had not seen, in ten folds that leave models out, those",
        "of equal labels together; 95% intervals over models:",
        "",
        f"| unseen | {' | '.join(METRICS.values())} |",
        "|---|" + "---|" * len(METRICS),
    ]
    for domain, found in accuracy.items():
        if domain == "real_or_made":
            continue
        for level, title in LEVELS.items():
            cells = ["{:.3f} ({:.3f} to {:.3f})".format(*found[level][name]) for name in METRICS]
            lines.append(f"| {found['n_gms']} {domain}: {title} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
