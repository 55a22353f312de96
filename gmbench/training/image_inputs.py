"""Images as a user has them: files, images of Pillow, or arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gmbench.errors import SourceError

OneImage = str | Path | Image.Image | NDArray[np.uint8]
Images = OneImage | Iterable[OneImage]


def opened(images: Images) -> Iterator[Image.Image]:
    """Yields images as Pillow has them, one by one.

    Args:
        images: One image or several: paths, images of Pillow, or arrays of uint8 of shape
            (height, width), (height, width, 3), or with a leading axis for several.

    Raises:
        SourceError: There is none, or one cannot be read.
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
            yield image
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


def _of_array(pixels: NDArray[np.uint8]) -> Image.Image:
    sound = pixels.ndim in (2, 3) and pixels.shape[2:] in ((), (3,)) and pixels.size
    if pixels.dtype != np.uint8 or not sound:
        raise SourceError(
            f"An array of {pixels.dtype} of shape {pixels.shape} is no image. Give uint8 of shape "
            "(height, width, 3)."
        )
    return Image.fromarray(pixels)


def _of_file(file: Path) -> Image.Image:
    try:
        image = Image.open(file)
        image.load()
    except Exception as error:  # Decoders raise whatever damaged data leads them to.
        reason = getattr(error, "strerror", None) or "it is no image that can be read"
        raise SourceError(f"{file} cannot be parsed: {reason}. Give image files.") from error
    return image
