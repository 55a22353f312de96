"""Tiny videos, made by PyAV, in the layouts of their owners."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

SIDE = 32


def write_video(path: Path, frames: Iterable[NDArray[np.uint8]]) -> Path:
    """Writes frames of shape (height, width, 3), as good as without loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = None
        for pixels in frames:
            if stream is None:
                stream = container.add_stream("mpeg4", rate=10)
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.bit_rate = 4_000_000
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        assert stream is not None
        for packet in stream.encode():
            container.mux(packet)
    return path


def grey_video(path: Path, grey: int, count: int = 5, width: int = SIDE) -> Path:
    """A video of noise about one grey; a later frame is brighter by 2."""
    generator = np.random.default_rng(sum(path.name.encode()))
    noise = generator.integers(-8, 9, (count, SIDE, width, 3))
    steps = 2 * np.arange(count)[:, None, None, None]
    return write_video(path, (grey + noise + steps).clip(0, 255).astype(np.uint8))


def celeb_df(folder: Path, persons: int = 12) -> Path:
    """Real videos are dark, fakes bright; each person lends the face to the next."""
    for one in range(persons):
        grey_video(folder / f"Celeb-real/id{one}_0000.mp4", 60)
        other = one ^ 1
        grey_video(folder / f"Celeb-synthesis/id{one}_id{other}_0000.mp4", 180)
    return folder


def face_forensics(folder: Path, videos: int = 8) -> Path:
    for one in range(videos):
        other = one ^ 1
        real = folder / "original_sequences/youtube/c23/videos"
        grey_video(real / f"{one:03d}.mp4", 60)
        fake = folder / "manipulated_sequences/Deepfakes/c23/videos"
        grey_video(fake / f"{one:03d}_{other:03d}.mp4", 180)
        grey_video(folder / f"original_sequences/youtube/raw/videos/{one:03d}.mp4", 60)
    return folder


def uadfv(folder: Path, videos: int = 10) -> Path:
    for one in range(videos):
        grey_video(folder / f"real/{one:04d}.mp4", 60)
        grey_video(folder / f"fake/{one:04d}_fake.mp4", 180)
    return folder
