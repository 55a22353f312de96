"""The card of a zoo (`README.md`), and its real images as a further configuration."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.dataset_card import (
    card_metadata,
    columns_section,
    configuration_table,
    example_arguments,
    introduction,
)
from gmbench.data.shards import ShardRecord
from gmbench.zoo.content import Content
from gmbench.zoo.plan import ZooPlan
from gmbench.zoo.training import png_files

if TYPE_CHECKING:
    from datasets import DatasetInfo, Features

REAL = "real"
"""Name of the configuration, of its folder, and of the first part of its image ids."""


@dataclass(frozen=True, slots=True)
class RealImages:
    """The real images of one content, as stored in a zoo.

    Attributes:
        path: Path of their shard inside the dataset folder.
        data: The bytes of the shard.
        n_images: Number of images.
        arrow_bytes: Size of the rows in memory.
    """

    path: str
    data: bytes
    n_images: int
    arrow_bytes: int

    @property
    def sha256(self) -> str:
        """SHA-256 of the shard."""
        return hashlib.sha256(self.data).hexdigest()


def real_images(content: Content, names: tuple[str, ...], most: int) -> RealImages:
    """Returns held-out images of a content as a shard.

    Its columns are `image`, `image_id`, `content` and `source` (whom or what the image shows).

    Args:
        content: The real images.
        names: All contents of the zoo, in the order of their class indices.
        most: Maximum number of images.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    images = content.held_out[:most]
    name = f"{content.name}-{content.size}"
    schema = _real_features(names).arrow_schema
    stored = [
        {"bytes": data, "path": f"{number:06d}.png"}
        for number, data in enumerate(png_files(images))
    ]
    table = pa.table(
        {
            "image": pa.array(stored, schema.field("image").type),
            "image_id": [f"{REAL}-{name}/{number:06d}" for number in range(len(images))],
            "content": pa.array([names.index(content.name)] * len(images), pa.int64()),
            "source": list(content.held_out_sources[:most]),
        },
        schema=schema,
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="none", row_group_size=100)
    return RealImages(f"{REAL}/{name}.parquet", buffer.getvalue(), len(images), table.nbytes)


def _real_features(names: tuple[str, ...]) -> Features:
    from datasets import ClassLabel, Features, Image, Value

    return Features(
        {
            "image": Image(),
            "image_id": Value("string"),
            "content": ClassLabel(names=list(names)),
            "source": Value("string"),
        }
    )


def zoo_card(
    benchmark: Benchmark,
    records: Mapping[str, ShardRecord],
    plan: ZooPlan,
    real: Sequence[RealImages],
) -> str:
    """Returns the `README.md` of a zoo.

    Args:
        benchmark: What was built.
        records: The shard of each GM, by its name.
        plan: What it was built from.
        real: The real images of each content in each size.
    """
    further = {REAL: _real_configuration(plan.content_names, real)}
    metadata = card_metadata(benchmark, records, "see-origin-of-the-real-images", further)
    return f"---\n{metadata}\n---\n\n{_body(benchmark, plan, real)}"


def _real_configuration(
    names: tuple[str, ...], real: Sequence[RealImages]
) -> tuple[dict[str, Any], DatasetInfo]:
    from datasets import DatasetInfo, SplitDict, SplitInfo

    n_bytes = sum(images.arrow_bytes for images in real)
    split = SplitInfo(
        "train", num_bytes=n_bytes, num_examples=sum(images.n_images for images in real)
    )
    entry = {
        "config_name": REAL,
        "data_files": [{"split": "train", "path": [f"{REAL}/*.parquet"]}],
    }
    return entry, DatasetInfo(
        features=_real_features(names),
        splits=SplitDict({"train": split}),
        download_size=sum(len(images.data) for images in real),
        dataset_size=n_bytes,
    )


def _body(benchmark: Benchmark, plan: ZooPlan, real: Sequence[RealImages]) -> str:
    origins = "\n".join(
        f"| {origin.content} | {' '.join([origin.package, origin.version]).strip() or '-'} | "
        f"`{origin.file}` | {origin.licence} | `{origin.sha256[:16]}` |"
        for origin in plan.origins
    )
    versions = ", ".join(f"{name} {version}" for name, version in plan.versions.items())
    grey = (
        "Images are PNG files; those of a GM that makes nothing but grey images are grey files: "
        "convert to RGB where one mode is needed."
    )
    sides = " and ".join(f"{size} x {size}" for size in plan.sizes)
    start = introduction(benchmark, "small generative models", "that gmbench trained itself")
    return f"""{start}
The labels are measured: counts and classes by walking the trained network with a forward pass, the
losses from what the training loop summed up. `contact_sheet.png` shows every GM; `zoo.json` holds
for each of them its specification, its seeds and the figures of the quality gate.

## Configurations

{configuration_table(benchmark)}
| `{REAL}` | {sum(images.n_images for images in real):,} real images | - |

All configurations but `{REAL}` share the same files; each image is stored once. `{REAL}` holds real
images of the same contents that no GM was trained on (columns `image`, `image_id`, `content` and
`source`, whom or what the image shows), for those who want to tell generated images from real ones.

{columns_section(benchmark, grey)}
## Origin of the real images

What the GMs were trained on, with the licence as the package that carries it states it. The images
of an AA are such images with a small pattern added. The GMs and their images are this
project's own; nobody claims rights in them beyond those of the images they were trained on.

| content | package | file | licence | SHA-256 |
|---|---|---|---|---|
{origins}

## Made with

Seed {plan.seed}, {sides} pixels, {plan.images_per_gm} images a GM; {versions}.

## Load

```python
from datasets import load_dataset

images = load_dataset("FOLDER", {example_arguments(benchmark)})
```

`gmbench data verify FOLDER` checks that the folder is whole and unchanged.
"""
