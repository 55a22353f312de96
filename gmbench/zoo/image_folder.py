"""Real images from a user's folder, of any mode and size, by one rule."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gmbench.data.image_files import fault_of
from gmbench.data.listing import IMAGE_SUFFIXES, is_hidden
from gmbench.data.rgb import decode_rgb
from gmbench.data.sources import FolderReader, Limits, SourceFile, scan_folder, shown
from gmbench.errors import SourceError

FEWEST = 50
"""A GM learns nothing from fewer images."""

_MOST = 20_000
"""Maximum number of images read from a folder; the first ones in alphabetical order."""


def read_folder(folder: Path, size: int) -> tuple[NDArray[np.uint8], str]:
    """Reads the images of a folder recursively, in alphabetical order of their paths.

    Args:
        folder: The folder; files whose names are not those of images are skipped.
        size: Height and width in pixels that the images are scaled to.

    Returns:
        The images, shape (images, 3, size, size), and the SHA-256 over the digests of the files
        that were read.

    Raises:
        SourceError: There is no such folder, an image cannot be read or is smaller than `size`,
            or there are fewer than `FEWEST`.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder. Give --images-from a folder of images.")
    source = scan_folder(folder, Limits())
    paths = [(file, PurePosixPath(file.path)) for file in source.files]
    files = [f for f, p in paths if p.suffix.lower() in IMAGE_SUFFIXES and not is_hidden(p)]
    if len(files) < FEWEST:
        raise SourceError(
            f"{folder} holds {len(files)} images; a GM needs at least {FEWEST} to learn from. "
            "Give --images-from a folder with more."
        )
    reader, digest, images = FolderReader(source.readable), hashlib.sha256(), []
    for file in files[:_MOST]:
        data = reader.read(file)
        digest.update(hashlib.sha256(data).digest())
        images.append(_decoded(folder, file, data, size))
    return np.stack(images), digest.hexdigest()


def square(image: Image.Image, size: int) -> Image.Image:
    """Returns the central square of an image, scaled to `size` pixels (Lanczos)."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    cut = image.crop((left, top, left + side, top + side))
    return cut.resize((size, size), Image.Resampling.LANCZOS)


def _decoded(folder: Path, file: SourceFile, data: bytes, size: int) -> NDArray[np.uint8]:
    try:
        image = Image.fromarray(decode_rgb(data, f"{folder}: {shown(file.path)}"))
    except SourceError:
        raise
    except Exception as error:
        # Decoders may raise anything on damaged data.
        raise SourceError(
            f"{folder}: {shown(file.path)} cannot be read as an image ({shown(fault_of(error))}). "
            "Mend or remove it."
        ) from error
    if min(image.size) < size:
        raise SourceError(
            f"{folder}: {shown(file.path)} has {image.width} x {image.height} pixels; enlarging "
            f"it to {size} would leave traces that GMs learn. Remove it, or give a smaller --size."
        )
    return np.asarray(square(image, size)).transpose(2, 0, 1)
