"""Images as users have them: files, Pillow images or arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gmbench.data.image_files import MOST_BYTES, fault_of, open_image, size_fault
from gmbench.errors import SourceError, printable

OneImage = str | Path | Image.Image | NDArray[np.uint8]
Images = OneImage | Iterable[OneImage]


def opened(images: Images) -> Iterator[Image.Image]:
    """Yields Pillow images, one by one.

    Args:
        images: One image or several: paths, Pillow images, or uint8 arrays of shape
            (height, width) or (height, width, 3), or with a leading axis for several.

    Raises:
        SourceError: There is no image, or one cannot be read.
    """
    if isinstance(images, str | Path | Image.Image) or (
        isinstance(images, np.ndarray) and images.ndim <= 3
    ):
        images = [images]
    if not isinstance(images, Iterable):
        raise SourceError(_not_an_image(images))
    empty = True
    for image in images:
        empty = False
        if isinstance(image, Image.Image):
            yield _loaded(image)
        elif isinstance(image, np.ndarray):
            yield _of_array(image)
        elif isinstance(image, str | Path):
            with _of_file(Path(image)) as read:
                yield read
        else:
            raise SourceError(_not_an_image(image))
    if empty:
        raise SourceError("There is no image to parse. Give at least one.")


def _not_an_image(given: object) -> str:
    kind = type(given).__name__
    return f"An object of type {kind} is no image. Give paths, images of Pillow or arrays."


def _loaded(image: Image.Image) -> Image.Image:
    """Returns an image of Pillow, which reads a file's pixels only when they are asked for."""
    cause = None
    fault = size_fault(image)
    try:
        if not fault:
            image.load()
            return image
    except Exception as error:  # noqa: BLE001 - decoders raise whatever damaged data leads them to
        fault, cause = fault_of(error), error
    shown = printable(str(getattr(image, "filename", ""))) or "An image of Pillow"
    raise SourceError(f"{shown} cannot be parsed: {fault}. Give another.") from cause


def _of_array(pixels: NDArray[np.uint8]) -> Image.Image:
    sound = pixels.ndim in (2, 3) and pixels.shape[2:] in ((), (3,)) and pixels.size
    if pixels.dtype != np.uint8 or not sound:
        raise SourceError(
            f"An array of {pixels.dtype} of shape {pixels.shape} is no image. Give uint8 of shape "
            "(height, width, 3)."
        )
    return Image.fromarray(pixels)


def _of_file(path: Path) -> Image.Image:
    cause = None
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                fault = f"more than {MOST_BYTES:,} bytes"
            else:
                image = open_image(file)
                fault = size_fault(image)
            if not fault:
                image.load()
                return image
    except Exception as error:  # noqa: BLE001 - decoders raise whatever damaged data leads them to
        fault, cause = fault_of(error), error
    shown = printable(str(path))
    raise SourceError(f"{shown} cannot be parsed: {fault}. Give image files.") from cause
