"""The GMs that a method parses best and worst, with images of those that may be shown.

Only mini116's images are shown: this project made them. Those of red116 belong to their authors.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import pyarrow.parquet as pq
from PIL import Image

from gmbench.benchmark.benchmark import MINI116, Benchmark, read_benchmark
from gmbench.board.rows import Row
from gmbench.board.site.floors import Floors
from gmbench.pages.drawing.numbers import Figure, score

MOST = 3
"""Number of the best GMs, and of the worst GMs, that are shown."""

IMAGES, SIZE, GAP = 6, 64, 2
"""Number of images in the strip of a GM, their height and width, and the pixels between two."""
STRIP_SIZE = (IMAGES * (SIZE + GAP) - GAP, SIZE)


@dataclass(frozen=True, slots=True)
class ShownGM:
    """One GM.

    Attributes:
        key: Its key in results.
        name: Its name.
        kind: Its kind.
        l1: The method's L1.
        floor: The L1 of labels alone.
        arch_accuracy: Share of its classes that are right.
        loss_accuracy: Share of its losses that are right.
        picture: File name of its strip of images; empty if none may be shown.
    """

    key: str
    name: str
    kind: str
    l1: Figure
    floor: Figure
    arch_accuracy: Figure
    loss_accuracy: Figure
    picture: str


def shown_gms(
    row: Row, floors: Floors, *, pictures: bool
) -> tuple[tuple[ShownGM, ...], tuple[ShownGM, ...]]:
    """Returns the GMs with a method's lowest and highest L1, the most extreme first.

    Args:
        row: The method.
        floors: What labels alone achieve.
        pictures: Whether images of the GMs may be shown.
    """
    assert row.result is not None
    order = sorted(row.result["gms"].items(), key=lambda one: (one[1]["l1"], one[0]))
    most = min(MOST, len(order) // 2)
    shown = [
        ShownGM(
            key=key,
            name=gm["gm"],
            kind=gm["kind"],
            l1=score(gm["l1"]),
            floor=score(floors.gms[key]["l1"]),
            arch_accuracy=score(gm["arch_accuracy"]),
            loss_accuracy=score(gm["loss_accuracy"]),
            picture=f"{gm['gm']}.png" if pictures else "",
        )
        for key, gm in (*order[:most], *reversed(order[-most:] if most else []))
    ]
    return tuple(shown[:most]), tuple(shown[most:])


def may_be_shown(benchmark: Benchmark) -> bool:
    """Returns whether a benchmark's images are mini116's; its name says nothing about that."""
    return benchmark.labels_sha256 == read_benchmark(MINI116).labels_sha256


def strip(gm: str) -> bytes:
    """Returns the first images of a GM of mini116 side by side, as a PNG."""
    (file,) = MINI116.glob(f"data/*/{gm}.parquet")
    images = pq.read_table(file, columns=["image"]).slice(0, IMAGES)["image"].to_pylist()
    made = Image.new("RGBA", STRIP_SIZE)
    for column, data in enumerate(images):
        with Image.open(io.BytesIO(data["bytes"])) as image:
            # Each pixel of a smaller image becomes a square: nothing is interpolated.
            whole = image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.NEAREST)
        made.paste(whole, (column * (SIZE + GAP), 0))
    buffer = io.BytesIO()
    made.save(buffer, "PNG")
    return buffer.getvalue()
