"""Reads the images of a Parquet file, such as one of `gmbench data build` or of a Hub dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from gmbench.data.streamed_image import StreamedImage
from gmbench.errors import SourceError, printable
from gmbench.predictions.raw_table import is_text_type

COLUMNS = ("image", "img", "jpg", "jpeg", "png", "webp")
"""Possible names of the image column; the first that exists is read."""

_AT_ONCE = 16
"""Number of rows read together; the bytes of their images are in memory at once."""


DAMAGE: tuple[type[Exception], ...] = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What a damaged file makes the reader raise."""


def images_of_parquet(name: str, file: BinaryIO) -> Iterator[StreamedImage]:
    """Yields the images of a Parquet file, stored as bytes or as `datasets` stores images.

    They are named by the column `image_id` if there is one, else `FILE/ROW`.

    Args:
        name: Path or URL of the file.
        file: The open file.

    Raises:
        SourceError: The file holds no images, or cannot be read from its end.
        ArrowException: The file is damaged; any other kind in `DAMAGE` may be raised instead.
    """
    if not file.seekable():
        raise SourceError(
            "Parquet is read from its end, which a web address does not allow: download it, or "
            "give it as hf://"
        )
    with pq.ParquetFile(file) as table:
        for row, (image_id, data) in enumerate(_rows(table)):
            here = printable(image_id) if image_id else f"{printable(name)}/{row}"
            yield StreamedImage(here, data or b"", "" if data else "there is no image")


def _rows(table: pq.ParquetFile) -> Iterator[tuple[str | None, bytes | None]]:
    schema = table.schema_arrow
    column = next((one for one in COLUMNS if one in schema.names), None)
    if column is None:
        raise SourceError(f"it has no column of images: {', '.join(COLUMNS)}")
    kind = schema.field(column).type
    is_struct = pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    if not is_struct and not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise SourceError(f"its column {column} holds {kind}, not the bytes of images")
    named = "image_id" in schema.names and is_text_type(schema.field("image_id").type)
    wanted = [column, "image_id"] if named else [column]
    for batch in table.iter_batches(_AT_ONCE, columns=wanted, use_threads=False):
        images = batch.column(column)
        images = images.field("bytes") if is_struct else images
        names = batch.column("image_id").to_pylist() if named else [None] * len(images)
        for name, image in zip(names, images, strict=True):
            yield name, image.as_py()
