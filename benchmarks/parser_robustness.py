"""How robust a parser of known GMs is to images that were saved again: JPEG, smaller, blurred.

    python benchmarks/parser_robustness.py --data DIR --extra DIR --real DIR -o FILE.json

Ten folds leave GMs out as its training does; some images of each published GM left out are parsed,
unchanged and degraded, one image at a time. Scores are means over GMs, for two parsers: one that
also learned from changed copies, and one that knows only the unchanged images. The last three ways
to degrade an image are not among those in which copies are changed.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import known_images
import numpy as np
import pyarrow.parquet as pq
from PIL import Image, ImageFilter

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.features import shard_path
from gmbench.data.rgb import rgb_pixels
from gmbench.files import json_text, write_whole
from gmbench.parsing.accuracy import scores_of
from gmbench.parsing.fitting import KnownImages, fit_without, folds_of
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.surety import Surety, Unseen
from gmbench.parsing.train import COPIES
from gmbench.training.changed_images import saved_as_jpeg
from gmbench.training.feature_table import Features, feature_rows, residual_rows
from gmbench.training.parsed import LabelSpace

Degrade = Callable[[Image.Image], Image.Image]


def jpeg(quality: int) -> Degrade:
    """Returns a function that saves an image as JPEG and reads it again."""
    return lambda image: saved_as_jpeg(image, quality)


def webp(quality: int) -> Degrade:
    """Returns a function that saves an image as WebP and reads it again."""

    def saved(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=quality)
        return Image.open(buffer).convert("RGB")

    return saved


def noisy(deviation: float) -> Degrade:
    """Returns a function that adds Gaussian noise, the same for all images of a size.

    Args:
        deviation: Standard deviation of the noise in grey values.
    """

    def disturbed(image: Image.Image) -> Image.Image:
        pixels = np.asarray(image).astype(float)
        pixels += np.random.default_rng(0).normal(0, deviation, pixels.shape)
        return Image.fromarray(np.rint(pixels.clip(0, 255)).astype(np.uint8))

    return disturbed


def sized(part: float) -> Degrade:
    """Returns a function that resizes both sides of an image by a factor."""

    def resized(image: Image.Image) -> Image.Image:
        width, height = (max(8, round(side * part)) for side in image.size)
        return image.resize((width, height), Image.Resampling.BICUBIC)

    return resized


def blurred(radius: float) -> Degrade:
    """Returns a function that applies a Gaussian blur."""
    return lambda image: image.filter(ImageFilter.GaussianBlur(radius))


DEGRADED: dict[str, Degrade] = {
    "as it is": lambda image: image,
    "JPEG 95": jpeg(95),
    "JPEG 80": jpeg(80),
    "JPEG 60": jpeg(60),
    "0.75 of its size": sized(0.75),
    "0.5 of its size": sized(0.5),
    "blurred by 0.5 px": blurred(0.5),
    "blurred by 1 px": blurred(1.0),
    "0.75 of its size, JPEG 80": lambda image: jpeg(80)(sized(0.75)(image)),
    "WebP 80": webp(80),
    "1.5 of its size": sized(1.5),
    "noise of 3 grey values": noisy(3.0),
}


def images_of(folder: Path, benchmark: Benchmark, gm: str, number: int) -> list[Image.Image]:
    """Returns some images of a GM, evenly spread."""
    rows = pq.read_table(folder / shard_path(benchmark, gm), columns=["image"])["image"].to_pylist()
    chosen = np.linspace(0, len(rows) - 1, min(number, len(rows))).astype(int)
    opened = (Image.open(io.BytesIO(rows[row]["bytes"])) for row in chosen)
    return [Image.fromarray(rgb_pixels(image, gm)) for image in opened]


def features_of(images: list[Image.Image]) -> Features:
    """Returns the features of images of any sizes."""
    rows = []
    for image in images:
        pixels = np.asarray(image)
        rows.append(np.hstack([*feature_rows(iter([pixels])), *residual_rows(iter([pixels]))]))
    return np.concatenate(rows)


def said_of_unseen(
    images: KnownImages, shown: dict[int, dict[str, Features]], benchmark: Benchmark, seed: int
) -> dict[str, Unseen]:
    """Returns what parsers trained without the GMs say of their images, by how they are degraded.

    Args:
        images: Images to train on.
        shown: Features of the images to be parsed, by the row of their GM.
        benchmark: The benchmark of the dataset.
        seed: Seed of the trees and folds.
    """
    n_gms = len(images.names)
    found: dict[str, list[Unseen]] = {name: [] for name in DEGRADED}
    for out in folds_of(images, seed):
        fold = fit_without(images, out, benchmark, seed)
        for gm in shown.keys() & set(images.groups[out].tolist()):
            for name, features in shown[gm].items():
                said = fold.look_at(features, n_gms)
                found[name].append(replace(said, gms=np.full(len(features), gm)))
    keys = ("shares", "distances", "gms", "real")
    return {
        name: Unseen(*(np.concatenate([getattr(one, key) for one in parts]) for key in keys))
        for name, parts in found.items()
    }


def main() -> None:
    """Trains twice ten times, parses what was left out, and writes the scores."""
    parser = known_images.options(__doc__)
    parser.add_argument("--images", type=int, default=8, help="of each GM")
    arguments = parser.parse_args()
    seed = arguments.seed
    benchmark, images = known_images.read(arguments)
    shown = {}
    for gm, (name, spoken) in enumerate(zip(images.names, images.speaks_for, strict=True)):
        if name == spoken:
            some = images_of(arguments.data, benchmark, name, arguments.images)
            shown[gm] = {
                way: features_of([degrade(image) for image in some])
                for way, degrade in DEGRADED.items()
            }
    judge = KnownGMs(
        names=images.speaks_for, values=images.values, labels=LabelSpace.of(benchmark),
        relatives=None, distances=None,  # type: ignore[arg-type]
        surety=Surety(np.zeros(25), np.zeros(9), np.zeros(1)), real_from=1.0, trained_on={},
    )  # fmt: skip
    scores = {}
    for key, taught in (("scores", images), ("without_copies", replace(images, copies=()))):
        said = said_of_unseen(taught, shown, benchmark, seed)
        scores[key] = {name: scores_of(judge, one, seed) for name, one in said.items()}
        print(key)
        for name, row in scores[key].items():
            values = (f"{metric} {value[0]:.3f}" for metric, value in row.items())
            print(f"  {name:26}", *values, flush=True)
    found = {"seed": seed, "n_gms": len(shown), "images_of_each": arguments.images}
    write_whole(arguments.out, json_text({**found, "copies": COPIES, **scores}))


if __name__ == "__main__":
    main()
