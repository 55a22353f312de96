"""Evenly spaced frames of a video, and the face in each of them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gmbench.errors import SourceError, naming_extras

VIDEO_SUFFIXES = frozenset((".mp4", ".avi", ".mov", ".mkv", ".webm"))
"""Suffixes of files that are taken for videos."""

_MARGIN = 1.3
"""Side of a crop relative to that of the face's box, as the owners of FaceForensics++ do."""

_SMALLEST = 32
"""Side of the smallest face that is detected, in pixels of the reduced frame."""

_LONGEST = 320
"""Longest side of a frame, in pixels, after it is reduced for the detection of faces."""


def read_frames(video: Path, count: int) -> list[Image.Image]:
    """Returns evenly spaced frames of a video: the middle of each of `count` equal parts.

    Args:
        video: A file that FFmpeg can read.
        count: Number of frames; a shorter video gives all it has.

    Raises:
        SourceError: The video cannot be opened, or has no frame that can be decoded.
        MissingPackageError: PyAV is not installed.
    """
    with naming_extras():
        import av
    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            # Some containers do not say how many frames they hold.
            total = stream.frames or sum(1 for _ in container.decode(stream))
        wanted = {int((part + 0.5) * total / count) for part in range(count)}
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            found = []
            for number, frame in enumerate(container.decode(stream)):
                if number in wanted:
                    found.append(Image.fromarray(frame.to_ndarray(format="rgb24")))
                if len(found) == len(wanted):
                    break
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise SourceError(_not_a_video(video, getattr(error, "strerror", None))) from error
    if not found:
        raise SourceError(_not_a_video(video, None))
    return found


def _not_a_video(video: Path, reason: str | None) -> str:
    told = reason or "it holds no frame that decodes"
    return f"{video} cannot be read as a video: {told}. Fetch it again, or take it away."


def face_crop(frame: Image.Image) -> tuple[Image.Image, bool]:
    """Returns the square around the largest face in a frame, and whether a face was found.

    Faces are detected by scikit-image's cascade of local binary patterns (frontal faces); the side
    of the square is 1.3 times that of the face's box. Without a face, the square is the central
    one of the frame.

    Raises:
        MissingPackageError: scikit-image is not installed.
    """
    scale = min(1.0, _LONGEST / max(frame.size))
    small = frame.convert("RGB").resize([max(1, round(side * scale)) for side in frame.size])
    longest = max(small.size)
    boxes = _cascade().detect_multi_scale(
        img=np.asarray(small),
        scale_factor=1.2,
        step_ratio=1,
        min_size=(_SMALLEST, _SMALLEST),
        max_size=(longest, longest),
    )
    if not boxes:
        return central_square(frame), False
    box = max(boxes, key=lambda one: int(one["width"]) * int(one["height"]))
    side = min(round(_MARGIN * max(box["width"], box["height"]) / scale), *frame.size)
    centre = ((box["c"] + box["width"] / 2) / scale, (box["r"] + box["height"] / 2) / scale)
    left, top = (
        int(np.clip(round(middle - side / 2), 0, whole - side))
        for middle, whole in zip(centre, frame.size, strict=True)
    )
    return frame.crop((left, top, left + side, top + side)), True


def central_square(image: Image.Image) -> Image.Image:
    """Returns the largest square in the middle of an image."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


@lru_cache(maxsize=1)
def _cascade() -> Any:
    with naming_extras():
        from skimage import data, feature
    trained: Any = data
    return feature.Cascade(trained.lbp_frontal_face_cascade_filename())
