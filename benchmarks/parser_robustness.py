"""How a parser of known GMs stands images that were saved again: JPEG, smaller, blurred.

    python benchmarks/parser_robustness.py --data DIR --extra DIR -o FILE.json

Ten folds leave GMs out as its training does; what is left out of the published GMs is parsed as it
is and degraded, some images of each, an image at a time. Means over GMs.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image, ImageFilter

from gmbench.benchmark.benchmark import Benchmark, read_benchmark
from gmbench.benchmark.extra import read_extra
from gmbench.data.features import shard_path
from gmbench.data.rgb import rgb_pixels
from gmbench.files import json_text, write_whole
from gmbench.parsing.accuracy import scores_of
from gmbench.parsing.fitting import fit_without, folds_of, read_known_images
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.surety import Surety, Unseen
from gmbench.training.feature_table import feature_rows, residual_rows
from gmbench.training.parsed import LabelSpace


def jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    """Saved as JPEG and read again."""

    def saved(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return saved


def smaller(part: float) -> Callable[[Image.Image], Image.Image]:
    """Both sides so much of what they were."""

    def resized(image: Image.Image) -> Image.Image:
        width, height = (max(8, round(side * part)) for side in image.size)
        return image.resize((width, height), Image.Resampling.BICUBIC)

    return resized


def blurred(radius: float) -> Callable[[Image.Image], Image.Image]:
    """Gaussian blur."""
    return lambda image: image.filter(ImageFilter.GaussianBlur(radius))


DEGRADED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "JPEG 95": jpeg(95),
    "JPEG 80": jpeg(80),
    "JPEG 60": jpeg(60),
    "0.75 of its size": smaller(0.75),
    "0.5 of its size": smaller(0.5),
    "blurred by 0.5 px": blurred(0.5),
    "blurred by 1 px": blurred(1.0),
}


def images_of(folder: Path, benchmark: Benchmark, gm: str, number: int) -> list[Image.Image]:
    """Some images of a GM, evenly spread."""
    rows = pq.read_table(folder / shard_path(benchmark, gm), columns=["image"])["image"].to_pylist()
    chosen = np.linspace(0, len(rows) - 1, min(number, len(rows))).astype(int)
    opened = (Image.open(io.BytesIO(rows[row]["bytes"])) for row in chosen)
    return [Image.fromarray(rgb_pixels(image, gm)) for image in opened]


def main() -> None:
    """Trains ten times, parses what was left out, writes the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--extra", type=Path, nargs="*", default=[])
    parser.add_argument("--images", type=int, default=8, help="of each GM")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", "-o", type=Path, required=True)
    arguments = parser.parse_args()
    benchmark = read_benchmark(arguments.data)
    images = read_known_images(benchmark, arguments.data, read_extra(benchmark, arguments.extra))
    n_gms = len(images.names)
    found: dict[str, list[Unseen]] = {name: [] for name in DEGRADED}
    for number, out in enumerate(folds_of(images, arguments.seed)):
        fold = fit_without(images, out, benchmark, arguments.seed)
        left = [gm for gm in np.unique(images.groups[out]) if gm < n_gms]
        for gm in left:
            if images.names[gm] != images.speaks_for[gm]:
                continue
            shown = images_of(arguments.data, benchmark, images.names[gm], arguments.images)
            for name, degrade in DEGRADED.items():
                features = []
                for image in shown:
                    pixels = np.asarray(degrade(image))
                    made = (*feature_rows(iter([pixels])), *residual_rows(iter([pixels])))
                    features.append(np.hstack(made))
                said = fold.look_at(np.concatenate(features), n_gms)
                found[name].append(replace(said, gms=np.full(len(shown), gm)))
        print(f"fold {number + 1}: {len(left)} GMs left out", flush=True)
    judge = KnownGMs(
        names=images.speaks_for, values=images.values, labels=LabelSpace.of(benchmark),
        relatives=fold.relatives, distances=fold.distances,
        surety=Surety(np.zeros(25), np.zeros(9), np.zeros(1)), real_from=1.0, trained_on={},
    )  # fmt: skip
    rows = {}
    for name, parts in found.items():
        whole = Unseen(
            *(np.concatenate([getattr(one, key) for one in parts])
              for key in ("shares", "distances", "gms", "real"))
        )  # fmt: skip
        rows[name] = scores_of(judge, whole, arguments.seed)
        print(f"{name:20}", *(f"{metric} {value[0]:.3f}" for metric, value in rows[name].items()))
    n_images = len(found["as it is"])
    write_whole(
        arguments.out,
        json_text({"seed": arguments.seed, "n_gms": n_images, "images_of_each": arguments.images,
                   "scores": rows}),
    )  # fmt: skip


if __name__ == "__main__":
    main()
