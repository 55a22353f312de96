"""The real images that a zoo publishes beside its GMs' images (`real/*.parquet`), with sources.

They share nothing with what the GMs were trained on. A detector of generated images must not be
tested on a person, picture or font that it was trained on either, so each image has a source, which
its shard names; for mini116, whose shards do not, a table beside it does.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from gmbench.benchmark.catalog import TABLES
from gmbench.data.checksums import read_checksums, sha256_of
from gmbench.errors import DatasetError

REAL = "real"
"""Folder of the shards."""


@dataclass(frozen=True)
class RealShard:
    """Real images of one content in one size.

    Attributes:
        name: Name of the shard, such as `real-faces-64`.
        content: What the images show, such as `faces`.
        image_ids: Id of each image.
        images: Bytes of each image file.
        sources: Whom or what each image shows; its own id if the dataset does not say.
        tells_sources: Whether the dataset says so.
    """

    name: str
    content: str
    image_ids: tuple[str, ...]
    images: tuple[bytes, ...]
    sources: tuple[str, ...]
    tells_sources: bool

    def opened(self, row: int) -> Image.Image:
        """Returns an image, opened by Pillow."""
        return Image.open(io.BytesIO(self.images[row]))


def read_real_images(folder: Path) -> tuple[RealShard, ...]:
    """Reads the real images of a dataset folder, shard by shard, in the order of their names.

    Raises:
        DatasetError: The folder has no real images, or a shard cannot be read or does not match
            the dataset's checksums.
    """
    paths = sorted((folder / REAL).glob("*.parquet"))
    if not paths:
        raise DatasetError(
            f"{folder} has no real images ({REAL}/*.parquet). Take mini116 or a zoo that `gmbench "
            "zoo build` made, or give real and fake images with --data-dir."
        )
    sums, known = read_checksums(folder), _sources_of_mini116()
    return tuple(_read(path, sums.get(f"{REAL}/{path.name}"), known) for path in paths)


def _read(path: Path, sha256: str | None, known: dict[str, dict[str, str]]) -> RealShard:
    damaged = f"{path} cannot be read: {{}}. Build the dataset again, or fetch it again."
    try:
        if sha256_of(path) != sha256:
            raise DatasetError(damaged.format("it is not what the checksums say"))
        table = pq.read_table(path)
        ids = tuple(map(str, table["image_id"].to_pylist()))
        images = tuple(one["bytes"] for one in table["image"].to_pylist())
    except (OSError, pa.ArrowException, KeyError, TypeError) as error:
        raise DatasetError(damaged.format(error)) from error
    told = known.get(sha256 or "")
    if "source" in table.column_names:
        told = dict(zip(ids, map(str, table["source"].to_pylist()), strict=True))
    sources = tuple((told or {}).get(image_id, image_id) for image_id in ids)
    content = path.stem.rpartition("-")[0] or path.stem
    return RealShard(f"{REAL}-{path.stem}", content, ids, images, sources, told is not None)


def _sources_of_mini116() -> dict[str, dict[str, str]]:
    """Returns the source of each image of the packaged shards, by shard hash and image id."""
    with (TABLES / "mini116_sources.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["image_id"]: row["source"] for row in csv.DictReader(file)}
    hashes = {
        path: sha256
        for path, sha256 in read_checksums(TABLES / "mini116").items()
        if path.startswith(f"{REAL}/")
    }
    return {
        sha256: {
            image_id: source
            for image_id, source in rows.items()
            if image_id.startswith(f"{REAL}-{Path(path).stem}/")
        }
        for path, sha256 in hashes.items()
    }
