"""Expected duration of a long run, from its first images and the size of its files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import StatisticsError, fmean

from PIL import Image
from threadpoolctl import threadpool_limits

from gmbench.data.image_shards import TARS, ending_of, is_shard
from gmbench.data.image_streams import images_of_files, images_of_shard
from gmbench.data.parallel import in_processes
from gmbench.data.remote import is_remote
from gmbench.errors import GmbenchError
from gmbench.parsing.load import load_parser
from gmbench.parsing.looking import PartTask, decoded
from gmbench.parsing.work import names_of_part
from gmbench.progress import Expectation

_IMAGES = 16
"""Images parsed for the estimate: a tenth of a second's work, or a few seconds for a network."""

_HEADER = 768
"""Bytes of a TAR in addition to each image: a header of 512, and on average 256 of padding."""

_FEW = 1_000
"""Fewer images take less than half a minute, so an extra process for measuring would matter."""

_FEW_FAR = 100
"""Fewer images than this arrive quickly from remote hosts."""

_PARTS = 64
"""Number of parts whose size is examined; the others are assumed to be like them."""


def expectation(tasks: Sequence[PartTask], at_once: int | None) -> Expectation:
    """Returns how long parts will take.

    Before the first part is done, this is unknown for hosts on the network, which are asked for
    nothing twice, and for a GPU, whose work differs from that of this process.

    Args:
        tasks: The parts.
        at_once: Number of processes; None if a cluster determines it.
    """
    if not tasks:
        return Expectation()
    try:
        some = [names_of_part(task.folder, task.part) for task in tasks[:_PARTS]]
        names = sum(task.part.names for task in tasks)
        far = any(is_remote(names[0]) for names in some)
        if names < (_FEW_FAR if far else _FEW) and not any(is_shard(names[0]) for names in some):
            return Expectation()
        if far:
            return Expectation(unknown="hosts of the network send them")
        if tasks[0].device != "cpu":
            return Expectation(unknown="what a GPU does is not measured before")
        # A decoder that crashes on an image takes down that process, not the run.
        look = partial(_first_images, names=some[0])
        ((_, (pace, size)),) = in_processes(look, tasks[:1], 1, lambda _: "the first images")
        images = fmean(_images_of(names, size) for names in some) * len(tasks)
    except (GmbenchError, OSError, StatisticsError, ZeroDivisionError):
        return Expectation()  # The run itself says what is wrong with an image or a file.
    return Expectation(images * pace / min(at_once or 1, len(tasks)), of_one_core=at_once is None)


def _first_images(task: PartTask, names: list[str]) -> tuple[float, float]:
    """Returns the seconds that an image takes, and its bytes, averaged over the first ones."""
    images = images_of_shard(names[0]) if is_shard(names[0]) else images_of_files(names)
    parser, first = load_parser(task.parser), list(islice(images, _IMAGES))
    with threadpool_limits(1):
        seconds = 0.0
        for _ in range(2):  # One-time work is not part of the run's pace.
            started = time.perf_counter()
            found = [pixels for _, pixels, _ in map(decoded, first) if pixels is not None]
            if found:
                parser.parse_each([Image.fromarray(pixels) for pixels in found])
            seconds = time.perf_counter() - started
    size = fmean(len(image.data) for image in first)
    in_tar = ending_of(names[0]).endswith(TARS)
    return seconds / len(first), size + (_HEADER if in_tar else 0)


def _images_of(names: list[str], size: float) -> float:
    """Returns how many images a part has; for a file of many, how many of this size it holds."""
    return Path(names[0]).stat().st_size / size if is_shard(names[0]) else len(names)
