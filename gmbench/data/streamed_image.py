"""One image of a stream of images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamedImage:
    """The bytes of an image file, or the reason why there are none.

    Attributes:
        name: Name of the image.
        data: The bytes; empty if they cannot be obtained.
        fault: The reason why not; empty if they can.
    """

    name: str
    data: bytes
    fault: str = ""
