"""Fake images in the real layout: one folder a GM, files of every sort that real ones have.

`python -m tests.data.fake_images FOLDER` writes them, so that a person can try the build by hand.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from gmbench.benchmark.benchmark import Benchmark, load_benchmark

N_IMAGES = 6

KINDS_OF_FILES: tuple[tuple[str, str, tuple[int, int]], ...] = (
    ("RGB", "png", (16, 16)),
    ("L", "png", (28, 28)),
    ("P", "png", (9, 31)),
    ("RGBA", "png", (1, 1)),
    ("I;16", "png", (13, 7)),
    ("RGB", "jpg", (33, 17)),
    ("1", "png", (5, 5)),
    ("LA", "png", (8, 8)),
    ("CMYK", "jpg", (16, 8)),
    ("RGB", "bmp", (7, 5)),
    ("RGB", "webp", (12, 12)),
    ("RGB", "tif", (6, 9)),
)
"""Mode, file type and size: what the images of one GM run through, again and again."""


def small_benchmark() -> Benchmark:
    """Returns six GMs of red116 with two test sets that share a GM."""
    gms = ("ADV_FACES", "BETA_B", "DCGAN", "PIXELCNN_PP", "STYLEGAN", "STYLEGAN_2")
    whole = load_benchmark("red116")
    return Benchmark(
        name="small",
        version="1",
        gms=tuple(whole.gm(gm) for gm in gms),
        sets={"set_1": ("BETA_B", "DCGAN"), "set_2": ("DCGAN", "STYLEGAN_2")},
        n_images=(N_IMAGES,) * len(gms),
    )


def own_benchmark(benchmark: Benchmark, name: str) -> Benchmark:
    """Returns a benchmark of the same GMs and sets whose labels, and name, are somebody's own."""
    gms = tuple(
        replace(gm, values=(gm.values[0] + 1, gm.values[1] + 1, *gm.values[2:]))
        for gm in benchmark.gms
    )
    return replace(benchmark, name=name, gms=gms)


def image_bytes(seed: int) -> tuple[str, bytes]:
    """Returns the file type and the bytes of the image that belongs to a seed."""
    mode, suffix, (width, height) = KINDS_OF_FILES[seed % len(KINDS_OF_FILES)]
    generator = np.random.default_rng(seed)
    if mode == "I;16":
        values = generator.integers(0, 2**16, (height, width), dtype=np.uint16)
        image = Image.fromarray(values)
    else:
        pixels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).convert(mode)
    buffer = BytesIO()
    image.save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
    return suffix, buffer.getvalue()


def make_images(root: Path, benchmark: Benchmark) -> Path:
    """Writes the images of every GM; file names are numbers without leading zeros."""
    for row, (gm, n_images) in enumerate(zip(benchmark.index, benchmark.n_images, strict=True)):
        folder = root / gm
        folder.mkdir(parents=True)
        for number in range(n_images):
            suffix, data = image_bytes(1200 * row + 6 * (row % 2) + number)
            (folder / f"{number + 5}.{suffix}").write_bytes(data)
    return root


def with_n_images(benchmark: Benchmark, n_images: int) -> Benchmark:
    """Returns the benchmark with another number of images for each GM."""
    return replace(benchmark, n_images=(n_images,) * len(benchmark.gms))


if __name__ == "__main__":
    make_images(Path(sys.argv[1]), small_benchmark())
