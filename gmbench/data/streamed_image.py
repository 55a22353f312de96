"""One image of a stream of images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamedImage:
    """The bytes of an image file, or why there are none.

    Attributes:
        name: Which image it is.
        data: The bytes; empty where they cannot be had.
        fault: Why not; empty where they can.
    """

    name: str
    data: bytes
    fault: str = ""
